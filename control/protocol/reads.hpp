// The verbs that read and change nothing: status, explain, history, events, config. See describe.hpp and
// words.hpp. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/describe.hpp"
#include "control/protocol/words.hpp"

namespace sluice::protocol {

struct GetStatus {
  std::string service;  // empty: all

  static constexpr Route kRoutes[] = {reads("GET", "/v1/status")};
  static void query(auto& self, auto& visit) { visit("service", self.service); }
};

// {"method":"GET","url":"http://api.example.com/a","headers":["Cookie: uid=42"]}
struct Explain {
  std::string method = "GET";
  std::string url;                   // absolute, or a path; Host may come as a header then
  Strings headers;                   // "Name: value", in order
  std::string listener;              // empty: one without fixed pools
  std::string client = "127.0.0.1";  // the client's address, for the key `ip`

  static constexpr Route kRoutes[] = {reads("POST", "/v1/explain")};
  static constexpr Page kPage{"explain URL",
                              "Which route, pool and backend that request would get, and why, step by step.",
                              "  sluicectl explain http://api.example.com/pay -H 'X-User-Id: 42'\n"};
  static void fields(auto& self, auto& visit) {
    visit("method", self.method);
    visit("url", self.url);
    visit("headers", self.headers);
    visit("listener", self.listener);
    visit("client", self.client);
  }
  static void words(auto& self, auto& visit) {
    visit.word("URL", self.url, kNothing);
    visit.flag("--method M", self.method, "GET if not given");
    visit.flag("-H, --header 'K: V'", self.headers, "a header of the request; may come several times");
    visit.flag("--listener NAME", self.listener, "the listener that it arrives at");
    visit.flag("--client ADDRESS", self.client, "where it comes from, 127.0.0.1 if not given");
  }
};
std::optional<Problem> check(const Explain& explain);

struct History {
  std::string service;  // empty: all
  std::uint32_t limit = 50;

  static constexpr Route kRoutes[] = {reads("GET", "/v1/history")};
  static void query(auto& self, auto& visit) {
    visit("service", self.service);
    visit("limit", self.limit);
  }
};

struct Events {
  bool follow = true;
  std::optional<std::uint64_t> after;  // only events with a larger id; travels as Last-Event-ID
  std::string service;                 // empty: all
  bool samples = false;                // also what the pools do, once a second (samples.hpp)

  static constexpr Route kRoutes[] = {reads("GET", "/v1/events")};
  static constexpr Page kPage{"events [SERVICE] [-f]", "What happened: changes, health, drains, reloads.",
                              "  sluicectl events -f -o json\n"};
  static void query(auto& self, auto& visit) {
    visit("follow", self.follow);
    visit("service", self.service);
    visit("samples", self.samples);
  }
  static void words(auto& self, auto& visit) {
    visit.maybe("SERVICE", self.service, kServices);
    visit.flag("-f, --follow", self.follow, "go on as they happen");
    visit.flag("--after ID", self.after, "only later ones");
  }
  // A command line follows only when it says so.
  static Events on_command_line() { return {false, {}, {}, false}; }
};

// The configuration in force, with what was changed at run time.
struct GetConfig {
  std::string format = "yaml";  // or "json"

  static constexpr Route kRoutes[] = {reads("GET", "/v1/config")};
  static void query(auto& self, auto& visit) { visit("format", self.format); }
};
std::optional<Problem> check(const GetConfig& config);

// Whether clients are let in: 200, or 503 while the daemon starts or stops.
struct GetReady {
  static constexpr Route kRoutes[] = {{"GET", "/readyz", Role::none, ""}};
  static constexpr Page kPage{"readyz", "Whether clients are let in: exit 0, or 9 while it starts or stops.",
                              "  until sluicectl readyz; do sleep 0.1; done\n"};
  static void words(auto&, auto&) {}
};

}  // namespace sluice::protocol
