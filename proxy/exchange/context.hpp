// What a worker lends its exchanges. One per worker; worker only unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "proxy/base/random.hpp"
#include "proxy/client/worker_context.hpp"
#include "proxy/exchange/concurrency.hpp"
#include "proxy/exchange/mirrors.hpp"
#include "proxy/exchange/pause_queue.hpp"
#include "proxy/upstream/request.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::exchange {

struct Context {
  // Both outlive this.
  Context(client::WorkerContext& lent_by, upstream::Connector& requests_begin_at)
      : worker(lent_by),
        connector(requests_begin_at),
        backends(worker.worker),
        concurrency(worker.poller, worker.wheel),
        pauses(worker.poller, worker.wheel, worker.worker),
        mirrors(worker.poller, worker.wheel, worker.worker, connector, offer_slot) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  client::WorkerContext& worker;
  upstream::Connector& connector;
  upstream::WorkerBackends backends;
  upstream::WorkerSnapshotPtr view;  // in force; an exchange pins it when its head is complete (C1)
  Concurrency concurrency;
  PauseQueue pauses;
  // A slot is free that a request waits for: offered to the workers in turn, until one lets a request in.
  std::function<void(QueueKey key)> offer_slot;
  Mirrors mirrors;
  Random random;
  std::string flags_text;  // X-Feature-Flags of the request being sent; its room is used again

  // To control. A backend made too many errors in a row (H3); no connection to a backend could be made whose
  // name should be looked up again (H4).
  std::function<void(std::uint32_t backend_id)> suspect;
  std::function<void(std::uint32_t backend_id)> unreachable;
};

}  // namespace sluice::exchange
