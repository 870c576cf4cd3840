// G6: the circuit breaker of a pool that a rollout is watching: a sequential test on every answer, where the
// answers are, in the workers. A snapshot with a rollout carries one. When it trips, the workers send the
// pool's further requests elsewhere at once, and control publishes the way back a moment later.
//
// A test on answers cannot know of requests that have none yet. So until the pool has shown that it answers
// at all, few may be under way: errors and those together stay at ten, whatever the load and however slow it
// fails.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::observe {

class Breaker {
 public:
  static constexpr std::int32_t kUnproven = 10;  // errors in a row and requests under way, before kProof
  static constexpr std::uint32_t kProof = 20;    // good answers after which the pool may have any number

  // A CUSUM in integers (see control/rollout/fast_fail.hpp): `up` for an error, `down` for another answer.
  Breaker(std::int32_t up, std::int32_t down, std::int32_t trip) : up_(up), down_(down), trip_(trip) {}

  // All of it but the requests under way, for another process that goes on with it.
  struct State {
    std::int32_t up = 0, down = 0, trip = 0, score = 0;
    std::uint64_t errors = 0;
    std::uint32_t good = 0;
    bool tripped = false;
  };
  State state() const {
    return {up_, down_, trip_, score_.load(), errors_.load(), good_.load(), tripped_.load()};
  }
  explicit Breaker(const State& state) : Breaker(state.up, state.down, state.trip) {
    score_ = state.score;
    errors_ = state.errors;
    good_ = state.good;
    tripped_ = state.tripped;
  }

  // May one more request go to the pool? All workers; as all that follows.
  enum class Entry : std::uint8_t { refused, free, counted };
  Entry enter() {
    if (tripped()) return Entry::refused;
    if (good_.load(std::memory_order_relaxed) >= kProof) return Entry::free;
    const std::int32_t failing = (score_.load(std::memory_order_relaxed) + up_ - 1) / up_;
    if (unanswered_.fetch_add(1, std::memory_order_relaxed) + failing < kUnproven) return Entry::counted;
    leave(Entry::counted);
    return Entry::refused;
  }
  // Its first answer came, or it ended without one. Once for each that entered.
  void leave(Entry entry) {
    if (entry == Entry::counted) unanswered_.fetch_sub(1, std::memory_order_relaxed);
  }

  // One answer of the pool.
  void count(bool error) {
    if (!error && good_.load(std::memory_order_relaxed) < kProof)
      good_.fetch_add(1, std::memory_order_relaxed);
    std::int32_t score = score_.load(std::memory_order_relaxed);
    if (!error && score == 0) return;  // a healthy pool writes nothing
    std::int32_t next = 0;
    do {
      next = error ? score + up_ : (score > down_ ? score - down_ : 0);
    } while (!score_.compare_exchange_weak(score, next, std::memory_order_relaxed));
    if (error) errors_.fetch_add(1, std::memory_order_relaxed);
    if (next >= trip_) tripped_.store(true, std::memory_order_relaxed);
  }
  // For good: a new rollout gets a new breaker.
  bool tripped() const { return tripped_.load(std::memory_order_relaxed); }
  std::uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  const std::int32_t up_, down_, trip_;
  alignas(64) std::atomic<std::int32_t> score_{0};
  std::atomic<std::int32_t> unanswered_{0};
  std::atomic<std::uint64_t> errors_{0};
  alignas(64) std::atomic<std::uint32_t> good_{0};
  std::atomic<bool> tripped_{false};
};

}  // namespace sluice::observe
