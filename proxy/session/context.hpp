// What a worker lends its sessions. One per worker; worker only unless said otherwise.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/base/reasons.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/session/admission.hpp"
#include "proxy/session/date.hpp"
#include "proxy/session/handshakes.hpp"
#include "proxy/session/holds.hpp"
#include "proxy/session/mirrors.hpp"
#include "proxy/session/random.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::session {

struct WorkerCounters {  // one writer: the worker; read by control
  observe::Counter connections, accepted, accept_errors;
  std::array<observe::Counter, kRefusalReasons.size()>
      refused_requests;  // by what the answer said, see kRefusalReasons
  observe::Counter over_connection_limit, over_client_limit,
      bad_proxy_header;  // connections that were refused
  HandshakeCounters client_handshakes, backend_handshakes;

  // Requires: one of kRefusalReasons.
  void count_refused(std::string_view reason) {
    const std::size_t index = reason_index(reason);
    assert(index < refused_requests.size());
    if (index < refused_requests.size()) refused_requests[index].add();
  }
};

struct Context {
  explicit Context(std::size_t worker_)
      : worker(worker_),
        directory(worker_),
        admission(poller, wheel),
        holds(poller, wheel, worker_),
        mirrors(poller, wheel, worker_, offer) {}

  const std::size_t worker;
  net::TimerWheel wheel;
  net::Poller poller;  // of all streams of this worker
  upstream::WorkerBackends directory;
  upstream::WorkerSnapshotPtr view;  // current; an exchange pins it when its head is complete (C1)
  Admission admission;
  Holds holds;
  Mirrors mirrors;
  Random random;
  DateCache date;
  std::string flags_text;  // X-Feature-Flags of the request being written; its room is used again
  WorkerCounters counters;
  observe::AccessLog* access_log = nullptr;
  bool shutting_down = false;                                 // answers carry `Connection: close`
  std::function<void(std::uint32_t backend_id)> suspect;      // to control: too many errors in a row
  std::function<void(std::uint32_t backend_id)> unreachable;  // to control: time to look its name up again
  // A place is free that somebody waits for (Admission): to the workers in turn, until one lets somebody in.
  std::function<void(const void* line)> offer;
};

}  // namespace sluice::session
