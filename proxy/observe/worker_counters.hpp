// What a worker counts of its connections. One writer: the worker; read by control.
#pragma once

#include <array>
#include <cassert>
#include <string_view>
#include <vector>

#include "proxy/base/reasons.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/observe/metric.hpp"

namespace sluice::observe {

// TLS handshakes with one side, by how they went.
struct HandshakeCounters {
  Counter done, resumed;  // done has the resumed ones in it
  // Failed because the peer was too slow, closed, spoke no TLS that we speak, or showed no certificate that
  // will do.
  Counter slow, closed, broken, untrusted;
};

// HTTP/2 connections of clients.
struct Http2Counters {
  // As h2::name_of(); proxy/client holds the two together.
  static constexpr std::string_view kGlitches[] = {"oddity", "empty",       "refused",
                                                   "reset",  "quick_reset", "stream_error"};
  static constexpr std::string_view kSides[] = {"client", "proxy"};

  Counter connections, streams;  // open now
  Counter opened;                // streams, so far
  std::array<Counter, std::size(kSides)> resets;
  Counter failed;  // connections that ended for a mistake or a flood of the client's
  std::array<Counter, std::size(kGlitches)> glitches;
};

struct WorkerCounters {
  Counter connections, accepted, accept_errors;
  std::array<Counter, kRefusalReasons.size()> refused_requests;  // by X-Sluice-Error, see kRefusalReasons
  Counter over_connection_limit, over_client_limit, bad_proxy_header;  // connections that were refused
  HandshakeCounters client_handshakes, backend_handshakes;
  Http2Counters http2;

  // Requires: one of kRefusalReasons.
  void count_refused(std::string_view reason) {
    const std::size_t index = reason_index(reason);
    assert(index < refused_requests.size());
    if (index < refused_requests.size()) refused_requests[index].add();
  }
};

// All workers of the process, each of whose counters may be read by any thread.
struct AllWorkers {
  std::vector<const WorkerCounters*> workers;

  std::uint64_t sum(auto read) const {
    return sum_over(workers, [read](const WorkerCounters* worker) { return read(*worker); });
  }
};

inline constexpr std::string_view kHandshakeResults[] = {"full",   "resumed",  "timeout",
                                                         "closed", "protocol", "certificate"};
inline std::uint64_t handshakes(const HandshakeCounters& some, std::size_t i) {
  const Counter* const counters[] = {&some.done,   &some.resumed, &some.slow,
                                     &some.closed, &some.broken,  &some.untrusted};
  return i == 0 ? some.done.get() - some.resumed.get() : counters[i]->get();
}

inline constexpr std::string_view kConnectionRefusals[] = {"max_connections", "max_connections_per_client",
                                                           "proxy_protocol"};

template <Counter WorkerCounters::*counter>
std::uint64_t of_workers(const AllWorkers& all, std::size_t) {
  return all.sum([](const WorkerCounters& worker) { return (worker.*counter).get(); });
}

template <Counter Http2Counters::*counter>
std::uint64_t of_http2(const AllWorkers& all, std::size_t) {
  return all.sum([](const WorkerCounters& worker) { return (worker.http2.*counter).get(); });
}
template <auto counters>
std::uint64_t each_of_http2(const AllWorkers& all, std::size_t i) {
  return all.sum([i](const WorkerCounters& worker) { return (worker.http2.*counters)[i].get(); });
}

inline constexpr Metric<AllWorkers> kWorkerMetrics[] = {
    {"sluice_http2_connections", "gauge", "Open client connections that speak HTTP/2.",
     of_http2<&Http2Counters::connections>},
    {"sluice_http2_streams", "gauge", "Requests under way on them.", of_http2<&Http2Counters::streams>},
    {"sluice_http2_streams_total", "counter", "Requests that came on them.",
     of_http2<&Http2Counters::opened>},
    {"sluice_http2_resets_total", "counter", "Their streams that were reset, by who did it.",
     each_of_http2<&Http2Counters::resets>, "side", Http2Counters::kSides},
    {"sluice_http2_failed_connections_total", "counter",
     "HTTP/2 connections that ended for a mistake or a flood of the client's.",
     of_http2<&Http2Counters::failed>},
    {"sluice_http2_glitches_total", "counter", "What was odd about HTTP/2 clients, by kind.",
     each_of_http2<&Http2Counters::glitches>, "kind", Http2Counters::kGlitches},
    {"sluice_connections", "gauge", "Open client connections.", of_workers<&WorkerCounters::connections>},
    {"sluice_connections_accepted_total", "counter", "Client connections accepted.",
     of_workers<&WorkerCounters::accepted>},
    {"sluice_accept_errors_total", "counter", "Connections that could not be accepted.",
     of_workers<&WorkerCounters::accept_errors>},
    {"sluice_connections_refused_total", "counter", "Connections above a listener's limit, closed at once.",
     [](const AllWorkers& all, std::size_t i) {
       constexpr Counter WorkerCounters::*kCounters[] = {&WorkerCounters::over_connection_limit,
                                                         &WorkerCounters::over_client_limit,
                                                         &WorkerCounters::bad_proxy_header};
       return all.sum(
           [counter = kCounters[i]](const WorkerCounters& worker) { return (worker.*counter).get(); });
     },
     "reason", kConnectionRefusals},
    {"sluice_requests_refused_total", "counter",
     "Requests that the proxy answered itself, by the word of X-Sluice-Error.",
     [](const AllWorkers& all, std::size_t i) {
       return all.sum([i](const WorkerCounters& worker) { return worker.refused_requests[i].get(); });
     },
     "reason", kRefusalReasons},
    {"sluice_tls_handshakes_total", "counter", "TLS handshakes with clients, by how they went.",
     [](const AllWorkers& all, std::size_t i) {
       return all.sum([i](const WorkerCounters& worker) { return handshakes(worker.client_handshakes, i); });
     },
     "result", kHandshakeResults},
    {"sluice_tls_backend_handshakes_total", "counter",
     "TLS handshakes of requests with backends, by how they went.",
     [](const AllWorkers& all, std::size_t i) {
       return all.sum([i](const WorkerCounters& worker) { return handshakes(worker.backend_handshakes, i); });
     },
     "result", kHandshakeResults},
};

}  // namespace sluice::observe
