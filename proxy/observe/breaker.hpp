// G6: the circuit breaker of a pool that a rollout is watching: a sequential test on every answer, where the
// answers are, in the workers. A snapshot with a rollout carries one. When it trips, the workers send the
// pool's further requests elsewhere at once, and control publishes the way back a moment later.
//
// A test on answers cannot know of requests that have none yet. So until the pool has shown that it answers
// at all, few may be under way: errors and those together stay at ten, whatever the load and however slow it
// fails.
//
// One user who always fails is no broken pool. Where the service has keys, the test trips only when errors
// came from kUsers cells of users since the score was last zero, or from as many as this pool has ever
// answered, if these are fewer. Until then errors of a cell that is in it already leave the score as many
// errors below the trip as cells are missing, and that cell's further requests go elsewhere. So each error of
// another user still adds one, and no pool, whoever asks, has more errors than without this rule:
//  - a pool that failed every request that it ever got has answered none but failing cells, and trips as it
//    would without keys, also when it has a single user;
//  - a pool that breaks later trips when kUsers of its users have asked; those that asked more often are
//    answered elsewhere meanwhile. When nobody else asks, it trips after kKeptOut requests that were kept out
//    without a good answer to anybody in between.
//
// An outage that the stable pool shares is no broken pool either. A pool that has shown that it answers takes
// smaller steps while more than kTrouble of stable's latest answers are errors: an error adds a tenth of the
// trip, and a good answer takes so much that a pool which fails as often as stable does goes down. So it does
// when no stable pool is left to compare with. Ten errors in a row trip it all the same.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>

namespace sluice::observe {

class Breaker {
 public:
  static constexpr std::int32_t kUnproven = 10;  // errors in a row and requests under way, before kProof
  static constexpr std::uint32_t kProof = 20;    // good answers after which the pool may have any number
  static constexpr int kUsers = 6;               // cells of users that must have failed
  // Requests of users who failed, with nobody to speak for the pool.
  static constexpr std::uint32_t kKeptOut = 300;
  static constexpr double kTrouble = 1.0 / 16;

  // A CUSUM in integers (see control/rollout/fast_fail.hpp): `up` for an error, `down` for another answer.
  // `by_users`: places tell users apart.
  Breaker(std::int32_t up, std::int32_t down, std::int32_t trip, bool by_users = false)
      : up_(up), down_(down), trip_(trip), by_users_(by_users) {}

  // All of it but the requests under way, for another process that goes on with it.
  struct State {
    std::int32_t up = 0, down = 0, trip = 0, score = 0;
    std::uint64_t errors = 0;
    std::uint32_t good = 0;
    bool tripped = false;
    bool by_users = false;
    std::uint32_t failing = 0, answered = 0;  // cells, a bit each
  };
  State state() const {
    const Run run = unpack(run_.load());
    return {up_,          down_,           trip_,     run.score,   errors_.load(),
            good_.load(), tripped_.load(), by_users_, run.failing, answered_.load()};
  }
  explicit Breaker(const State& state) : Breaker(state.up, state.down, state.trip, state.by_users) {
    run_ = pack({state.score, state.failing});
    errors_ = state.errors;
    good_ = state.good;
    tripped_ = state.tripped;
    answered_ = state.answered;
  }

  // May one more request go to the pool? All workers; as all that follows. `place`: the user's
  // (route::Decision). `alone`: the pool has all of the traffic.
  enum class Entry : std::uint8_t { refused, free, counted };
  Entry enter(std::uint32_t place = 0, bool alone = false) {
    if (tripped()) return Entry::refused;
    const Run run = unpack(run_.load(std::memory_order_relaxed));
    if (by_users_ && (run.failing & bit_of(place)) && run.score >= most(run.failing, steps(alone).up)) {
      if (kept_out_.fetch_add(1, std::memory_order_relaxed) + 1 >= kKeptOut)
        tripped_.store(true, std::memory_order_relaxed);
      return Entry::refused;
    }
    if (good_.load(std::memory_order_relaxed) >= kProof) return Entry::free;
    const std::int32_t failing = (run.score + up_ - 1) / up_;
    if (unanswered_.fetch_add(1, std::memory_order_relaxed) + failing < kUnproven) return Entry::counted;
    leave(Entry::counted);
    return Entry::refused;
  }
  // Its first answer came, or it ended without one. Once for each that entered.
  void leave(Entry entry) {
    if (entry == Entry::counted) unanswered_.fetch_sub(1, std::memory_order_relaxed);
  }

  // One answer of the pool.
  void count(bool error, std::uint32_t place = 0, bool alone = false) {
    if (!error && good_.load(std::memory_order_relaxed) < kProof)
      good_.fetch_add(1, std::memory_order_relaxed);
    const std::uint32_t cell = by_users_ ? bit_of(place) : 0;
    if ((answered_.load(std::memory_order_relaxed) & cell) != cell)
      answered_.fetch_or(cell, std::memory_order_relaxed);
    if (!error && kept_out_.load(std::memory_order_relaxed) > 0)
      kept_out_.store(0, std::memory_order_relaxed);
    std::uint64_t packed = run_.load(std::memory_order_relaxed);
    if (!error && packed == 0) return;  // a healthy pool writes nothing
    Run next;
    do {
      next = after(unpack(packed), error, cell, steps(alone));
    } while (!run_.compare_exchange_weak(packed, pack(next), std::memory_order_relaxed));
    if (error) errors_.fetch_add(1, std::memory_order_relaxed);
    if (next.score >= trip_) tripped_.store(true, std::memory_order_relaxed);
  }
  // One answer of the stable pool. Two workers at once may lose one: a rate is not hurt.
  void count_stable(bool error) {
    const std::uint32_t rate = stable_.load(std::memory_order_relaxed);
    if (!error && rate == 0) return;
    const std::uint32_t step = (error ? kOne - rate : rate) >> kLatest;
    stable_.store(error ? rate + step : rate - std::max(step, 1u), std::memory_order_relaxed);
  }
  // For good: a new rollout gets a new breaker.
  bool tripped() const { return tripped_.load(std::memory_order_relaxed); }
  std::uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kOne = 1u << 16;  // of a rate
  static constexpr int kLatest = 4;                // of 16 answers

  // Since the score was last zero: it, and the cells that had errors. One atomic.
  struct Run {
    std::int32_t score = 0;
    std::uint32_t failing = 0;
  };
  static std::uint64_t pack(Run run) {
    return std::uint64_t{static_cast<std::uint32_t>(run.score)} << 32 | run.failing;
  }
  static Run unpack(std::uint64_t packed) {
    return {static_cast<std::int32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
  }
  static std::uint32_t bit_of(std::uint32_t place) { return 1u << place % 32; }

  // That the score may reach while no more than these cells had errors, each error adding `up`.
  std::int32_t most(std::uint32_t failing, std::int32_t up) const {
    if (!by_users_) return trip_;
    const int wanted = std::min(kUsers, std::popcount(answered_.load(std::memory_order_relaxed)));
    return trip_ - std::max(0, wanted - std::popcount(failing)) * up;
  }
  struct Steps {
    std::int32_t up = 0, down = 0;
  };
  Steps steps(bool alone) const {
    const double rate = static_cast<double>(stable_.load(std::memory_order_relaxed)) / kOne;
    if ((rate <= kTrouble && !alone) || good_.load(std::memory_order_relaxed) < kProof) return {up_, down_};
    const std::int32_t up = std::min(up_, (trip_ + kUnproven - 1) / kUnproven);
    return {up, std::max(down_, static_cast<std::int32_t>(3.0 * up * rate / (1.001 - rate)))};
  }
  Run after(Run run, bool error, std::uint32_t cell, Steps by) const {
    if (!error) return run.score > by.down ? Run{run.score - by.down, run.failing} : Run{};
    run.failing |= cell;
    run.score = std::max(run.score, std::min(run.score + by.up, most(run.failing, by.up)));
    return run;
  }

  const std::int32_t up_, down_, trip_;
  const bool by_users_;
  alignas(64) std::atomic<std::uint64_t> run_{0};
  std::atomic<std::int32_t> unanswered_{0};
  std::atomic<std::uint64_t> errors_{0};
  alignas(64) std::atomic<std::uint32_t> good_{0};
  std::atomic<std::uint32_t> answered_{0};
  std::atomic<std::uint32_t> kept_out_{0};
  std::atomic<bool> tripped_{false};
  alignas(64) std::atomic<std::uint32_t> stable_{0};  // the rate of errors of its latest answers
};

}  // namespace sluice::observe
