// What lives while snapshots come and go: counters, health and the running sequences, keyed by identity and
// carried from one snapshot to the next by the publisher (C4). Only atomics; whoever writes a field is said
// above it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/base/grpc_status.hpp"
#include "proxy/observe/histogram.hpp"
#include "proxy/observe/metric.hpp"
#include "proxy/observe/per_worker.hpp"

namespace sluice::observe {

// A counter or gauge with one writer thread; any thread may read.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void sub(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// The operator's (H1); "drained" is draining with nothing left.
enum class Admin : std::uint8_t { ready, draining, maint };
// The machine's (H1).
enum class Health : std::uint8_t { unknown, up, down, ejected };
enum class UpstreamError : std::uint8_t { connect, reset, timeout, protocol };
inline constexpr std::size_t kUpstreamErrors = 4;

struct alignas(64) BackendCounters {  // one writer: the worker
  Counter requests;                   // attempts sent or tried
  Counter errors;                     // of these: connect, reset, timeout, protocol, 5xx
  Counter in_flight;                  // claimed and not yet released, tunnels included
  Counter tunnels;                    // of these: upgraded connections
  Counter connections;                // open to the backend, idle ones included
  Counter streams;                    // open over HTTP/2
  Counter streams_refused;            // that the backend did not process (REFUSED_STREAM, GOAWAY)
  // What a paced drain looks at before it sends a backend more (control/change/pace.hpp).
  Counter connects, connect_micros;  // connections made, and how long that took in all
  Counter opened, open_micros;       // tunnels that were opened, likewise
  Counter opening;                   // requests that wait for their tunnel
};

struct BackendLive {
  BackendLive(std::uint32_t id_, std::size_t workers) : id(id_), per_worker(workers) {}

  const std::uint32_t id;  // dense, never given twice in a process: workers index their own table by it
  std::atomic<Health> health{Health::unknown};  // one writer: control
  std::atomic<Admin> admin{Admin::ready};       // one writer: control, before it publishes
  // One writer: control; when slow start began (steady clock), 0: it is over or there is none.
  std::atomic<std::int64_t> ramp_started_micros{0};
  std::atomic<std::uint32_t> consecutive_errors{0};  // all workers; an approximation is enough (H3)
  // All workers and probes; of the backend's addresses the last that answered.
  std::atomic<std::uint32_t> good_address{0};
  std::atomic<bool> told_unreachable{false};  // set by workers, cleared by control when it has heard
  // One writer: control; in flight in the process whose place this one took, while it has clients left.
  std::atomic<std::uint64_t> elsewhere{0};
  PerWorker<BackendCounters> per_worker;  // by worker index

  std::uint64_t in_flight() const {
    std::uint64_t sum = 0;
    for (const auto& w : per_worker) sum += w.in_flight.get();
    return sum;
  }
  // What keeps it from being drained.
  std::uint64_t in_flight_anywhere() const { return in_flight() + elsewhere.load(); }
};

struct alignas(64) PoolCounters {  // one writer: the worker
  Counter requests;                // requests this pool was chosen for (S1 measures this)
  Counter errors;  // of these: the first attempt failed (5xx, connect, reset, timeout), rescued or not (S9)
  // [1]..[5]: status class of the first attempt; failures without a status count as 5xx.
  std::array<Counter, 6> by_class;
  std::array<Counter, kUpstreamErrors> upstream_errors;  // every attempt
  Counter retries;                                       // attempts after the first
  Counter rescued;                                       // requests that the stable pool answered instead
  Counter no_backend;                                    // no eligible backend at the time of choice
  Counter aborted;                                       // the client left before the answer was complete
  std::array<Counter, kGrpcStatuses> grpc;               // attempts that were gRPC calls, by their outcome
  // Requests for files that the pool did not have: another pool had them, or none had (config::AssetSpec).
  std::array<Counter, 2> assets;
  Counter in_flight;
  Histogram duration;  // from the request's head complete to the answer's last byte
};

struct PoolLive {
  explicit PoolLive(std::size_t workers) : per_worker(workers), previews(workers) {}
  PerWorker<PoolCounters> per_worker;
  // Requests that came here by a preview token or a listener's fixed pool: no share and no gate counts them
  // (G4).
  PerWorker<PoolCounters> previews;
  std::atomic<std::uint64_t> ejections{0};  // one writer: control
};

inline constexpr std::string_view kUpstreamErrorNames[kUpstreamErrors] = {"connect", "reset", "timeout",
                                                                          "protocol"};

// Of every pool, from the start.
inline constexpr Metric<PoolLive> kRequestMetrics[] = {
    {"sluice_requests_total", "counter", "Requests that the pool was chosen for.",
     total<&PoolCounters::requests, PoolLive>},
};

inline constexpr Metric<PoolLive> kPoolMetrics[] = {
    {"sluice_request_errors_total", "counter",
     "Requests whose first attempt failed (5xx, connect, reset, timeout).",
     total<&PoolCounters::errors, PoolLive>},
    {"sluice_retries_total", "counter", "Attempts after the first.", total<&PoolCounters::retries, PoolLive>},
    {"sluice_rescued_total", "counter", "Requests that the stable pool answered instead.",
     total<&PoolCounters::rescued, PoolLive>},
    {"sluice_no_backend_total", "counter", "Requests that found no eligible backend.",
     total<&PoolCounters::no_backend, PoolLive>},
    {"sluice_client_aborts_total", "counter", "Requests whose client left before the answer was complete.",
     total<&PoolCounters::aborted, PoolLive>},
    {"sluice_requests_in_flight", "gauge", "Requests under way.", total<&PoolCounters::in_flight, PoolLive>},
    {"sluice_ejections_total", "counter", "Backends taken out after consecutive errors.",
     [](const PoolLive& pool, std::size_t) { return pool.ejections.load(); }},
    {"sluice_upstream_errors_total", "counter", "Failed attempts without an answer's status, by reason.",
     total_of<&PoolCounters::upstream_errors, 0, PoolLive>, "reason", kUpstreamErrorNames},
};

inline constexpr std::string_view kAssetResults[] = {"found", "missing"};

// Of the pools of services with `assets`.
inline constexpr Metric<PoolLive> kAssetMetrics[] = {
    {"sluice_assets_elsewhere_total", "counter",
     "Requests for files that the pool did not have: another pool had them, or none had.",
     total_of<&PoolCounters::assets, 0, PoolLive>, "result", kAssetResults},
};

inline constexpr Metric<PoolLive> kGrpcMetrics[] = {
    {"sluice_grpc_responses_total", "counter",
     "Outcomes of attempts that were gRPC calls, by grpc-status; one without an answer as the proxy says it.",
     total_of<&PoolCounters::grpc, 0, PoolLive>, "status", kGrpcStatusNumbers},
};

// S3: the position in the block-permuted sequence of one share table. A new table gets a new one; unrelated
// changes keep it, and so does an upgrade, after which two processes take places of it for a while.
struct SplitSequence {
  explicit SplitSequence(std::uint64_t seed_) : seed(seed_) {}
  const std::uint64_t seed;
  alignas(64) std::atomic<std::uint64_t> next{0};  // all workers
};

struct alignas(64) ServiceCounters {  // one writer: the worker
  std::array<Counter, 6> to_client;   // answers sent, by status class, own ones included
  Counter own_errors;                 // of these: made by the proxy
  Counter rate_limited;               // requests above the rate of their key (429)
  Counter retry_in_flight;            // requests whose counted retries are under way (R1's budget)
  Counter mirrored;                   // copies that got an answer below 500 (M1)
  Counter mirror_failed;              // copies that did not
  Counter mirror_dropped;             // copies that nobody had time for
  Counter mirror_skipped;             // requests whose body is too long to be copied, or of unknown length
  Counter mirror_in_flight;           // copies being sent or waiting for it
  std::atomic<std::uint64_t> first_held{UINT64_MAX};  // the lowest ticket held on this worker (P1)
};

// P1: the requests that a pause holds, and how they are let go.
struct HoldLive {
  std::atomic<std::uint32_t> held{0};            // all workers
  std::atomic<std::uint32_t> held_elsewhere{0};  // as BackendLive::elsewhere
  std::atomic<std::uint64_t> next_ticket{0};     // all workers; the order of arrival
  // One writer: control, before it publishes the snapshot that ends a pause.
  std::atomic<std::uint32_t> release_rate{0};          // a second, all workers together; 0: all at once
  std::atomic<std::int64_t> release_began_micros{0};   // steady clock
  alignas(64) std::atomic<std::uint64_t> released{0};  // all workers; since then
};

// How much /metrics tells of a service: it grows, and never shrinks.
enum class Told : std::uint8_t { little, all_but_backends, all };

struct ServiceLive {
  explicit ServiceLive(std::size_t workers) : per_worker(workers) {}
  alignas(64) std::atomic<std::uint32_t> in_flight{0};  // all workers; the exact limit needs one number
  alignas(64) std::atomic<std::uint32_t> waiting{0};    // all workers; requests queued for a place
  std::atomic<std::uint32_t> waiting_for_backend{0};  // all workers; of in_flight: their pool's are all full
  std::atomic<std::uint64_t> elsewhere{0};            // as BackendLive::elsewhere
  HoldLive hold;
  PerWorker<ServiceCounters> per_worker;
  Told told = Told::little;  // control only

  // Admitted or waiting for a place, and mirrored copies: what may still reach a backend. Tunnels included.
  std::uint64_t under_way() const { return under_way_here() + elsewhere.load(); }
  std::uint64_t under_way_here() const {
    std::uint64_t sum = std::uint64_t{in_flight.load()} + waiting.load();
    for (const auto& worker : per_worker) sum += worker.mirror_in_flight.get();
    return sum;
  }
};

inline constexpr Metric<ServiceLive> kServiceMetrics[] = {
    {"sluice_responses_total", "counter", "Answers sent to clients, those made by the proxy included.",
     total_of<&ServiceCounters::to_client, 1, ServiceLive>, "status", kStatusClasses},
    {"sluice_own_errors_total", "counter", "Errors that the proxy itself answered with.",
     total<&ServiceCounters::own_errors, ServiceLive>},
    {"sluice_rate_limited_total", "counter", "Requests answered with 429.",
     total<&ServiceCounters::rate_limited, ServiceLive>},
    {"sluice_queued_requests", "gauge", "Requests that wait for a place below the service's limit.",
     [](const ServiceLive& service, std::size_t) { return std::uint64_t{service.waiting.load()}; }},
    {"sluice_queued_for_backend_requests", "gauge",
     "Requests that wait because all backends of their pool have max_in_flight.",
     [](const ServiceLive& service, std::size_t) {
       return std::uint64_t{service.waiting_for_backend.load()};
     }},
};

}  // namespace sluice::observe
