// Specs and snapshots for tests, made by hand.
#pragma once

#include <boost/asio/post.hpp>
#include <memory>
#include <string>
#include <vector>

#include "control/change/publisher.hpp"
#include "control/state/state.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::change {

inline config::PoolSpec pool_spec(const std::string& name, const std::vector<std::string>& addresses) {
  config::PoolSpec pool;
  pool.name = name;
  for (const auto& text : addresses) {
    config::BackendSpec backend;
    backend.name = text;
    backend.address = *parse_address(text);
    pool.backends.push_back(backend);
  }
  return pool;
}

// api: blue 100 % (two backends), green 0 % (two backends); one route to it.
inline config::Spec two_pools() {
  config::ServiceSpec service;
  service.name = "api";
  service.pools = {pool_spec("blue", {"127.0.0.1:9001", "127.0.0.1:9002"}),
                   pool_spec("green", {"127.0.0.1:9101", "127.0.0.1:9102"})};
  service.split = {{"blue", kWhole}, {"green", 0}};
  service.stable = "blue";
  config::Spec spec;
  spec.services = {service};
  config::RouteSpec route;
  route.service = "api";
  spec.routes = {route};
  return spec;
}

// What a name server would say.
inline io::Found at(const std::vector<std::string>& ips,
                    std::chrono::seconds ttl = std::chrono::seconds(30)) {
  io::Found found;
  for (const auto& ip : ips) {
    const auto address = parse_address(ip.find(':') == std::string::npos ? ip + ":1" : "[" + ip + "]:1");
    found.addresses.push_back(*io::literal(*address));
    found.addresses.back().port = 0;
  }
  found.ttl = ttl;
  return found;
}
inline io::Found nowhere(const std::string& why) {
  io::Found found;
  found.error = why;
  return found;
}
// Answers in the next round of the loop, as the real one does.
inline io::LookUp answering(boost::asio::any_io_executor loop,
                            std::function<io::Found(const io::NameQuestion&)> answer) {
  return [loop, answer](io::NameQuestion question, io::Answered answered) {
    boost::asio::post(loop, [answer, question, answered] { answered(answer(question)); });
  };
}

// What a publisher needs, with seeds that count up.
struct Made {
  explicit Made(boost::asio::any_io_executor loop,
                std::function<io::Found(const io::NameQuestion&)> look = no_server)
      : resolver(loop, answering(loop, std::move(look))),
        publisher(registry, resolver, [this] { return ++seed; }) {}
  static io::Found no_server(const io::NameQuestion&) { return nowhere("no name server answers"); }
  std::uint64_t seed = 0;
  Registry registry{2};
  io::Resolver resolver;
  Publisher publisher;
};

inline boost::asio::awaitable<bool> resolve_all(io::Resolver& resolver, std::vector<std::string> addresses) {
  co_await resolver.resolve(std::move(addresses));
  co_return true;
}

inline const route::Backend& backend_in(const route::Snapshot& snapshot, std::size_t pool,
                                        std::size_t backend) {
  return snapshot.services.at(0).pools.at(pool).backends.at(backend);
}

}  // namespace sluice::change
