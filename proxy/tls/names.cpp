#include "proxy/tls/names.hpp"

#include <algorithm>

namespace sluice::tls {
namespace {

char lower_char(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower_char(x) == lower_char(y); });
}

}  // namespace

std::string_view bare_host(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  const auto colon = authority.find(':');
  if (colon == authority.rfind(':')) authority = authority.substr(0, colon);  // two of them: an IPv6 address
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return authority;
}

bool covers(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return same(pattern, host);
  const auto dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && same(pattern.substr(1), host.substr(dot));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower_char);
  return out;
}

}  // namespace sluice::tls
