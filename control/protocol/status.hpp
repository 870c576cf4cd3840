// What `status` answers: plain values, taken at one moment. Written by the daemon, read by sluicectl
// (answer.hpp); the metrics read the same. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/protocol/answer.hpp"
#include "control/protocol/audit.hpp"
#include "control/protocol/headline.hpp"
#include "control/protocol/rollout_status.hpp"

namespace sluice::protocol {

// How the long connections of a drain leave at a pace (`--websockets paced:20/s`): of all the backends that
// were drained by one command together.
struct PaceStatus {
  std::uint64_t asked = 0;           // connections a second
  double now = 0;                    // likewise; fewer than asked while who gets them suffers
  std::uint64_t left = 0;            // that have not been told to end
  std::optional<milliseconds> time;  // that these take at the pace of now
  std::string slowed;                // why it is slower than asked: "a connection takes 80 ms, 3 ms before"

  static void fields(auto& self, auto& visit) {
    visit("asked", self.asked);
    visit("now", as<Thousandths>(self.now));
    visit("left", self.left);
    visit.some("time_ms", self.time);
    visit.some("slowed", self.slowed);
  }
};

// What keeps a drain from being done (D5).
struct DrainStatus {
  milliseconds running{0};
  std::optional<milliseconds> left;  // until what remains is closed; nothing: as long as it takes
  bool finished = false;
  std::uint64_t clean = 0, forced = 0;  // so far, or in all when finished (D3)
  std::uint64_t requests = 0, tunnels = 0;
  std::optional<milliseconds> oldest;  // of what is in flight, and its path
  std::string oldest_path;
  std::optional<PaceStatus> pace;

  static void fields(auto& self, auto& visit) {
    visit("running_ms", self.running);
    visit("finished", self.finished);
    visit("clean", self.clean);
    visit("forced", self.forced);
    visit("requests", self.requests);
    visit("tunnels", self.tunnels);
    visit.or_null("left_ms", self.left);
    visit.some("oldest_ms", self.oldest);
    visit.some("oldest_path", self.oldest_path);
    visit.some("pace", self.pace);
  }
};

// As many fields as `status` shows of one backend.
struct BackendStatus {
  std::string name;
  std::string admin;   // "ready", "draining", "drained", "maint"
  std::string health;  // "unknown", "up", "down", "ejected"
  double weight = 1;   // of one address of a group: its part
  std::uint64_t in_flight = 0, requests = 0, errors = 0;
  std::string address;
  bool eligible = false;
  std::uint64_t connections = 0, tunnels = 0;
  std::uint64_t streams = 0, streams_refused = 0;  // over HTTP/2: open now; refused so far
  bool removing = false;                           // taken out as soon as it is drained
  std::string last_error;  // of the last failed probe, or why its name is not known; empty when all is well
  std::string group;       // the configured backend of which it is one address
  std::optional<Strings> addresses;  // all that its name stands for; of a name that is looked up
  // The addresses in force are known since; why the last look-up failed, and since when look-ups fail.
  std::string resolved_since, resolve_error, stale_since;
  std::optional<DrainStatus> drain;  // while draining, and after until it is ready again

  static void fields(auto& self, auto& visit) {
    visit("admin", self.admin);
    visit("health", self.health);
    visit("weight", as<Thousandths>(self.weight));
    visit("in_flight", self.in_flight);
    visit("requests", self.requests);
    visit("errors", self.errors);
    visit("address", self.address);
    visit("eligible", self.eligible);
    visit("connections", self.connections);
    visit("tunnels", self.tunnels);
    visit("streams", self.streams);
    visit("streams_refused", self.streams_refused);
    visit.some("removing", self.removing);
    visit.some("last_error", self.last_error);
    visit.some("group", self.group);
    visit.some("addresses", self.addresses);
    visit.some("resolved_since", self.resolved_since);
    visit.some("resolve_error", self.resolve_error);
    visit.some("stale_since", self.stale_since);
    visit.some("drain", self.drain);
  }
};

struct PoolStatus {
  std::string name;
  Share share = 0;                       // set
  std::optional<double> share_measured;  // 0 to 1, of the last 10 s; nothing without requests
  std::uint64_t requests = 0, errors = 0, in_flight = 0;  // since start; in_flight is now
  std::uint64_t previews = 0, preview_errors = 0;  // by a token or a fixed listener; in no number above (G4)
  double requests_per_second = 0;                  // of the last 10 s
  std::optional<double> error_rate;                // 0 to 1, of the last minute
  std::optional<double> p50_ms, p95_ms, p99_ms;    // of the last minute
  // Of services with `assets`: requests for files that it did not have, and another pool had, or none.
  std::optional<std::uint64_t> assets_elsewhere, assets_missing;
  std::vector<BackendStatus> backends;

  static void fields(auto& self, auto& visit) {
    visit("share", as<Fraction>(self.share));
    visit.or_null("share_measured", as<Ratio>(self.share_measured));
    visit("requests", self.requests);
    visit("errors", self.errors);
    visit("in_flight", self.in_flight);
    visit("previews", self.previews);
    visit("preview_errors", self.preview_errors);
    visit("requests_per_second", as<Thousandths>(self.requests_per_second));
    visit.or_null("error_rate", as<Ratio>(self.error_rate));
    visit.or_null("p50_ms", as<Thousandths>(self.p50_ms));
    visit.or_null("p95_ms", as<Thousandths>(self.p95_ms));
    visit.or_null("p99_ms", as<Thousandths>(self.p99_ms));
    visit.some("assets_elsewhere", self.assets_elsewhere);
    visit.some("assets_missing", self.assets_missing);
    visit.named("backends", self.backends);
  }
};

// Copies of requests since start: answered, failed, dropped for want of time, skipped for their body (M1).
struct MirrorCounts {
  std::uint64_t answered = 0, failed = 0, dropped = 0, skipped = 0;
};

struct MirrorStatus {
  std::string pool;
  Share share = 0;
  bool safe_only = false;
  MirrorCounts counts;
  bool of_rollout = false;  // of its step without a share; the operator's comes back after it

  static void fields(auto& self, auto& visit) {
    visit("to", self.pool);
    visit("share", as<Percentage>(self.share));
    visit("safe_only", self.safe_only);
    visit("answered", self.counts.answered);
    visit("failed", self.counts.failed);
    visit("dropped", self.counts.dropped);
    visit("skipped", self.counts.skipped);
    visit.some("of_rollout", self.of_rollout);
  }
};

// What holds a service's requests, or lets them pass (P1).
struct TrafficStatus {
  std::string state = "open";            // "open", "paused", "stopped"
  std::uint64_t held = 0;                // by a pause; also while they are let go
  std::uint64_t in_flight = 0;           // may still reach a backend; tunnels included
  std::optional<milliseconds> max_hold;  // of paused
  std::string message;                   // of stopped

  static void fields(auto& self, auto& visit) {
    visit("state", self.state);
    visit("held", self.held);
    visit("in_flight", self.in_flight);
    visit.some("max_hold", as<DurationText>(self.max_hold));
    visit.some("message", self.message);
  }
};

// The pools that the last shift left, while they are kept as the way back.
struct RetainedStatus {
  Strings pools;
  std::string until;
  milliseconds left{0};

  static void fields(auto& self, auto& visit) {
    visit("pools", self.pools);
    visit("until", self.until);
    visit("left_ms", self.left);
  }
};

// Whether the pool could take all traffic back, while there is a way back: of an active rollout, or of a pool
// that is retained after a shift.
struct RollbackStatus {
  std::string pool;
  bool ready = false;
  std::string text;                    // "ready", or "not ready: blue has 1 of 3 backends up, ..."
  Strings reasons;                     // of not ready, a clause each
  std::uint64_t up = 0, backends = 0;  // that would take requests, and all that are meant to
  std::uint64_t idle_connections = 0;  // open to them and unused
  std::optional<double> peak_ratio;    // what a backend would get, of the most that one had in the last day
  std::optional<double> in_flight_ratio;  // likewise in flight, of max_in_flight
  std::optional<milliseconds> left;       // of the window in which the pool is kept; nothing: no end is set

  static void fields(auto& self, auto& visit) {
    visit("pool", self.pool);
    visit("ready", self.ready);
    visit("text", self.text);
    visit("reasons", self.reasons);
    visit("up", self.up);
    visit("backends", self.backends);
    visit("idle_connections", self.idle_connections);
    visit.or_null("peak_ratio", as<Thousandths>(self.peak_ratio));
    visit.or_null("in_flight_ratio", as<Thousandths>(self.in_flight_ratio));
    visit.or_null("left_ms", self.left);
  }
};

// C8: the last change reverts.
struct UnconfirmedStatus {
  milliseconds left{0};

  static void fields(auto& self, auto& visit) { visit("reverts_in_ms", self.left); }
};

struct ServiceStatus {
  std::string name;
  std::string stable;
  std::vector<PoolStatus> pools;
  std::optional<RolloutStatus> rollout;  // the active one, or the last one
  std::optional<UnconfirmedStatus> unconfirmed;
  std::optional<RetainedStatus> retained;
  std::optional<RollbackStatus> rollback;  // nothing: there is no way back
  TrafficStatus traffic;
  std::vector<std::pair<std::string, Share>> flags;  // F1
  std::optional<MirrorStatus> mirror;                // M1
  std::string set_aside;                             // T3: why it does not serve; empty when it does
  std::optional<Headline> headline;                  // of all the above
  MirrorCounts mirrored;                             // for the metrics: also of mirrors that were before

  static void fields(auto& self, auto& visit) {
    visit("stable", self.stable);
    visit.named("pools", self.pools);
    visit.or_null("rollout", self.rollout);
    visit.some("unconfirmed", self.unconfirmed);
    visit.or_null("retained", self.retained);
    visit.or_null("rollback", self.rollback);
    visit("traffic", self.traffic);
    visit("flags", as<Percentages>(self.flags));
    visit.or_null("mirror", self.mirror);
    visit.some("set_aside", self.set_aside);
    visit.some("headline", self.headline);
  }
};

struct ListenerStatus {
  std::string name;
  std::string bind;        // as configured
  std::string address;     // where it can be reached: the configured host with the port that it got
  std::uint16_t port = 0;  // that port

  static void fields(auto& self, auto& visit) {
    visit("bind", self.bind);
    visit("address", self.address);
  }
};

// A certificate that a listener shows, or is to show.
struct CertificateStatus {
  std::string listener, file;                            // the file is empty while the first one is ordered
  Strings domains;                                       // that it is for
  std::string not_after;                                 // empty without one
  bool acme = false;                                     // ordered by the daemon; then:
  bool ordering = false;                                 // now
  std::string next_order;                                // when it is ordered again, or tried again
  std::uint64_t failures = 0;                            // in a row
  std::string last_error, last_error_time;               // of the last order, if that failed
  std::int64_t not_after_unix = 0, next_order_unix = 0;  // for the metrics; milliseconds

  static void fields(auto& self, auto& visit) {
    visit("listener", self.listener);
    visit.some("file", self.file);
    visit("domains", self.domains);
    visit.some("not_after", self.not_after);
    visit("acme", self.acme);
    visit.some("ordering", self.ordering);
    visit.some("next_order", self.next_order);
    if (self.acme) visit("failures", self.failures);
    visit.some("last_error", self.last_error);
    visit.some("last_error_time", self.last_error_time);
  }
};

// The process whose place this one took (sluicectl upgrade), while it has clients left.
struct PredecessorStatus {
  std::uint64_t pid = 0;
  std::uint64_t connections = 0;  // of clients
  std::uint64_t requests = 0;     // under way, tunnels among them
  milliseconds oldest{0};         // of these
  std::string oldest_path;

  static void fields(auto& self, auto& visit) {
    visit("pid", self.pid);
    visit("connections", self.connections);
    visit("requests", self.requests);
    visit("oldest_ms", self.oldest);
    visit("oldest_path", self.oldest_path);
  }
};

// A target of notices: how many wait, and what became of the others.
struct NotifyStatus {
  std::string name;
  std::uint64_t queued = 0, delivered = 0, failed = 0;
  std::uint64_t limited = 0, dropped = 0;  // told by their number only: over the limit; the queue was full
  std::string last_error, failing_since;   // empty when the last message was taken

  static void fields(auto& self, auto& visit) {
    visit("queued", self.queued);
    visit("delivered", self.delivered);
    visit("failed", self.failed);
    visit("limited", self.limited);
    visit("dropped", self.dropped);
    visit.some("last_error", self.last_error);
    visit.some("failing_since", self.failing_since);
  }
};

struct Status {
  std::uint64_t generation = 0;
  std::vector<ServiceStatus> services;
  std::string version;
  std::chrono::seconds uptime{0};
  std::uint64_t workers = 0, connections = 0;
  bool durable = true;    // the generation in force is on the disk
  std::string readiness;  // "ready", "starting", "shutting down"
  Strings warnings;       // "not durable: ...", services set aside, runtime values that won over the file
  std::vector<ListenerStatus> listeners;
  std::vector<CertificateStatus> certificates;
  std::uint64_t pid = 0;
  std::uint64_t upgrades = 0;  // that led to this process
  std::optional<PredecessorStatus> predecessor;
  std::vector<NotifyStatus> notify;
  std::optional<AuditHead> audit;  // the last line of the audit log; nothing: there is none yet

  static void fields(auto& self, auto& visit) {
    visit("generation", self.generation);
    visit.named("services", self.services);
    visit("version", self.version);
    visit("uptime_s", self.uptime);
    visit("workers", self.workers);
    visit("connections", self.connections);
    visit("durable", self.durable);
    visit("readiness", self.readiness);
    visit("warnings", self.warnings);
    visit.named("listeners", self.listeners);
    visit("certificates", self.certificates);
    visit("pid", self.pid);
    visit("upgrades", self.upgrades);
    visit.some("predecessor", self.predecessor);
    visit.some_named("notify", self.notify);
    visit.or_null("audit", self.audit);
  }
};

}  // namespace sluice::protocol
