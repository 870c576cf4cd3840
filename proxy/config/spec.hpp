// What the operator wrote: the configuration file as plain structs. Every default and every key stands here,
// and in the *_spec.hpp of its part, and nowhere else. Pure data; loaded by load.hpp, checked by
// validate.hpp, written by dump.hpp. Constant after loading.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "proxy/config/admin_spec.hpp"
#include "proxy/config/listener_spec.hpp"
#include "proxy/config/notify_spec.hpp"
#include "proxy/config/plan_spec.hpp"
#include "proxy/config/service_spec.hpp"
#include "proxy/config/tracing_spec.hpp"

namespace sluice::config {

struct AccessLogSpec {
  std::string path;             // "-": standard output; empty: off
  std::string format = "json";  // or combined, or a template (base/log_format)
  bool operator==(const AccessLogSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("path", self.path, Text{}, kRequired);
    visit("format", self.format, Text{log_format_error});
  }
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
  static void fields(auto& self, auto& visit) {
    visit("host", self.host, MaybeEmpty{host_pattern_error});
    visit("path", self.path, Text{path_error});
    visit("strip_prefix", self.strip_prefix);
    visit("headers", self.headers, HeaderMatches{});
    visit("methods", self.methods, Methods{});
    visit("service", self.service, Text{}, kRequired);
  }
};

// How backends' names are looked up. Their records' time to live is followed within `min` and `max`.
struct ResolveSpec {
  milliseconds min = 1s;
  milliseconds max = 30s;
  std::vector<std::string> servers;  // "127.0.0.1:53"; empty: the system's
  bool operator==(const ResolveSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("min", self.min, Duration{100ms});
    visit("max", self.max, Duration{100ms});
    visit("servers", self.servers, NameServers{});
  }
};

// How another process takes this one's place (sluicectl upgrade), and how this one leaves.
struct UpgradeSpec {
  // Upgraded connections end one by one within this time, and with shutdown_timeout at the latest; 0: in its
  // second half, so that most end by themselves.
  milliseconds tunnels = 0ms;
  std::uint32_t tunnel_pace = 0;  // instead of that: so many a second, 0: no
  // Where a process that is started elsewhere, as in another container, finds the one whose place it is to
  // take; empty: nowhere.
  std::string socket;
  bool operator==(const UpgradeSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("tunnels", self, TunnelSpread{});
    visit("socket", self.socket, MaybeEmpty{socket_path_error});
  }
};

struct Spec {
  std::string file;      // as given; for messages
  SourceFiles included;  // behind it; see sources()
  std::vector<ListenerSpec> listeners;
  AdminSpec admin;
  std::string state_dir = "/var/lib/sluice";
  std::uint32_t workers = 0;  // 0: one per core
  AccessLogSpec access_log;
  TracingSpec tracing;
  ResolveSpec resolve;
  milliseconds lame_duck = 0ms;         // between /readyz failing and listeners closing at shutdown (D6)
  milliseconds shutdown_timeout = 30s;  // what is still running then is closed
  UpgradeSpec upgrade;
  bool debug_headers = false;         // only while it is loaded: of services that do not say it themselves
  std::vector<ServiceSpec> services;  // in the order written
  std::vector<RouteSpec> routes;
  std::vector<PlanSpec> plans;
  std::vector<NotifySpec> notify;
  Places places;

  // Its file and those that it includes.
  SourceFiles sources() const {
    SourceFiles all = included;
    all.names.front() = file;
    return all;
  }
  const ServiceSpec* service(const std::string& wanted) const {
    for (const auto& s : services)
      if (s.name == wanted) return &s;
    return nullptr;
  }
  bool operator==(const Spec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("listeners", self.listeners, ListOf{"a listener"});
    visit("admin", self.admin);
    visit("state_dir", self.state_dir, Text{});
    visit("workers", self.workers, Workers{});
    visit("access_log", self.access_log);
    visit("tracing", self.tracing);
    visit("resolve", self.resolve);
    visit("lame_duck", self.lame_duck, Duration{0ms});
    visit("shutdown_timeout", self.shutdown_timeout, Duration{0ms});
    visit("upgrade", self.upgrade);
    visit("debug_headers", self.debug_headers, ForServices{});
    visit("services", self.services, Named{"service"});
    visit("routes", self.routes, ListOf{"a route"});
    visit("plans", self.plans, Named{"plan"});
    visit("notify", self.notify, LinesOf{"a target of notices"});
  }
};

}  // namespace sluice::config
