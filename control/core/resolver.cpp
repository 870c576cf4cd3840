#include "control/core/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "control/core/signal_mask.hpp"
#include "proxy/base/values.hpp"

namespace sluice::core {

namespace asio = boost::asio;

namespace {

route::Endpoint endpoint_of(const sockaddr* address) {
  route::Endpoint endpoint;
  endpoint.v6 = address->sa_family == AF_INET6;
  if (endpoint.v6)
    std::memcpy(endpoint.ip.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, 16);
  else
    std::memcpy(endpoint.ip.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
  return endpoint;
}

// The hosts among `addresses` that are names.
std::vector<std::string> names_of(const std::vector<std::string>& addresses) {
  std::set<std::string> hosts;
  for (const auto& text : addresses) {
    const auto address = parse_address(text);
    if (address && !literal(*address)) hosts.insert(address->host);
  }
  return {hosts.begin(), hosts.end()};
}

}  // namespace

Lookup look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0)
    return {std::nullopt, failure == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(failure)};
  // The first one: the order is the system's preference (RFC 6724).
  const route::Endpoint endpoint = endpoint_of(found->ai_addr);
  freeaddrinfo(found);
  return {endpoint, {}};
}

std::optional<route::Endpoint> literal(const Address& address) {
  route::Endpoint endpoint;
  endpoint.port = address.port;
  if (inet_pton(AF_INET, address.host.c_str(), endpoint.ip.data()) == 1) return endpoint;
  endpoint.v6 = true;
  if (inet_pton(AF_INET6, address.host.c_str(), endpoint.ip.data()) == 1) return endpoint;
  return std::nullopt;
}

std::string to_string(const route::Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(endpoint.v6 ? AF_INET6 : AF_INET, endpoint.ip.data(), text, sizeof text);
  const std::string port = ":" + std::to_string(endpoint.port);
  return endpoint.v6 ? "[" + std::string(text) + "]" + port : text + port;
}

struct Resolver::Link {
  std::mutex mutex;
  Resolver* resolver;  // null when it is gone; read and written under the mutex
  explicit Link(Resolver* owner) : resolver(owner) {}
};

Resolver::Resolver(asio::any_io_executor loop, LookupFunction look)
    : loop_(loop), look_(std::move(look)), bell_(loop), link_(std::make_shared<Link>(this)) {}

Resolver::~Resolver() {
  const std::lock_guard lock(link_->mutex);
  link_->resolver = nullptr;
}

std::optional<route::Endpoint> Resolver::find(const std::string& text) const {
  const auto address = parse_address(text);
  if (!address) return std::nullopt;
  if (auto known = literal(*address)) return known;
  const auto name = names_.find(address->host);
  if (name == names_.end() || !name->second.answer.endpoint) return std::nullopt;
  route::Endpoint endpoint = *name->second.answer.endpoint;
  endpoint.port = address->port;
  return endpoint;
}

std::string Resolver::error_of(const std::string& text) const {
  if (find(text)) return {};
  const auto address = parse_address(text);
  if (!address) return address.error().text();
  const auto name = names_.find(address->host);
  const bool answered = name != names_.end() && !name->second.answer.error.empty();
  return quoted(address->host) +
         " does not resolve: " + (answered ? name->second.answer.error : "no answer yet");
}

asio::awaitable<void> Resolver::resolve(std::vector<std::string> addresses) {
  std::vector<std::string> hosts = names_of(addresses);
  std::erase_if(hosts, [this](const std::string& host) {
    const auto name = names_.find(host);
    return name != names_.end() && name->second.answer.endpoint;
  });
  for (const auto& host : hosts) ask(host);
  const auto limit = Clock::now() + kLimit;
  while (any_asked(hosts))
    if (!co_await bell_.wait_until(limit)) break;
}

asio::awaitable<bool> Resolver::refresh(std::vector<std::string> addresses) {
  const std::vector<std::string> hosts = names_of(addresses);
  std::erase_if(names_, [&hosts](const auto& entry) {
    return !entry.second.asked && std::find(hosts.begin(), hosts.end(), entry.first) == hosts.end();
  });
  const std::uint64_t before = changes_;
  for (const auto& host : hosts) ask(host);
  const auto limit = Clock::now() + kLimit;
  while (any_asked(hosts))
    if (!co_await bell_.wait_until(limit)) break;
  co_return changes_ != before;
}

void Resolver::ask(const std::string& host) {
  Name& name = names_[host];
  if (name.asked) return;
  name.asked = true;
  const SignalsBlocked blocked;  // the thread inherits the mask
  std::thread([link = link_, look = look_, host] {
    Lookup answer = look(host);
    const std::lock_guard lock(link->mutex);
    if (!link->resolver) return;
    asio::post(link->resolver->loop_, [link, host, answer = std::move(answer)] {
      // On the control thread, which alone ends the resolver: no lock needed to use it.
      if (link->resolver) link->resolver->arrived(host, answer);
    });
  }).detach();
}

void Resolver::arrived(const std::string& host, Lookup answer) {
  Name& name = names_[host];
  name.asked = false;
  if (answer.endpoint && answer.endpoint != name.answer.endpoint) ++changes_;
  if (answer.endpoint || !name.answer.endpoint) name.answer = std::move(answer);
  bell_.ring();
}

bool Resolver::any_asked(const std::vector<std::string>& hosts) const {
  for (const auto& host : hosts) {
    const auto name = names_.find(host);
    if (name != names_.end() && name->second.asked) return true;
  }
  return false;
}

}  // namespace sluice::core
