#include "control/rollout/known_step.hpp"

#include <boost/json/array.hpp>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "control/state/read_json.hpp"

namespace sluice::rollout {

namespace json = boost::json;

namespace {

using Microseconds = std::chrono::microseconds;
using observe::HistogramCounts;
using state::number_field;
using state::number_in;

// Only the places at which there is something: [place, count, place, count ...].
template <class Number>
json::array sparse_json(const std::vector<Number>& counts) {
  json::array all;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) {
      all.push_back(i);
      all.push_back(counts[i]);
    }
  return all;
}

template <class Number>
bool read_sparse(const json::array& all, std::vector<Number>& counts) {
  if (all.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < all.size(); i += 2) {
    const auto place = number_in<std::uint64_t>(all[i]);
    const auto count = number_in<Number>(all[i + 1]);
    if (!place || !count || *place >= counts.size()) return false;
    counts[*place] += *count;
  }
  return true;
}

bool read_buckets(const json::array& all, HistogramCounts& counts) {
  if (!read_sparse(all, counts.buckets)) return false;
  counts.count = std::accumulate(counts.buckets.begin(), counts.buckets.end(), std::uint64_t{0});
  return true;
}

json::object reading_json(const Reading& reading) {
  json::object made{{"attempts", reading.attempts},
                    {"errors", reading.errors},
                    {"sum_us", reading.latency.sum_micros},
                    {"buckets", sparse_json(reading.latency.buckets)}};
  if (reading.cells.empty()) return made;
  made["cells"] = sparse_json(reading.cells);
  made["cells_seen"] = reading.cells_seen;
  return made;
}

// Those of users; false when there are some that cannot be read.
bool read_cells(const json::value& value, std::vector<std::uint32_t>& cells) {
  if (!state::field(value, "cells")) return true;
  const auto* all = state::array_field(value, "cells");
  cells.resize(observe::CellLayout::kNumbers);
  return all && read_sparse(*all, cells);
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
  reading.cells_seen = number_field<int>(value, "cells_seen").value_or(0);
  if (!read_buckets(*buckets, reading.latency) || !read_cells(value, reading.cells)) return std::nullopt;
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
  return {{"up", breaker.up},           {"down", breaker.down},
          {"trip", breaker.trip},       {"score", breaker.score},
          {"errors", breaker.errors},   {"good", breaker.good},
          {"tripped", breaker.tripped}, {"by_users", breaker.by_users},
          {"failing", breaker.failing}, {"answered", breaker.answered}};
}

std::optional<observe::Breaker::State> breaker_from(const json::value& value) {
  const auto number = [&value](const char* name) { return number_field<std::int32_t>(value, name); };
  const auto up = number("up"), down = number("down"), trip = number("trip"), score = number("score");
  const auto errors = number_field<std::uint64_t>(value, "errors");
  const auto good = number_field<std::uint32_t>(value, "good");
  const auto* tripped = state::field(value, "tripped");
  const bool readable = up && down && trip && score && errors && good && tripped && tripped->is_bool();
  if (!readable || *up < 1 || *down < 0 || *trip < 1 || *score < 0) return std::nullopt;
  const auto cells = [&value](const char* name) {
    return number_field<std::uint32_t>(value, name)
        .value_or(0);  // absent: of a version that told no users apart
  };
  const auto* by_users = state::field(value, "by_users");
  return observe::Breaker::State{*up,
                                 *down,
                                 *trip,
                                 *score,
                                 *errors,
                                 *good,
                                 tripped->get_bool(),
                                 by_users && by_users->is_bool() && by_users->get_bool(),
                                 cells("failing"),
                                 cells("answered")};
}

}  // namespace sluice::rollout
