#include "proxy/base/origin.hpp"

#include <sys/un.h>

#include <algorithm>

namespace sluice {
namespace {

ValueError no_origin(std::string_view text, const std::string& why, std::string suggestion = "") {
  return {quoted(text) + " is not an address, " + why, std::move(suggestion)};
}

Parsed<Address> parse_unix(std::string_view text) {
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  const std::string_view path = text.substr(kUnix.size());
  const bool printable = std::all_of(path.begin(), path.end(),
                                     [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
  if (!path.starts_with('/'))
    return no_origin(text, "a unix socket is named by its whole path, such as unix:/run/app.sock",
                     path.starts_with("//") || path.empty() ? "" : "unix:/" + std::string(path));
  if (path.size() > kLongest)
    return no_origin(
        text, "its path is longer than the " + std::to_string(kLongest) + " bytes that a socket can have");
  if (!printable || path.ends_with('/')) return no_origin(text, "its path names no socket");
  return Address{std::string(path), 0, std::string(text)};
}

}  // namespace

Parsed<Address> parse_origin(std::string_view text) {
  if (is_unix(text)) return parse_unix(text);
  if (is_srv(text)) return parse_srv_name(text.substr(kSrv.size()));
  return parse_address(text);
}

Parsed<Address> parse_srv_name(std::string_view name) {
  const auto host = parse_address(std::string(name) + ":1");
  const auto second = name.find('.');
  const bool has_form =
      name.starts_with('_') && second != std::string_view::npos && name.substr(second + 1, 1) == "_";
  if (!host || !has_form)
    return ValueError{
        quoted(name) + " is not the name of SRV records, write one such as _http._tcp.web.internal", ""};
  return Address{std::string(name), 0, std::string(kSrv) + std::string(name)};
}

}  // namespace sluice
