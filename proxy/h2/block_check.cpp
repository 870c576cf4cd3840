#include "proxy/h2/block_check.hpp"

#include <limits>
#include <string_view>

#include "proxy/http/text.hpp"

namespace sluice::h2 {
namespace {

constexpr const char* kBadPseudo = "pseudo field";
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

using hpack::Pseudo;

constexpr unsigned kOfRequests = bit(Pseudo::method) | bit(Pseudo::scheme) | bit(Pseudo::path) |
                                 bit(Pseudo::authority) | bit(Pseudo::protocol);
constexpr unsigned kOfAnswers = bit(Pseudo::status);

// What its fields say one by one; of the pseudo fields these are allowed.
BlockForm form_of(const FieldBlock& block, unsigned allowed) {
  const FieldCheck& check = block.check();
  BlockForm form;
  form.flaw = check.flaw();
  if (!form.flaw && (check.pseudo_fields() & ~allowed)) form.flaw = kBadPseudo;
  if (form.flaw || !check.has_length()) return form;
  std::uint64_t length = 0;
  if (http::parse_decimal(block[check.length_at()].value, kMaxLength, length))
    form.content_length = static_cast<std::int64_t>(length);
  else
    form.flaw = kBadLength;
  return form;
}

// A null view if it did not come. They stand before all others.
std::string_view value_of(const FieldBlock& block, Pseudo which) {
  if (!(block.check().pseudo_fields() & bit(which))) return {};
  std::size_t at = 0;
  while (block.form(at).pseudo != which) ++at;
  return block[at].value;
}

}  // namespace

BlockForm check_request(const FieldBlock& block) {
  BlockForm form = form_of(block, kOfRequests);
  if (form.flaw || block.too_large()) return form;
  const std::string_view method = value_of(block, Pseudo::method), scheme = value_of(block, Pseudo::scheme),
                         path = value_of(block, Pseudo::path), authority = value_of(block, Pseudo::authority),
                         protocol = value_of(block, Pseudo::protocol);

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
  BlockForm form = form_of(block, kOfAnswers);
  if (form.flaw) return form;
  const std::string_view digits = value_of(block, Pseudo::status);
  std::uint64_t status = 0;
  const bool sound = digits.size() == 3 && http::parse_decimal(digits, 599, status) && status >= 100;
  form.status = static_cast<int>(status);
  if (!sound || status == 101) form.flaw = kBadStatus;                  // RFC 9113 8.6
  if (status < 200 && form.content_length > 0) form.flaw = kBadLength;  // RFC 9110 8.6
  return form;
}

BlockForm check_trailers(const FieldBlock& block) { return form_of(block, 0); }

}  // namespace sluice::h2
