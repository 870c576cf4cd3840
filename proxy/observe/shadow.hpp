// What a pool answers to the mirrored copies of a rollout's step that gives it no share: the evidence of its
// gates, in no number that users' requests are in (G4). One for a rollout, gone with it.
#pragma once

#include <memory>
#include <utility>

#include "proxy/observe/breaker.hpp"
#include "proxy/observe/live.hpp"

namespace sluice::observe {

struct Shadow {
  Shadow(std::size_t workers, std::shared_ptr<Breaker> breaker_)
      : live(workers), breaker(std::move(breaker_)) {}
  PoolLive live;                           // per_worker only
  const std::shared_ptr<Breaker> breaker;  // of the copies; never null
};

}  // namespace sluice::observe
