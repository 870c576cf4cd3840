// How a URL of the configuration is asked: the parts of it, the CA that is believed, the Authorization. Its
// files are read anew each time, so a secret that is renewed needs no reload. Control thread; blocks on the
// disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/io/http_client.hpp"
#include "control/io/resolver.hpp"
#include "proxy/base/url.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::io {

// All but the endpoints and the time limit; or why it cannot be asked, as a clause. `secret` is what may
// stand in no message; empty when there is none.
struct Reached {
  std::optional<HttpRequest> request;
  std::string problem;
  std::string secret;
};
Reached reach(std::string_view url, const config::ReachSpec& spec);
// Likewise, with the endpoints.
boost::asio::awaitable<Reached> look_up(Resolver& resolver, std::string url, config::ReachSpec spec);

// `text` without the secret, raw or as it was sent: a server may say back what it was told.
std::string without_secret(std::string text, const Reached& reached);

// "Basic dXNlcjpwYXNz" (RFC 7617).
std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace sluice::io
