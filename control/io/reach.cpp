#include "control/io/reach.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/detail/base64.hpp>

#include "proxy/config/secret_file.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {
namespace {

using config::SecretKind;

// The value of Authorization; empty when there is none, or with a problem.
std::string authorization_of(const config::ReachSpec& spec, Reached& reached) {
  const bool basic = !spec.user.empty();
  const std::string& path = basic ? spec.password_file : spec.bearer_file;
  if (path.empty()) return {};
  std::string why;
  reached.secret = read_secret(path, basic ? SecretKind::password : SecretKind::token, why);
  if (!why.empty()) {
    reached.problem = "the file " + quoted(path) + " " + why;
    return {};
  }
  return basic ? basic_authorization(spec.user, reached.secret) : "Bearer " + reached.secret;
}

std::string replaced(std::string text, std::string_view what) {
  if (what.empty()) return text;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.replace(at, what.size(), "***");
  return text;
}

}  // namespace

Reached reach(std::string_view text, const config::ReachSpec& spec) {
  Reached reached;
  const auto url = parse_url(text);
  if (!url) {
    reached.problem = url.error().text();
    return reached;
  }
  HttpRequest request;
  request.to.address = url->address;
  request.host = url->authority;
  request.target = url->target;
  request.authorization = authorization_of(spec, reached);
  if (!reached.problem.empty()) return reached;
  if (url->secured) request.to.tls = tls::ClientContext::make({spec.ca, "", "", ""}, reached.problem);
  if (reached.problem.empty()) reached.request = std::move(request);
  return reached;
}

// A name is looked up in any case: the resolver asks again what it does not know.
boost::asio::awaitable<Reached> look_up(Resolver& resolver, std::string url, config::ReachSpec spec) {
  Reached reached = reach(url, spec);
  if (!reached.request) co_return reached;
  Destination& to = reached.request->to;
  std::vector<std::string> addresses{to.address};
  co_await resolver.resolve(std::move(addresses));
  to.endpoints = resolver.find(to.address);
  if (to.endpoints.empty()) {
    reached.problem = resolver.error_of(to.address);
    reached.request.reset();
  }
  co_return reached;
}

std::string without_secret(std::string text, const Reached& reached) {
  if (reached.secret.empty()) return text;
  // A short secret would be found in words that are none: only what was sent is taken out then.
  constexpr std::size_t kShort = 4;
  if (reached.request) {
    const std::string& sent = reached.request->authorization;
    text = replaced(std::move(text), std::string_view(sent).substr(sent.find(' ') + 1));
  }
  return reached.secret.size() < kShort ? text : replaced(std::move(text), reached.secret);
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  namespace base64 = boost::beast::detail::base64;
  const std::string plain = std::string(user) + ":" + std::string(password);
  std::string coded(base64::encoded_size(plain.size()), '\0');
  coded.resize(base64::encode(coded.data(), plain.data(), plain.size()));
  return "Basic " + coded;
}

}  // namespace sluice::io
