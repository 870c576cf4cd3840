#include "proxy/http/names.hpp"

#include <array>
#include <cstring>
#include <iterator>

#include "proxy/http/text.hpp"

namespace sluice::http {
namespace {

// '_' counts as '-' here: an alias folds to the name that it imitates.
constexpr auto kFold = [] {
  auto table = detail::lower_table();
  table[static_cast<unsigned char>('_')] = '-';
  return table;
}();

// Eight bytes, or four, with the bit of lower case. No other byte of a token becomes a letter, a digit or
// '-'.
template <class Word>
Word lower_word(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof word);
  return word | static_cast<Word>(0x2020202020202020);
}
template <class Word>
bool same_at(std::string_view name, std::string_view known, std::size_t at) {
  return lower_word<Word>(name.data() + at) == lower_word<Word>(known.data() + at);
}

// `known`: letters in lower case, digits, '-'. Requires: `name` is a token, at least as long.
bool same(std::string_view name, std::string_view known) {
  const std::size_t size = known.size();
  if (size < 4) {
    for (std::size_t i = 0; i < size; ++i)
      if (to_lower(name[i]) != known[i]) return false;
    return true;
  }
  if (size < 8)
    return same_at<std::uint32_t>(name, known, 0) && same_at<std::uint32_t>(name, known, size - 4);
  for (std::size_t i = 0; i + 8 < size; i += 8)
    if (!same_at<std::uint64_t>(name, known, i)) return false;
  return same_at<std::uint64_t>(name, known, size - 8);
}
bool imitates(std::string_view name, std::string_view known) {
  for (std::size_t i = 0; i < known.size(); ++i)
    if (kFold[static_cast<unsigned char>(name[i])] != known[i]) return false;
  return true;
}
// What `name`, at least as long as `known`, is if it begins so: `id` itself or an alias of it.
Header match(std::string_view name, std::string_view known, Header id) {
  if (same(name, known)) return name.find('_', known.size()) == std::string_view::npos ? id : Header::alias;
  return imitates(name, known) ? Header::alias : Header::other;
}

struct Known {
  std::string_view name;
  Header id;
};

constexpr Known kKnown[] = {
    {"te", Header::te},
    {"via", Header::via},
    {"host", Header::host},
    {"date", Header::date},
    {"proxy", Header::proxy},
    {"expect", Header::expect},
    {"cookie", Header::cookie},
    {"trailer", Header::trailer},
    {"upgrade", Header::upgrade},
    {"forwarded", Header::forwarded},
    {"x-real-ip", Header::ours},
    {"connection", Header::connection},
    {"keep-alive", Header::keep_alive},
    {"tracestate", Header::tracestate},
    {"client-cert", Header::ours},
    {"traceparent", Header::traceparent},
    {"max-forwards", Header::max_forwards},
    {"x-request-id", Header::x_request_id},
    {"authorization", Header::authorization},
    {"content-length", Header::content_length},
    {"http2-settings", Header::hop_by_hop},
    {"x-feature-flags", Header::ours},
    {"proxy-connection", Header::hop_by_hop},
    {"www-authenticate", Header::authenticate},
    {"client-cert-chain", Header::ours},
    {"transfer-encoding", Header::transfer_encoding},
    {"proxy-authenticate", Header::authenticate},
    {"proxy-authorization", Header::authorization},
};
constexpr std::size_t kLongest = 19;

// The known names of each size: kKnown[first[size]] up to kKnown[first[size + 1]].
constexpr auto kFirst = [] {
  std::array<std::uint8_t, kLongest + 2> first{};
  std::size_t next = 0;
  for (std::size_t size = 0; size <= kLongest; ++size) {
    first[size] = static_cast<std::uint8_t>(next);
    while (next < std::size(kKnown) && kKnown[next].name.size() == size) ++next;
  }
  first[kLongest + 1] = static_cast<std::uint8_t>(next);
  return first;
}();
static_assert(kFirst[kLongest + 1] == std::size(kKnown), "kKnown is ordered by size");

constexpr std::string_view kForwarded = "x-forwarded-", kSluice = "x-sluice-", kCert = "x-client-cert-";

// What follows X-Forwarded-.
Header forwarded_id(std::string_view what) {
  if (what.size() == 3 && same(what, "for")) return Header::forwarded_for;
  if (what.size() == 4 && same(what, "host")) return Header::forwarded_host;
  if (what.size() == 4 && same(what, "port")) return Header::forwarded_port;
  if (what.size() == 5 && same(what, "proto")) return Header::forwarded_proto;
  return Header::forwarded;
}

Header find_prefix(std::string_view name) {
  Header id = Header::other;
  if (name.size() >= kForwarded.size()) id = match(name, kForwarded, Header::forwarded);
  if (id == Header::forwarded) return forwarded_id(name.substr(kForwarded.size()));
  if (id == Header::other && name.size() >= kSluice.size()) id = match(name, kSluice, Header::sluice);
  if (id == Header::other && name.size() >= kCert.size()) id = match(name, kCert, Header::ours);
  return id;
}

}  // namespace

namespace detail {

constexpr std::uint32_t kAnySize = UINT32_MAX;

constinit const std::array<std::uint32_t, 32> kNameSizes = [] {
  std::array<std::uint32_t, 32> sizes{};
  for (const Known& known : kKnown) sizes[known.name[0] & 31] |= std::uint32_t{1} << known.name.size();
  sizes['x' & 31] = kAnySize;  // those with a prefix
  return sizes;
}();

Header find_header(std::string_view name) {
  const char first = to_lower(name[0]);
  if (first == 'x') {
    if (const Header id = find_prefix(name); id != Header::other) return id;
  }
  if (name.size() > kLongest) return Header::other;
  for (auto i = kFirst[name.size()]; i < kFirst[name.size() + 1]; ++i) {
    if (kKnown[i].name[0] != first) continue;
    if (const Header id = match(name, kKnown[i].name, kKnown[i].id); id != Header::other) return id;
  }
  return Header::other;
}

}  // namespace detail

bool logs_connection_in(std::string_view list) {
  while (!list.empty()) {
    const auto member = take_member(list);
    const auto scheme = member.substr(0, member.find_first_of(" \t"));
    if (iequals(scheme, "NTLM") || iequals(scheme, "Negotiate")) return true;
  }
  return false;
}

namespace {

// As detail::kNameSizes.
template <std::size_t N>
constexpr auto sizes_by_letter(const std::string_view (&names)[N]) {
  std::array<std::uint32_t, 32> sizes{};
  for (const auto name : names) sizes[name[0] & 31] |= std::uint32_t{1} << (name.size() & 31);
  return sizes;
}

}  // namespace

bool forbidden_in_trailers(std::string_view name) {
  static constexpr std::string_view kForbidden[] = {"authorization",
                                                    "proxy-authorization",
                                                    "www-authenticate",
                                                    "proxy-authenticate",
                                                    "authentication-info",
                                                    "proxy-authentication-info",
                                                    "set-cookie",
                                                    "cache-control",
                                                    "pragma",
                                                    "range",
                                                    "if-match",
                                                    "if-none-match",
                                                    "if-modified-since",
                                                    "if-unmodified-since",
                                                    "if-range",
                                                    "age",
                                                    "expires",
                                                    "location",
                                                    "retry-after",
                                                    "vary",
                                                    "warning",
                                                    "allow",
                                                    "content-type",
                                                    "content-encoding",
                                                    "content-range",
                                                    "content-location",
                                                    "content-disposition",
                                                    "server",
                                                    "origin",
                                                    "access-control-allow-origin",
                                                    "strict-transport-security"};
  static constexpr auto kSizes = sizes_by_letter(kForbidden);
  if (header_id(name) != Header::other) return true;
  if (!name.empty() && (kSizes[static_cast<unsigned char>(name[0]) & 31] >> (name.size() & 31) & 1) == 0)
    return false;
  for (auto forbidden : kForbidden)
    if (name.size() == forbidden.size() && same(name, forbidden)) return true;
  return false;
}

}  // namespace sluice::http
