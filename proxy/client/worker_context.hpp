// What a worker lends to everything that runs on it. One per worker; worker only, but for the counters, which
// control reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string_view>

#include "proxy/http/date.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/observe/spans.hpp"
#include "proxy/observe/worker_counters.hpp"

namespace sluice::client {

struct WorkerContext {
  explicit WorkerContext(std::size_t worker_) : worker(worker_) {}

  // The Date header of now.
  std::string_view date() {
    timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return date_cache.at(now.tv_sec);
  }

  const std::size_t worker;
  net::TimerWheel wheel;
  net::Poller poller;  // of all streams of this worker
  http::DateCache date_cache;
  observe::WorkerCounters counters;
  observe::AccessLog* access_log = nullptr;
  observe::Tracing tracing;
  std::uint64_t generation = 0;  // in force: for the log lines of refused requests
  std::uint64_t let_go = 0;      // connections of clients that have ended or been parked so far
  bool shutting_down = false;    // answers carry `Connection: close`
  bool holds_nothing = false;    // a pause holds no request here any more: nobody would let it go
};

}  // namespace sluice::client
