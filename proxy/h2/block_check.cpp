#include "proxy/h2/block_check.hpp"

#include <array>
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

// Of regular fields that the proxy knows.
const char* check_regular(const http::Field& field, BlockForm& form) {
  if (is_connection_specific(field)) return kConnectionField;
  if (field.id != Header::content_length) return nullptr;
  std::uint64_t length = 0;
  if (form.content_length >= 0 || !http::parse_decimal(field.value, kMaxLength, length)) return kBadLength;
  form.content_length = static_cast<std::int64_t>(length);
  return nullptr;
}

using hpack::Pseudo;

// The values of the pseudo fields that came.
class PseudoValues {
 public:
  std::string_view& operator[](Pseudo which) { return values_[static_cast<std::size_t>(which)]; }

 private:
  std::array<std::string_view, static_cast<std::size_t>(Pseudo::unknown)> values_;
};

constexpr unsigned bit(Pseudo which) { return 1u << static_cast<unsigned>(which); }
constexpr unsigned kOfRequests = bit(Pseudo::method) | bit(Pseudo::scheme) | bit(Pseudo::path) |
                                 bit(Pseudo::authority) | bit(Pseudo::protocol);
constexpr unsigned kOfAnswers = bit(Pseudo::status);

// Goes through a block: the pseudo fields first, each at most once and among `allowed`; then the regular
// ones.
void check_fields(const FieldBlock& block, unsigned allowed, PseudoValues& values, BlockForm& form) {
  bool regular = false;
  for (std::size_t i = 0; i < block.size() && !form.flaw; ++i) {
    const hpack::FieldForm field = block.form(i);
    if (field.flaw != hpack::Flaw::none) {
      form.flaw = field.flaw == hpack::Flaw::name ? kBadName : kBadValue;
    } else if (field.pseudo != Pseudo::none) {
      if (regular || !(allowed & bit(field.pseudo))) {
        form.flaw = kBadPseudo;
        return;
      }
      allowed &= ~bit(field.pseudo);
      values[field.pseudo] = block[i].value;
    } else {
      regular = true;
      if (field.id != Header::other) form.flaw = check_regular(block[i], form);
    }
  }
}

}  // namespace

BlockForm check_request(const FieldBlock& block) {
  PseudoValues values;
  BlockForm form;
  check_fields(block, kOfRequests, values, form);
  if (form.flaw || block.too_large()) return form;
  const std::string_view method = values[Pseudo::method], scheme = values[Pseudo::scheme],
                         path = values[Pseudo::path], authority = values[Pseudo::authority],
                         protocol = values[Pseudo::protocol];

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

BlockForm check_answer(const FieldBlock& block) {
  PseudoValues values;
  BlockForm form;
  check_fields(block, kOfAnswers, values, form);
  if (form.flaw) return form;
  const std::string_view digits = values[Pseudo::status];
  std::uint64_t status = 0;
  const bool sound = digits.size() == 3 && http::parse_decimal(digits, 599, status) && status >= 100;
  form.status = static_cast<int>(status);
  if (!sound || status == 101) form.flaw = kBadStatus;                  // RFC 9113 8.6
  if (status < 200 && form.content_length > 0) form.flaw = kBadLength;  // RFC 9110 8.6
  return form;
}

BlockForm check_trailers(const FieldBlock& block) {
  PseudoValues values;
  BlockForm form;
  check_fields(block, 0, values, form);
  return form;
}

}  // namespace sluice::h2
