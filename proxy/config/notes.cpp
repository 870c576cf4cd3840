#include "proxy/config/notes.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/config/dump.hpp"

namespace sluice::config {
namespace {

// One process behind two names: what is shifted from one to the other arrives at the same place.
void note_shared_addresses(const ServiceSpec& service, Complaints& out) {
  struct First {
    const PoolSpec* pool;
    const BackendSpec* backend;
  };
  std::map<std::string, First> seen;
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      const auto [at, added] = seen.emplace(canonical(backend.address), First{&pool, &backend});
      if (added) continue;
      const auto& [other, first] = at->second;
      const std::string where = first->place.line > 0 ? " (" + out.where(first->place) + ")" : "";
      if (other == &pool)
        out.add(backend.place, "backends " + quoted(first->name) + where + " and " + quoted(backend.name) +
                                   " of pool " + quoted(pool.name) + " have the same address " +
                                   backend.address.text + "; 'weight: 2' says the same with one");
      else
        out.add(backend.place,
                "address " + backend.address.text + " is in pool " + quoted(pool.name) + " and in pool " +
                    quoted(other->name) + where + " of service " + quoted(service.name) +
                    "; a shift between the two changes nothing for the requests that go there");
    }
}

// As in the image before anything is configured.
void note_no_backend(const ServiceSpec& service, Complaints& out) {
  const auto is_empty = [](const PoolSpec& pool) { return pool.backends.empty(); };
  if (service.pools.empty() || !std::all_of(service.pools.begin(), service.pools.end(), is_empty)) return;
  out.add(service.place,
          "service " + quoted(service.name) +
              " has no backend, its requests get 503 until one is written here or added: sluicectl add " +
              service.name + "/" + service.pools.front().name + " HOST:PORT");
}

void note_rescue_without_a_try(const ServiceSpec& service, Complaints& out) {
  const RetrySpec& retries = service.retries;
  if (retries.attempts > 1 || !retries.rescue_stable || service.pools.size() < 2) return;
  if (!retries.on_reset && !retries.on_timeout && retries.on_status.empty()) return;
  out.add(service.places.of("retries/attempts", service.place),
          "service " + quoted(service.name) +
              " has 'attempts: 1' and 'rescue: stable'; the rescue is a second attempt, so only failed "
              "connects are rescued, write 'attempts: 2' for the rest or 'rescue: none'");
}

Place sticky_place(const ServiceSpec& service) { return service.places.of("sticky/keys", service.place); }

// S10: whoever is known by a later key is another user as soon as an earlier one is there.
void note_keys_that_make_users_jump(const ServiceSpec& service, Complaints& out) {
  if (!service.sticky || service.sticky->keys.size() < 2) return;
  const auto& keys = service.sticky->keys;
  const std::string& cookie = service.sticky->issue_cookie.name;
  const StickyKey issued{StickyKey::From::cookie, cookie};
  if (!cookie.empty() && keys.front() == issued) return;
  const StickyKey& known_by = cookie.empty() ? keys[1] : issued;
  out.add(sticky_place(service),
          "users of service " + quoted(service.name) + " who are known by " + to_string(known_by) +
              " may change their pool with the first request that has " + to_string(keys.front()) +
              " as well (a login, say), because it stands before it in 'keys'; " +
              (cookie.empty() ? "with 'issue_cookie' a visitor has a key that stays, and that is the first"
                              : "write " + to_string(issued) + " first"));
}

void note_cookie_never_issued(const ServiceSpec& service, Complaints& out) {
  if (!service.sticky || service.sticky->issue_cookie.name.empty()) return;
  const auto& keys = service.sticky->keys;
  const StickyKey ip{StickyKey::From::ip, ""};
  if (std::find(keys.begin(), keys.end(), ip) == keys.end()) return;
  out.add(sticky_place(service), "no cookie " + quoted(service.sticky->issue_cookie.name) +
                                     " is ever issued by service " + quoted(service.name) +
                                     ", because every request has the key ip; leave ip out of 'keys'");
}

// gRPC is not spoken over HTTP/1.1.
void note_grpc_web_over_http1(const ServiceSpec& service, Complaints& out) {
  if (!service.grpc_web) return;
  for (const auto& pool : service.pools)
    if (pool.protocol == BackendProtocol::h1)
      out.add(pool.place, "service " + quoted(service.name) + " has 'grpc_web: on', but its pool " +
                              quoted(pool.name) +
                              " speaks HTTP/1.1, which carries no gRPC; write 'protocol: h2'");
}

// Every request that `later` would match matches `first`. Requires: it has the host and the path of `first`.
bool covers(const RouteSpec& first, const RouteSpec& later) {
  const auto in = [](const auto& all, const auto& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  return std::all_of(first.headers.begin(), first.headers.end(),
                     [&](const auto& header) { return in(later.headers, header); }) &&
         (first.methods.empty() ||
          (!later.methods.empty() &&
           std::all_of(later.methods.begin(), later.methods.end(),
                       [&](const auto& method) { return in(first.methods, method); })));
}

// By host and path, so that ten thousand are not compared each with each. Requires: all routes are of one
// list and come in its order.
class EarlierRoutes {
 public:
  void add(const RouteSpec& route) {
    std::string_view path = route.path;
    if (path.ends_with('/')) path.remove_suffix(1);
    by_place_[route.host + std::string(path)].push_back(&route);
  }
  // The first of those for `host` that covers `route`, or null: it stands at one of the prefixes of its path.
  const RouteSpec* covering(const std::string& host, const RouteSpec& route) const {
    const RouteSpec* first = nullptr;
    for (std::size_t end = 0; end <= route.path.size(); ++end) {
      if (end < route.path.size() ? route.path[end] != '/' : route.path.ends_with('/')) continue;
      const auto there = by_place_.find(host + route.path.substr(0, end));
      if (there == by_place_.end()) continue;
      for (const auto* other : there->second)
        if ((!first || other < first) && covers(*other, route)) first = other;
    }
    return first;
  }

 private:
  std::unordered_map<std::string, std::vector<const RouteSpec*>> by_place_;
};

// The first route that matches counts.
void note_routes_that_never_match(const Spec& spec, Complaints& out) {
  EarlierRoutes earlier;
  for (const auto& route : spec.routes) {
    const RouteSpec* first = earlier.covering("", route);
    if (!first) first = earlier.covering(route.host, route);
    if (!first) {
      earlier.add(route);
      continue;
    }
    out.add(route.place,
            "this route never matches: the one " +
                (first->place.line > 0 ? "in " + out.where(first->place) : std::string("above")) +
                " takes all its requests, and the first that matches counts");
  }
}

}  // namespace

// A note more is a function more in this list.
std::vector<Complaint> notes(const Spec& spec) {
  Complaints out(spec.sources());
  for (const auto& service : spec.services) {
    note_shared_addresses(service, out);
    note_no_backend(service, out);
    note_rescue_without_a_try(service, out);
    note_keys_that_make_users_jump(service, out);
    note_cookie_never_issued(service, out);
    note_grpc_web_over_http1(service, out);
  }
  note_routes_that_never_match(spec, out);
  return std::move(out).sorted();
}

std::string note_text(const Complaint& note) {
  Complaint text = note;
  text.what = "note: " + text.what;
  return text.text();
}

}  // namespace sluice::config
