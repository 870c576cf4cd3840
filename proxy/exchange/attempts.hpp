// The attempts of one request: where a retry is decided (R1, R2). Remembers which backends were tried and
// what was used up. Pure: it acts on nothing; the live numbers that it looks at come in as arguments.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>

#include "proxy/observe/live.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/upstream/retry.hpp"

namespace sluice::exchange {

// What a retry depends on beside the attempts themselves.
struct RetryQuestion {
  const config::RetrySpec& spec;
  const observe::ServiceLive& live;  // for the budget
  const route::Pool& asked;          // the pool of the attempt that failed
  const route::Pool& rescuer;        // the pool that answers for one that fails (R2)
  bool watched = false;              // the breaker of a rollout watches the request's pool (G6)
  bool idempotent = false;
  bool body_kept = true;  // all that has come of it can be sent again
};

class Attempts {
 public:
  // The most attempts of one request, whatever the configuration: so many backends are remembered.
  static constexpr std::size_t kMost = 16;
  // Of these that a backend did nothing about (R3): one that refuses everything must not be asked for ever.
  static constexpr int kMostUnprocessed = 3;

  enum class Next : std::uint8_t {
    give_up,
    same_pool,  // another backend of the pool that was asked, or the same one on a fresh connection
    rescuer,
  };

  // One more begins.
  void begin() { ++begun_; }
  int begun() const { return begun_; }

  // `failed`, on the backend of id `tried`, is not what the client is to get, nor has the client got a byte
  // of it: what now? Counts what is to be tried again. Requires: begin() was called.
  Next plan_retry(const upstream::Attempt& failed, std::uint32_t tried, const RetryQuestion& question);

  // Backends that are not to be asked again.
  std::span<const std::uint32_t> tried() const { return {tried_.data(), tried_count_}; }
  void forget_tried() { tried_count_ = 0; }
  bool fresh_only() const { return fresh_only_; }  // the next attempt takes no idle connection
  // It counts in the budget of retries, from the first counted retry to its end.
  bool in_budget() const { return counted_ > 0; }
  int counted() const { return counted_; }  // attempts that a backend has seen fail

 private:
  bool serves(const route::Pool& pool) const;
  void remember(std::uint32_t id, bool stale);
  bool forget_stale();
  Next plan_unprocessed(std::uint32_t tried, const RetryQuestion& question, bool rescuable);

  int begun_ = 0;
  int unprocessed_ = 0;
  int counted_ = 0;  // failures that used up one of `attempts`
  std::uint16_t tried_count_ = 0;
  bool fresh_only_ = false;
  std::bitset<kMost> stale_;  // beside tried_: it was an idle connection that had died
  // The first tried_count_; the rest is not initialised: clearing it would show in the cost of a request.
  std::array<std::uint32_t, kMost> tried_;
};

}  // namespace sluice::exchange
