// What the microbenchmarks and the budgets of instructions work on: heads, a service in the midst of a
// canary, a table of routes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/observe/live.hpp"
#include "proxy/route/decide.hpp"

namespace sluice::bench {

inline const std::string kSmallHead = "GET /hello HTTP/1.1\r\nHost: api.example.com\r\n\r\n";
inline const std::string kBrowserHead =
    "GET /v1/users/42?tab=orders HTTP/1.1\r\nHost: api.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: "
    "https://api.example.com/v1/users\r\n"
    "Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: "
    "navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\nPriority: u=1\r\nCookie: session=0123456789abcdef0123456789abcdef; "
    "theme=dark\r\n\r\n";

inline http::RequestHead browser_request() {
  http::RequestHead head;
  head.method = "GET";
  head.host = "api.example.com";
  head.path = "/v1/users/42";
  for (const auto* name :
       {"Host", "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Referer", "X-User-Id"})
    head.fields.push(name, "some-value-of-the-usual-length");
  return head;
}

inline route::Service canary_service(bool sticky) {
  const std::vector<config::Share> shares = {95'000, 5'000};
  route::Service service;
  service.pools.resize(2);
  service.split = route::SplitTable(shares);
  service.sequence = std::make_shared<observe::SplitSequence>(1);
  if (!sticky) return service;
  service.spec.sticky = config::StickySpec{{{config::StickyKey::From::header, "X-User-Id"}}, {}, "api"};
  route::SlotTable table(2, 0);
  table.apply(shares);
  service.slots = std::make_shared<const route::SlotMap>(table.owners());
  return service;
}

// The host of the route number `i` of hosts(), but for the last.
inline std::string host_name(std::size_t i) { return "other" + std::to_string(i) + ".example.com"; }

// A table of `count` hosts; that of browser_request() is the last one.
inline route::RouteTable hosts(std::size_t count) {
  std::vector<config::RouteSpec> routes(count);
  for (std::size_t i = 0; i < count; ++i) {
    routes[i].service = "api";
    routes[i].host = i + 1 == count ? "api.example.com" : host_name(i);
  }
  return route::RouteTable(routes, {"api"});
}

}  // namespace sluice::bench
