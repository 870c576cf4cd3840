// What is to be done with a request before anything is done: which service its route leads to, whether a
// limit refuses it, which pool it is for (S8). Pure but for what a decision uses up: a place in the split's
// sequence, a token of the rate limit, the entry of a rollout's breaker.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/failure.hpp"
#include "proxy/client/client_stream.hpp"
#include "proxy/observe/breaker.hpp"
#include "proxy/route/decide.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::exchange {

// One request's way through one snapshot. The views point into the request's head, or at literals.
struct Plan {
  upstream::WorkerSnapshotPtr view;                  // pinned: retries use it, too (C1)
  const upstream::WorkerService* service = nullptr;  // null: no route matched
  std::size_t place = 0;                             // of the service in the snapshot
  std::string_view strip_prefix;
  route::Decision decision;
  // Decided by share, key, token or listener: the pool that is judged. Null: the request was refused before.
  const upstream::WorkerPool* chosen = nullptr;
  std::uint64_t key_hash = 0;  // for balance: hash
  int retry_after = 0;         // seconds, when a limit refused it
  observe::Breaker::Entry breaker =
      observe::Breaker::Entry::refused;  // G6: counted there until its first answer
  bool is_kept_out = false;              // by the breaker: the pool of the decision is not its own
  bool has_preview_token = false;        // whether it is followed or not
  std::string_view preview_ignored;      // why not; empty when it is

  const config::ServicePolicies& spec() const { return service->service->spec; }
  const route::Service& routed() const { return *service->service; }
  observe::ServiceLive& live() const { return *service->service->live; }
  // Who answers for a pool that fails (R2).
  const upstream::WorkerPool& rescuer() const { return service->pools[routed().rescue]; }
  // The user's, for a rollout's judge; a request without a key is one of its own.
  std::uint32_t cell() const { return observe::CellLayout::cell_of(decision.place); }
  // The pool of the decision has all of the traffic.
  bool is_alone() const { return routed().pools[decision.pool].share == config::kWhole; }
  // The breaker of a rollout watches the pool.
  bool is_watched() const { return routed().breaker && decision.pool == routed().watched_pool; }
};

// Fills in `service` and `strip_prefix` by what `plan.view` says. no_route, or disabled (T3).
Failure match_route(Plan& plan, const http::RequestHead& head);

// How many microseconds the request's key must wait until its rate limit lets it in; 0: it is in. X7.
// `now`: the steady clock's. Requires: a service.
std::uint64_t take_rate(const Plan& plan, const http::RequestHead& head, std::string_view client_address,
                        std::chrono::microseconds now);

// Fills in the rest: S8 in its order. `now` in Unix seconds, asked only for a preview token. Requires: a
// service that serves.
void decide(Plan& plan, const client::ClientStream& client, std::int64_t (*now)());

}  // namespace sluice::exchange
