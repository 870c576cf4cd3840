#include "proxy/h2/block_check.hpp"

#include <array>
#include <cstring>
#include <iterator>
#include <limits>
#include <string_view>

#include "proxy/http/text.hpp"

namespace sluice::h2 {
namespace {

using http::Header;

constexpr const char* kBadPseudo = "pseudo field";
constexpr const char* kBadName = "field name";
constexpr const char* kBadValue = "field value";
constexpr const char* kConnectionField = "connection-specific field";
constexpr const char* kBadLength = "content-length";
constexpr const char* kBadPath = "path";
constexpr const char* kBadMethod = "method";
constexpr const char* kBadScheme = "scheme";
constexpr const char* kBadStatus = "status";

constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max();

constexpr auto kNameChars = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c)
    table[static_cast<std::size_t>(c)] = http::is_token_char(static_cast<char>(c)) && !(c >= 'A' && c <= 'Z');
  return table;
}();

bool is_name(std::string_view name) {
  for (char c : name)
    if (!kNameChars[static_cast<unsigned char>(c)]) return false;
  return !name.empty();
}

// Eight bytes without controls and DEL: most values are looked at so.
bool is_plain(const char* eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
  std::uint64_t bytes;
  std::memcpy(&bytes, eight, sizeof bytes);
  const std::uint64_t below_space = (bytes - 0x20 * kOnes) & ~bytes;
  const std::uint64_t del = bytes ^ (0x7f * kOnes);
  return ((below_space | ((del - kOnes) & ~del)) & kHigh) == 0;
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_value(std::string_view value) {
  if (value.empty()) return true;
  if (is_blank(value.front()) || is_blank(value.back())) return false;
  std::size_t at = 0;
  while (value.size() - at >= 8 && is_plain(value.data() + at)) at += 8;
  for (; at < value.size(); ++at)
    if (!http::is_text_char(value[at])) return false;
  return true;
}

bool is_path(std::string_view path, bool is_options) {
  for (char c : path)
    if (c <= 0x20 || c == 0x7f || c == '#') return false;  // char is signed here: above 0x7f is below 0
  return path.starts_with('/') || (path == "*" && is_options);
}

// RFC 9113 8.2.2.
bool is_connection_specific(const http::Field& field) {
  if (field.id == Header::te) return !http::iequals(field.value, "trailers");
  if (field.id == Header::hop_by_hop) return field.name == "proxy-connection";
  return field.id == Header::connection || field.id == Header::keep_alive ||
         field.id == Header::transfer_encoding || field.id == Header::upgrade;
}

// Regular fields; `name` and `value` are sound.
const char* check_regular(const http::Field& field, BlockForm& form) {
  if (field.id == Header::other) return nullptr;
  if (is_connection_specific(field)) return kConnectionField;
  if (field.id != Header::content_length) return nullptr;
  std::uint64_t length = 0;
  if (form.content_length >= 0 || !http::parse_decimal(field.value, kMaxLength, length)) return kBadLength;
  form.content_length = static_cast<std::int64_t>(length);
  return nullptr;
}

// Goes through a block: the pseudo fields first, each at most once and among `names`, whose values are put at
// the same place of `values`; then the regular ones.
template <std::size_t N>
void check_fields(FieldBlock& block, const std::array<std::string_view, N>& names,
                  std::array<std::string_view, N>& values, BlockForm& form) {
  bool regular = false;
  for (std::size_t i = 0; i < block.size() && !form.flaw; ++i) {
    http::Field field = block[i];
    if (!is_value(field.value)) {
      form.flaw = kBadValue;
    } else if (field.name.starts_with(':')) {
      std::size_t which = 0;
      while (which < N && names[which] != field.name) ++which;
      if (regular || which == N || values[which].data()) {
        form.flaw = kBadPseudo;
        return;
      }
      values[which] = field.value;
    } else if (!is_name(field.name)) {
      form.flaw = kBadName;
    } else {
      regular = true;
      field.id = http::header_id(field.name);
      block.set_id(i, field.id);
      form.flaw = check_regular(field, form);
    }
  }
}

}  // namespace

BlockForm check_request(FieldBlock& block) {
  static constexpr std::array<std::string_view, 5> kNames = {":method", ":scheme", ":path", ":authority",
                                                             ":protocol"};
  std::array<std::string_view, 5> values;
  const auto& [method, scheme, path, authority, protocol] = values;
  BlockForm form;
  check_fields(block, kNames, values, form);
  if (form.flaw || block.too_large()) return form;

  const bool connect = method == "CONNECT";
  const bool plain = connect && !protocol.data();
  if (!http::is_token(method)) {
    form.flaw = kBadMethod;
  } else if (plain ? scheme.data() || path.data() || authority.empty() : !scheme.data() || !path.data()) {
    form.flaw = kBadPseudo;
  } else if (protocol.data() && (!connect || authority.empty() || !http::is_token(protocol))) {
    form.flaw = kBadPseudo;  // RFC 8441 4
  } else if (!plain && !http::iequals(scheme, "http") && !http::iequals(scheme, "https")) {
    form.flaw = kBadScheme;
  } else if (!plain && !is_path(path, method == "OPTIONS")) {
    form.flaw = kBadPath;
  }
  if (connect) form.content_length = -1;  // what follows is a tunnel's (RFC 9110 9.3.6)
  form.is_head = method == "HEAD";
  return form;
}

BlockForm check_answer(FieldBlock& block) {
  static constexpr std::array<std::string_view, 1> kNames = {":status"};
  std::array<std::string_view, 1> values;
  BlockForm form;
  check_fields(block, kNames, values, form);
  if (form.flaw) return form;
  std::uint64_t status = 0;
  const bool sound = values[0].size() == 3 && http::parse_decimal(values[0], 599, status) && status >= 100;
  form.status = static_cast<int>(status);
  if (!sound || status == 101) form.flaw = kBadStatus;                  // RFC 9113 8.6
  if (status < 200 && form.content_length > 0) form.flaw = kBadLength;  // RFC 9110 8.6
  return form;
}

BlockForm check_trailers(FieldBlock& block) {
  static constexpr std::array<std::string_view, 0> kNames = {};
  std::array<std::string_view, 0> values;
  BlockForm form;
  check_fields(block, kNames, values, form);
  return form;
}

}  // namespace sluice::h2
