// What the operator wrote: the configuration file as plain structs. Every default stands here and nowhere
// else. Pure data; loaded by load.hpp, checked by validate.hpp, written by dump.hpp. Constant after loading.
// Two specs are equal when they say the same, wherever in a file it stands.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/base/values.hpp"

namespace sluice::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

using sluice::Address;
using sluice::kWhole;
using sluice::Network;
using sluice::ProxyVersion;
using sluice::Share;

// Where a value stands in the file, both from 1; 0 when it was not written.
struct Place {
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const { return true; }
};

// Where the keys of one map stand, for validate()'s messages.
struct Places {
  std::map<std::string, Place> keys;    // by key, and by "split/blue" for a key inside another
  std::map<std::string, Place> values;  // of those that are single values
  std::set<std::string> unread;         // complained about already: what is missing there is no news
  bool operator==(const Places&) const { return true; }

  // Of the value when it is a single one, of the key otherwise.
  Place of(const std::string& key, Place otherwise) const {
    if (const auto value = values.find(key); value != values.end()) return value->second;
    return of_key(key, otherwise);
  }
  Place of_key(const std::string& key, Place otherwise) const {
    const auto found = keys.find(key);
    return found == keys.end() ? otherwise : found->second;
  }
};

struct BackendSpec {
  std::string name;  // defaults to the address as written
  Address address;   // HOST:PORT, a unix socket or SRV records (proxy/base/origin.hpp)
  bool every_address =
      false;  // each address of the name is a backend of its own, NAME/ADDRESS; always with SRV
  std::uint32_t weight = 1;                    // 0 to 1000; 0: only when every eligible one is 0
  std::optional<std::uint32_t> max_in_flight;  // instead of the pool's; 0: no limit
  Place place;
  bool operator==(const BackendSpec&) const = default;
};

struct PoolTls {
  std::string ca;           // empty: the system's
  std::string server_name;  // empty: the backend's own host or address
  std::string cert, key;    // what we show; both or none
  std::string digest;       // of what the files held when they were read
  Place place;
  bool operator==(const PoolTls&) const = default;
};

struct PoolSpec {
  std::string name;
  std::vector<BackendSpec> backends;
  std::uint32_t max_in_flight = 0;  // requests at a time to each of its backends; 0: no limit
  std::optional<PoolTls> tls;
  Place place;
  // Tells its backends who the client is; their connections are not used again.
  ProxyVersion proxy_protocol = ProxyVersion::off;
  bool operator==(const PoolSpec&) const = default;
};

struct StickyKey {
  enum class From { header, cookie, query, ip } from = From::ip;
  std::string name;  // empty for ip
  bool operator==(const StickyKey&) const = default;
};

// The cookie that a request without any sticky key gets (S6); RFC 6265, section 4.1.2, for its attributes.
struct IssuedCookie {
  std::string name;             // empty: none is issued
  milliseconds max_age = 720h;  // 30 days, whole seconds; 0: until the browser is closed
  std::string domain;           // empty: only the host that it came from
  std::string path = "/";
  bool operator==(const IssuedCookie&) const = default;
};

struct StickySpec {
  // The first one present in a request counts. The issued cookie is among them after loading: first, unless
  // it was written elsewhere (S10).
  std::vector<StickyKey> keys;
  IssuedCookie issue_cookie;
  std::string salt;  // defaults to the service's name
  bool operator==(const StickySpec&) const = default;
};

enum class Balance { round_robin, least_requests, hash };

struct HealthCheckSpec {
  std::string path = "/";
  milliseconds interval = 2s;
  milliseconds timeout = 1s;
  int rise = 2;
  int fall = 3;
  int expect_low = 200, expect_high = 399;
  std::string host;  // Host header of the probe; empty: the backend's address
  bool operator==(const HealthCheckSpec&) const = default;
};

struct OutlierSpec {
  int consecutive_errors = 5;  // 0 turns ejection off
  milliseconds ejection = 30s;
  int min_available = 1;
  bool operator==(const OutlierSpec&) const = default;
};

struct RetrySpec {
  int attempts = 2;  // in all, the first one included
  bool on_connect = true, on_reset = true, on_timeout = false;
  std::vector<int> on_status = {502, 503, 504};
  double budget = 0.20;  // of what is in flight; at least 3 (R1)
  bool rescue_stable = true;
  bool operator==(const RetrySpec&) const = default;
};

struct TimeoutSpec {
  milliseconds connect = 1s;
  milliseconds response = 60s;  // from the request sent to the answer's head, and between pieces of its body
  milliseconds idle = 60s;      // a kept-alive connection without a request
  milliseconds tunnel = 1h;     // a tunnel (WebSocket) without a byte
  bool operator==(const TimeoutSpec&) const = default;
};

struct LimitSpec {
  std::uint32_t in_flight = 10'000;
  std::uint32_t queue = 1'000;
  milliseconds queue_time = 5s;  // the longest wait for a place; a standing queue shortens it (Admission)
  std::uint64_t body = 0;        // bytes of a request's body; 0: no limit, bodies stream (X4)
  bool operator==(const LimitSpec&) const = default;
};

// So many requests a second for each value of a key; more are answered with 429.
struct RateLimitSpec {
  std::uint64_t period_micros = 0;  // between two requests of a steady client: 10 ms for 100/s
  std::uint32_t burst = 1;          // at once, after a rest; defaults to a second's worth
  StickySpec key{};                 // one key, and ip for requests without it
  bool operator==(const RateLimitSpec&) const = default;
};

// How a service treats its requests, whatever its pools are: what a snapshot takes over as it is written.
struct ServicePolicies {
  std::string name;
  std::optional<StickySpec> sticky;
  Balance balance = Balance::round_robin;
  std::optional<HealthCheckSpec> health_check;  // absent: no active probes, health stays unknown
  OutlierSpec outlier;
  RetrySpec retries;
  TimeoutSpec timeouts;
  LimitSpec limits;
  std::optional<RateLimitSpec> rate_limit;
  milliseconds slow_start = 0ms;
  // After a cutover: the pools left behind stay as they are so long; 0: not at all.
  milliseconds retain = 0ms;
  std::string retain_hook;  // a command, run when a retention ends; empty: none
  bool debug_headers = false;
  bool operator==(const ServicePolicies&) const = default;
};

// A service as it is configured. Its pools, split and stable pool are where State begins; what is in force is
// in the snapshot.
struct ServiceSpec : ServicePolicies {
  std::vector<PoolSpec> pools;  // in the order written
  // One entry per pool, in the order of `pools`, sum kWhole.
  std::vector<std::pair<std::string, Share>> split;
  std::string stable;  // always set after loading
  Places places;
  Place place;

  const PoolSpec* pool(const std::string& wanted) const {
    for (const auto& p : pools)
      if (p.name == wanted) return &p;
    return nullptr;
  }
  bool operator==(const ServiceSpec&) const = default;
};

struct CertificateSpec {
  std::string cert, key, ocsp;
  // What the files held when they were read: a new certificate under an old name is a change.
  std::string digest;
  std::vector<std::string> names;
  std::int64_t not_after = 0;  // seconds since 1970
  bool operator==(const CertificateSpec&) const = default;
};
struct ListenerTls {
  std::vector<CertificateSpec> certificates;
  std::string client_ca;                // empty: clients show no certificate
  std::string client_auth = "require";  // with client_ca: or optional
  std::string min_version = "1.2";
  milliseconds handshake_timeout = 10s;
  bool check_host = true;  // 421 for a Host that the connection's certificate does not cover
  std::string ca_digest;   // of client_ca when it was read
  Place place;
  bool operator==(const ListenerTls&) const = default;
};

// Of a request's head: the defaults, and the most that can be asked for.
constexpr std::uint32_t kMostHeaderBytes = 32 * 1024, kMostTarget = 8 * 1024, kMostHeaders = 100;

struct ListenerSpec {
  std::string name;
  Address bind;
  std::optional<ListenerTls> tls;
  std::map<std::string, std::string> pools;  // service -> pool that every request arriving here goes to (S8)
  milliseconds header_timeout = 10s;         // from the first byte of a head to its end
  milliseconds body_timeout = 30s;           // between two pieces of a request's body
  milliseconds idle_timeout =
      75s;  // a kept-alive client without a request: more than a balancer in front keeps it (60 s)
  std::uint32_t max_connections = 0;  // 0: what RLIMIT_NOFILE allows
  // From one client address (IPv6: one /64); 0: no limit, for behind a NAT or a load balancer many users are
  // one.
  std::uint32_t max_connections_per_client = 0;
  std::uint32_t max_requests = 0;  // per connection, then `Connection: close`; 0: no limit
  std::uint32_t max_header_bytes = kMostHeaderBytes, max_target = kMostTarget, max_headers = kMostHeaders;
  std::uint64_t max_body = 0;  // bytes of a request's body; 0: no limit but the service's
  // Bytes of a body that must come per second of waiting for it, after body_timeout's worth of patience; 0:
  // none.
  std::uint32_t min_body_rate = 100;
  bool proxy_protocol = false;           // every connection begins with a PROXY header, v1 or v2
  std::vector<Network> trusted_proxies;  // whose PROXY headers and X-Forwarded-* are believed
  Places places;
  Place place;
  bool operator==(const ListenerSpec&) const = default;
};

struct AdminHttpSpec {
  Address bind;
  std::string token_file;  // empty: only what needs no token (metrics, health, the page)
  Place place;             // of the address
  bool operator==(const AdminHttpSpec&) const = default;
};
struct CompatSpec {
  Address bind;
  std::string service;
  std::string token_file;
  Places places;
  Place place;
  bool operator==(const CompatSpec&) const = default;
};
// What an operator may do; each may all that the one before may.
enum class Role : std::uint8_t { none, viewer, operate, admin };
// Who on the unix socket has which role: a user, or the members of a group.
struct RoleSpec {
  Role role = Role::viewer;
  std::string user, group;                // as written, name or number; one of them is empty
  std::optional<std::uint32_t> uid, gid;  // of that one
  Place place;
  bool operator==(const RoleSpec&) const = default;
};
struct AdminSpec {
  std::string socket = "/run/sluice/admin.sock";
  std::uint32_t socket_mode = 0660;
  std::string socket_group;          // name or number; empty: the daemon's
  std::optional<std::uint32_t> gid;  // of socket_group
  std::vector<RoleSpec> roles;       // empty: whom the socket's mode lets in is an admin
  std::optional<AdminHttpSpec> http;
  std::optional<CompatSpec> compat;
  bool operator==(const AdminSpec&) const = default;
};

struct AccessLogSpec {
  std::string path;             // "-": standard output; empty: off
  std::string format = "json";  // or combined, or a template (base/log_format)
  bool operator==(const AccessLogSpec&) const = default;
};

struct RouteSpec {
  std::string host;        // empty: any; "*.example.com": one or more labels before
  std::string path = "/";  // prefix, whole segments
  bool strip_prefix = false;
  std::vector<std::pair<std::string, std::string>> headers;  // all must be there with exactly this value
  std::vector<std::string> methods;                          // empty: any
  std::string service;
  Places places;
  Place place;
  bool operator==(const RouteSpec&) const = default;
};

// What it takes to ask a URL beside the URL itself. The files are read anew for every request.
struct ReachSpec {
  std::string ca;                   // PEM, of https; empty: the system's
  std::string user, password_file;  // Basic; both or none
  std::string bearer_file;          // Bearer; not with the two above
  bool operator==(const ReachSpec&) const = default;
};

// A rollout's plan. Loaded and checked here, carried out by control/rollout.
struct GateSpec {
  std::string name;    // of one that is asked outside; empty: "query 2", or its command or URL
  std::string metric;  // error_rate, p50, p90, p95, p99, saturation; empty for prometheus, exec, http
  bool against_stable = false;
  std::optional<double> max, warn, max_increase;  // rates as fractions, latencies in seconds
  std::string prometheus, query, on_empty = "hold";
  milliseconds min_age = 5s;  // of the step, before a query's answer counts (G9); {range} is never less
  std::string exec, http;
  ReachSpec reach;  // of prometheus and http
  milliseconds timeout = 60s;
  Places places;
  Place place;
  bool operator==(const GateSpec&) const = default;
};
struct StepSpec {
  Share share = 0;  // 0: nobody gets the new pool yet; only in the first steps
  milliseconds hold = 0ms;
  bool approve = false;
  Share mirror = 0;  // of a step of 0 %: safe requests that are mirrored to the new pool and judged there
  Place place;
  bool operator==(const StepSpec&) const = default;
};
// One check before the new pool gets its first share: a request that every backend of it must answer as
// expected, or a command that must agree by exit 0, run once.
struct VerifySpec {
  std::string exec;            // empty: a request
  milliseconds timeout = 60s;  // of exec
  std::string method = "GET";
  std::string path = "/";
  int expect_low = 200, expect_high = 399;
  std::string body;          // that the answer's body contains; empty: not looked at
  milliseconds within = 5s;  // the whole answer
  std::string host;          // Host header; empty: the backend's address
  Place place;
  bool operator==(const VerifySpec&) const = default;
};
struct PlanSpec {
  std::string name;
  std::vector<StepSpec> steps;
  std::uint32_t min_requests = 50;  // in either pool that has a share, before a step may pass
  std::vector<GateSpec> gates;
  std::vector<VerifySpec> verify;
  milliseconds retain = 1h;  // after the end at 100 %: the old pool's backends are not removed without force
  Place place;
  bool operator==(const PlanSpec&) const = default;
};

// How backends' names are looked up. Their records' time to live is followed within `min` and `max`.
struct ResolveSpec {
  milliseconds min = 1s;
  milliseconds max = 30s;
  std::vector<std::string> servers;  // "127.0.0.1:53"; empty: the system's
  bool operator==(const ResolveSpec&) const = default;
};

struct Spec {
  std::string file;  // as given; for messages
  std::vector<ListenerSpec> listeners;
  AdminSpec admin;
  std::string state_dir = "/var/lib/sluice";
  std::uint32_t workers = 0;  // 0: one per core
  AccessLogSpec access_log;
  ResolveSpec resolve;
  milliseconds lame_duck = 0ms;         // between /readyz failing and listeners closing at shutdown (D6)
  milliseconds shutdown_timeout = 30s;  // what is still running then is closed
  std::vector<ServiceSpec> services;    // in the order written
  std::vector<RouteSpec> routes;
  std::vector<PlanSpec> plans;
  Places places;

  const ServiceSpec* service(const std::string& wanted) const {
    for (const auto& s : services)
      if (s.name == wanted) return &s;
    return nullptr;
  }
  bool operator==(const Spec&) const = default;
};

}  // namespace sluice::config
