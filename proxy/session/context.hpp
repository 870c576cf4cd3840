// What a worker lends its sessions. One per worker; worker only unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/base/random.hpp"
#include "proxy/client/worker_context.hpp"
#include "proxy/session/admission.hpp"
#include "proxy/session/holds.hpp"
#include "proxy/session/mirrors.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::session {

struct Context : client::WorkerContext {
  explicit Context(std::size_t worker_)
      : WorkerContext(worker_),
        directory(worker_),
        admission(poller, wheel),
        holds(poller, wheel, worker_),
        mirrors(poller, wheel, worker_, offer) {}

  upstream::WorkerBackends directory;
  upstream::WorkerSnapshotPtr view;  // current; an exchange pins it when its head is complete (C1)
  Admission admission;
  Holds holds;
  Mirrors mirrors;
  Random random;
  std::string flags_text;  // X-Feature-Flags of the request being written; its room is used again
  std::function<void(std::uint32_t backend_id)> suspect;      // to control: too many errors in a row
  std::function<void(std::uint32_t backend_id)> unreachable;  // to control: time to look its name up again
  // A place is free that somebody waits for (Admission): to the workers in turn, until one lets somebody in.
  std::function<void(const void* line)> offer;
};

}  // namespace sluice::session
