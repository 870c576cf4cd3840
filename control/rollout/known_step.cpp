#include "control/rollout/known_step.hpp"

#include <boost/json/array.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "control/state/read_json.hpp"

namespace sluice::rollout {

namespace json = boost::json;

namespace {

using Microseconds = std::chrono::microseconds;
using observe::HistogramCounts;
using observe::HistogramLayout;
using state::number_field;
using state::number_in;

// Only the buckets in which there is something: [bucket, count, bucket, count ...].
json::array buckets_json(const HistogramCounts& counts) {
  json::array all;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i)
    if (counts.buckets[i] > 0) {
      all.push_back(i);
      all.push_back(counts.buckets[i]);
    }
  return all;
}

bool add_buckets(const json::array& all, HistogramCounts& counts) {
  if (all.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    const auto bucket = number_in<std::uint64_t>(all[i]), count = number_in<std::uint64_t>(all[i + 1]);
    if (!bucket || !count || *bucket >= HistogramLayout::kBuckets) return false;
    counts.buckets[*bucket] += *count;
    counts.count += *count;
  }
  return true;
}

json::object reading_json(const Reading& reading) {
  return {{"attempts", reading.attempts},
          {"errors", reading.errors},
          {"sum_us", reading.latency.sum_micros},
          {"buckets", buckets_json(reading.latency)}};
}

std::optional<Reading> reading_from(const json::value& value) {
  const auto attempts = number_field<std::uint64_t>(value, "attempts");
  const auto errors = number_field<std::uint64_t>(value, "errors");
  const auto sum = number_field<std::uint64_t>(value, "sum_us");
  const auto* buckets = state::array_field(value, "buckets");
  if (!attempts || !errors || !sum || !buckets || *errors > *attempts) return std::nullopt;
  Reading reading;
  reading.attempts = *attempts;
  reading.errors = *errors;
  reading.latency.sum_micros = *sum;
  if (!add_buckets(*buckets, reading.latency)) return std::nullopt;
  return reading;
}

std::optional<WindowStarts::Start> start_from(const json::value& value) {
  const auto number = number_field<std::uint64_t>(value, "number");
  const auto* canary = state::field(value, "canary");
  const auto* stable = state::field(value, "stable");
  auto of_canary = canary ? reading_from(*canary) : std::nullopt;
  auto of_stable = stable ? reading_from(*stable) : std::nullopt;
  if (!number || *number == 0 || !of_canary || !of_stable) return std::nullopt;
  return WindowStarts::Start{*number, std::move(*of_canary), std::move(*of_stable)};
}

json::object seen_json(const Judge::Seen& seen) {
  json::array starts;
  for (const auto& start : seen.starts.all())
    starts.push_back(json::object{{"number", start.number},
                                  {"canary", reading_json(start.canary)},
                                  {"stable", reading_json(start.stable)}});
  return {{"canary", reading_json(seen.canary)},
          {"stable", reading_json(seen.stable)},
          {"starts", std::move(starts)},
          {"last_start", seen.starts.last()}};
}

std::optional<Judge::Seen> seen_from(const json::value& value) {
  const auto* canary = state::field(value, "canary");
  const auto* stable = state::field(value, "stable");
  const auto* starts = state::array_field(value, "starts");
  const auto last = number_field<std::uint64_t>(value, "last_start");
  auto of_canary = canary ? reading_from(*canary) : std::nullopt;
  auto of_stable = stable ? reading_from(*stable) : std::nullopt;
  if (!of_canary || !of_stable || !starts || !last) return std::nullopt;
  std::vector<WindowStarts::Start> read;
  for (const auto& one : *starts) {
    auto start = start_from(one);
    if (!start || start->number > *last || went_back(start->canary, *of_canary) ||
        went_back(start->stable, *of_stable))
      return std::nullopt;
    read.push_back(std::move(*start));
  }
  return Judge::Seen{std::move(*of_canary), std::move(*of_stable), WindowStarts(std::move(read), *last)};
}

std::optional<state::RolloutPhase> active_phase(std::string_view text) {
  for (const auto one : {state::RolloutPhase::verifying, state::RolloutPhase::running})
    if (text == state::to_string(one)) return one;
  return std::nullopt;
}

}  // namespace

bool is_of(const KnownStep& known, const state::Rollout& rollout) {
  return rollout.id == known.rollout && rollout.phase == known.phase && rollout.step == known.step &&
         rollout.step_began == known.step_began;
}

json::object to_json(const KnownStep& known) {
  return {{"service", known.service},
          {"rollout", known.rollout},
          {"phase", state::to_string(known.phase)},
          {"step", known.step},
          {"step_began", known.step_began},
          {"began_us", std::chrono::duration_cast<Microseconds>(known.began.time_since_epoch()).count()},
          {"seen", seen_json(known.seen)}};
}

std::optional<KnownStep> known_step_from(const json::value& value) {
  const auto service = state::text_field(value, "service");
  const auto rollout = number_field<std::uint64_t>(value, "rollout");
  const auto phase = active_phase(state::text_field(value, "phase").value_or(""));
  const auto step = number_field<std::uint32_t>(value, "step");
  const auto step_began = number_field<std::int64_t>(value, "step_began");
  const auto began = number_field<std::int64_t>(value, "began_us");
  const auto* seen = state::field(value, "seen");
  auto read = seen ? seen_from(*seen) : std::nullopt;
  if (!service || !rollout || !phase || !step || !step_began || !began || !read) return std::nullopt;
  const std::chrono::steady_clock::time_point since{Microseconds(*began)};
  return KnownStep{*service, *rollout, *phase, *step, *step_began, since, std::move(*read)};
}

json::object to_json(const observe::Breaker::State& breaker) {
  return {{"up", breaker.up},          {"down", breaker.down},     {"trip", breaker.trip},
          {"score", breaker.score},    {"errors", breaker.errors}, {"good", breaker.good},
          {"tripped", breaker.tripped}};
}

std::optional<observe::Breaker::State> breaker_from(const json::value& value) {
  const auto number = [&value](const char* name) { return number_field<std::int32_t>(value, name); };
  const auto up = number("up"), down = number("down"), trip = number("trip"), score = number("score");
  const auto errors = number_field<std::uint64_t>(value, "errors");
  const auto good = number_field<std::uint32_t>(value, "good");
  const auto* tripped = state::field(value, "tripped");
  const bool readable = up && down && trip && score && errors && good && tripped && tripped->is_bool();
  if (!readable || *up < 1 || *down < 0 || *trip < 1 || *score < 0) return std::nullopt;
  return observe::Breaker::State{*up, *down, *trip, *score, *errors, *good, tripped->get_bool()};
}

}  // namespace sluice::rollout
