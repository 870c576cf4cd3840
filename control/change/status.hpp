// What `status`, the metrics and the health endpoints say: plain values, taken at one moment on the control
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/rollout/judge.hpp"
#include "control/state/rollout.hpp"
#include "proxy/base/values.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/observe/metric.hpp"

namespace sluice::change {

// What keeps a drain from being done (D5).
struct DrainView {
  std::chrono::milliseconds running{0};
  std::optional<std::chrono::milliseconds>
      left;  // until what remains is closed; nothing: as long as it takes
  bool finished = false;
  std::uint64_t clean = 0, forced = 0;  // so far, or in all when finished (D3)
  std::uint64_t requests = 0, tunnels = 0;
  std::chrono::milliseconds oldest{0};
  std::string oldest_path;
};

struct BackendView {
  std::string name;
  std::string address;
  std::string group;   // the configured backend of which it is one address
  std::string admin;   // "ready", "draining", "drained", "maint"
  std::string health;  // "unknown", "up", "down", "ejected"
  bool eligible = false;
  bool removing = false;  // taken out as soon as it is drained
  double weight = 1;      // of one address of a group: its part
  std::uint64_t in_flight = 0, requests = 0, errors = 0, connections = 0, tunnels = 0;
  std::string last_error;  // of the last failed probe, or why its name is not known; empty when all is well
  std::vector<std::string> addresses;  // all that its name stands for
  std::string resolve_error;  // of the last look-up; empty when it succeeded, or nothing is looked up
  std::optional<std::chrono::system_clock::time_point> resolved_since,
      stale_since;                 // the addresses in force are known since; look-ups fail since
  std::optional<DrainView> drain;  // while draining, and after until it is ready again
};

struct PoolView {
  std::string name;
  Share share = 0;                       // set
  std::optional<double> share_measured;  // 0 to 1, of the last 10 s; nothing without requests
  std::uint64_t requests = 0, errors = 0, in_flight = 0;  // since start; in_flight is now
  std::uint64_t previews = 0, preview_errors = 0;  // by a token or a fixed listener; in no number above (G4)
  double requests_per_second = 0;                  // of the last 10 s
  std::optional<double> error_rate;                // 0 to 1, of the last minute
  std::optional<double> p50_ms, p95_ms, p99_ms;    // of the last minute
  std::vector<BackendView> backends;
};

// The active rollout of a service, or its last one.
struct RolloutView {
  std::string service;
  state::Rollout kept;
  // Of the present step, since this process watches it; nothing of it when it is over.
  std::string waits_for;
  std::chrono::milliseconds in_step{0};
  std::uint64_t n_canary = 0, n_stable = 0;
  std::vector<rollout::Judgement> judgements;
  // Of those that move in step with it, while it is active; not of theirs again.
  std::vector<RolloutView> others;
};

struct MirrorView {
  std::string pool;
  Share share = 0;
  bool safe_only = false;
  bool of_rollout = false;  // of its step without a share; the operator's comes back after it
};

// What is laid over a service's shares at run time.
struct TrafficView {
  std::string state = "open";  // "open", "paused", "stopped" (P1)
  std::chrono::milliseconds max_hold{0};
  std::string message;                               // of stopped
  std::uint64_t held = 0;                            // by a pause; also while they are let go
  std::uint64_t in_flight = 0;                       // may still reach a backend; tunnels included
  std::vector<std::pair<std::string, Share>> flags;  // F1
  std::optional<MirrorView> mirror;                  // M1
  // Copies since start: answered, failed, dropped for want of time, skipped for their body (M1).
  std::uint64_t mirrored = 0, mirror_failed = 0, mirror_dropped = 0, mirror_skipped = 0;
};

// The pools that the last shift left, while they are kept as the way back.
struct RetainedView {
  std::vector<std::string> pools;
  std::int64_t until = 0;  // Unix milliseconds
  std::chrono::milliseconds left{0};
};

struct ServiceView {
  std::string name;
  std::string stable;
  std::optional<RolloutView> rollout;
  std::optional<std::chrono::milliseconds> unconfirmed;  // C8: left until the last change reverts
  std::optional<RetainedView> retained;
  TrafficView traffic;
  std::string set_aside;  // T3: why it does not serve; empty when it does
  std::vector<PoolView> pools;
};

struct ListenerView {
  std::string name;
  std::string bind;        // as configured
  std::uint16_t port = 0;  // as bound
};

struct StatusView {
  std::uint64_t generation = 0;
  std::string version;
  std::chrono::seconds uptime{0};
  std::uint64_t workers = 0, connections = 0;
  bool durable = true;  // the generation in force is on the disk
  std::vector<std::string>
      warnings;           // "not durable: ...", services set aside, runtime values that won over the file
  std::string readiness;  // "ready", "starting", "shutting down"
  std::vector<ListenerView> listeners;
  std::vector<ServiceView> services;
};

// /readyz: false while starting and from the first moment of a shutdown (D6).
struct Readiness {
  bool ready = false;
  std::string why;
};

// For the metrics; since start.
struct ControlCounters {
  std::uint64_t changes = 0, refused = 0;  // verbs that changed something; that were refused
  std::uint64_t reloads_ok = 0, reloads_failed = 0;
  std::uint64_t drains_clean = 0, drains_forced = 0;  // requests and tunnels
  std::uint64_t ejections = 0;
  std::uint64_t journal_errors = 0;
};

inline constexpr std::string_view kVerbResults[] = {"accepted", "refused"},
                                  kReloadResults[] = {"ok", "failed"}, kDrainResults[] = {"clean", "forced"};

inline constexpr observe::Metric<ControlCounters> kControlMetrics[] = {
    {"sluice_changes_total", "counter", "Verbs that changed something, and those that were refused.",
     [](const ControlCounters& all, std::size_t i) { return i == 0 ? all.changes : all.refused; }, "result",
     kVerbResults},
    {"sluice_config_reloads_total", "counter", "Readings of the configuration after the first.",
     [](const ControlCounters& all, std::size_t i) { return i == 0 ? all.reloads_ok : all.reloads_failed; },
     "result", kReloadResults},
    {"sluice_drained_total", "counter",
     "Requests and tunnels on draining backends: ended by themselves, or closed.",
     [](const ControlCounters& all, std::size_t i) { return i == 0 ? all.drains_clean : all.drains_forced; },
     "result", kDrainResults},
    {"sluice_journal_errors_total", "counter", "Changes that the state folder did not take.",
     [](const ControlCounters& all, std::size_t) { return all.journal_errors; }},
};

}  // namespace sluice::change
