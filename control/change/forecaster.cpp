#include "control/change/forecaster.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>

#include "control/io/notifier.hpp"
#include "control/rollout/format.hpp"
#include "control/state/pending.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using protocol::Forecast;
using protocol::ForecastPool;
using protocol::ForecastStep;

namespace {

constexpr std::uint64_t kSeed = 1;          // the same plan and traffic are told the same
constexpr std::uint64_t kFewRequests = 20;  // in the hour: of fewer nothing is said

using Table = std::vector<std::pair<std::string, Share>>;

// The traffic of a service and what its pools had of it.
struct PoolTraffic {
  std::string name;
  PoolMemory::Hour hour;
  PoolMemory::Peaks peaks;
};

struct ServiceTraffic {
  std::vector<PoolTraffic> pools;
  PoolMemory::Hour all;
  PoolMemory::Peaks peaks;  // of each backend the highest of any pool; the others of all pools together

  double mean_seconds() const { return all.mean_seconds(); }
};

ServiceTraffic traffic_of(const route::Service& service, const SlidingWindow& recent,
                          io::Clock::time_point now) {
  ServiceTraffic traffic;
  for (const auto& pool : service.pools) {
    const PoolMemory& memory = recent.memory_of(*pool.live);
    const auto& one = traffic.pools.emplace_back(
        PoolTraffic{pool.name, memory.last_hour(now, recent.followed(now)), memory.last_day(now)});
    traffic.all.seconds = one.hour.seconds;
    traffic.all.requests += one.hour.requests;
    traffic.all.errors += one.hour.errors;
    traffic.all.latency += one.hour.latency;
    traffic.peaks.rate += one.peaks.rate;
    traffic.peaks.in_flight += one.peaks.in_flight;
    // The first minute is a peak only when it is over.
    const double a_backend =
        one.hour.rate() / static_cast<double>(std::max<std::size_t>(1, eligible_count(pool)));
    traffic.peaks.rate_per_backend =
        std::max({traffic.peaks.rate_per_backend, one.peaks.rate_per_backend, a_backend});
  }
  traffic.peaks.rate = std::max(traffic.peaks.rate, traffic.all.rate());
  return traffic;
}

// A canary is taken to be as good as the pools that serve now: errors are theirs.
rollout::Traffic traffic_for(const ServiceTraffic& traffic) {
  return {traffic.all.rate(), traffic.all.error_rate(), traffic.all.latency};
}

std::string part_text(double number) {
  return number < 10 ? rollout::number(std::round(number * 10) / 10) : rollout::number(std::round(number));
}

// What each backend of the pool has at this share of the service's traffic.
ForecastPool load_of(const route::Pool& pool, Share share, const ServiceTraffic& traffic) {
  ForecastPool load;
  load.pool = pool.name;
  for (const auto& backend : pool.backends) {
    if (!eligible_in(pool, backend)) continue;
    ++load.eligible;
    if (backend.max_in_flight > 0 && (load.max_in_flight == 0 || backend.max_in_flight < load.max_in_flight))
      load.max_in_flight = backend.max_in_flight;
  }
  const auto found = std::ranges::find(traffic.pools, pool.name, &PoolTraffic::name);
  const double backends = static_cast<double>(std::max<std::uint64_t>(1, load.eligible));
  const double part = static_cast<double>(share) / kWhole / backends;
  load.rate_now = found->hour.rate() / backends;
  load.rate = traffic.all.rate() * part;
  load.in_flight_now = load.rate_now * traffic.mean_seconds();
  load.in_flight = load.rate * traffic.mean_seconds();
  load.in_flight_peak = traffic.peaks.in_flight * part;
  load.rate_peak = traffic.peaks.rate_per_backend;
  const double most = static_cast<double>(load.max_in_flight);
  const double highest = traffic.peaks.rate * part;
  if (load.eligible == 0)
    load.problem = "none of its backends takes requests";
  else if (load.max_in_flight > 0 && load.in_flight > most)
    load.problem = "each of its backends would have " + part_text(load.in_flight) +
                   " requests in flight and may have " + std::to_string(load.max_in_flight) +
                   ": the others wait";
  else if (load.max_in_flight > 0 && load.in_flight_peak > most)
    load.problem = "at the highest of the last 24 hours each of its backends would have " +
                   part_text(load.in_flight_peak) + " requests in flight and may have " +
                   std::to_string(load.max_in_flight) + ": the others wait";
  else if (highest > 1.1 * load.rate_peak && load.rate_peak > 0)
    load.problem = "at the highest minute of the last 24 hours each of its backends would have " +
                   part_text(highest) + " requests a second; none of the service's had more than " +
                   part_text(load.rate_peak);
  return load;
}

double moved_per_minute(Share slots, const ServiceTraffic& traffic) {
  return traffic.all.rate() * 60 * static_cast<double>(slots) / kWhole;
}

// Half the sum of the changes: what no way of moving falls short of (S5).
Share moved_between(const Table& before, const Table& after) {
  Share moved = 0;
  for (const auto& [pool, share] : after) {
    const auto was = std::ranges::find(before, pool, [](const auto& one) { return one.first; });
    const Share old = was == before.end() ? 0 : was->second;
    if (share > old) moved += share - old;
  }
  return moved;
}

Table shares_of(const state::ServiceState& service) {
  Table table;
  for (const auto& pool : service.pools) table.emplace_back(pool.name, pool.share);
  return table;
}

Share share_in(const Table& table, const std::string& pool) {
  const auto found = std::ranges::find(table, pool, [](const auto& one) { return one.first; });
  return found == table.end() ? 0 : found->second;
}

// From one table to the next; the pools that get more are those that must carry it.
ForecastStep step_between(const route::Service& service, const ServiceTraffic& traffic, const Table& before,
                          const Table& after) {
  ForecastStep step;
  step.users_moved = moved_between(before, after);
  step.requests_moved = moved_per_minute(step.users_moved, traffic);
  for (const auto& pool : service.pools) {
    const Share share = share_in(after, pool.name);
    if (share <= share_in(before, pool.name)) continue;
    step.pools.push_back(load_of(pool, share, traffic));
    step.share = std::max(step.share, share);
  }
  step.rate = traffic.all.rate() * step.share / kWhole;
  return step;
}

std::vector<ForecastStep> steps_of(const route::Service& service, const state::Rollout& rollout,
                                   const state::ServiceState& kept, const ServiceTraffic& traffic) {
  std::vector<ForecastStep> steps;
  auto before = rollout.before;
  for (const auto& spec : rollout.plan.steps) {
    const auto shares = state::shares_with(kept, rollout.before, rollout.from, rollout.to, spec.share);
    Table after;
    for (std::size_t i = 0; i < shares.size(); ++i) after.emplace_back(kept.pools[i].name, shares[i]);
    ForecastStep& step = steps.emplace_back(step_between(service, traffic, before, after));
    step.share = spec.mirror > 0 ? spec.mirror : spec.share;
    step.mirrored = spec.mirror > 0;
    step.hold = spec.hold;
    step.rate = traffic.all.rate() * step.share / kWhole;
    if (step.mirrored)
      if (const auto* pool = find_pool(service, rollout.to))
        step.pools.push_back(load_of(*pool, step.share, traffic));
    before = after;
  }
  return steps;
}

std::string too_little(const std::string& service, const PoolMemory::Hour& hour) {
  const std::string seen =
      hour.requests == 0 ? "no request came" : "only " + rollout::count(hour.requests, "request") + " came";
  return seen + " in the " +
         (hour.seconds >= 3500 ? "last hour"
                               : "last " + duration_text(std::chrono::seconds(
                                               std::max<std::int64_t>(1, std::llround(hour.seconds))))) +
         ", from which nothing can be foretold; ask again when there was traffic (sluicectl status " +
         service + " shows what comes)";
}

protocol::ForecastTimes told_times(const rollout::Times& times) { return {times.median, times.most}; }

protocol::ForecastGate gate_of(const rollout::LimitPower& power) {
  protocol::ForecastGate gate{power.gate,  power.unit, power.baseline, power.limit, {},
                              power.least, {},         power.why};
  for (const auto& one : power.worse) gate.worse.push_back({one.value, told_times(one.found)});
  gate.passed = told_times(power.passed);
  return gate;
}

Forecast answered(Forecaster::Question question) {
  if (!question.known.why.empty() || !question.plan) return std::move(question.known);
  const auto powers = rollout::power_of(*question.plan, question.traffic, kSeed);
  auto& steps = question.known.steps;
  for (std::size_t i = 0; i < steps.size() && i < powers.size(); ++i) {
    steps[i].enough = powers[i].enough;
    steps[i].broken = powers[i].broken;
    for (const auto& limit : powers[i].limits) steps[i].gates.push_back(gate_of(limit));
  }
  return std::move(question.known);
}

}  // namespace

Forecaster::Questions Forecaster::ask(const state::State& before, const state::State& after) const {
  const auto now = recent_.until();  // what came later is not added yet
  Questions questions;
  for (const auto& service : after.services) {
    const auto* was = before.service(service.name);
    const auto* routed = in_force_.routed(service.name);
    if (!was || !routed || questions.size() == kMostServices) continue;
    const bool begins = service.rollout && service.rollout->active() &&
                        (!was->rollout || was->rollout->id != service.rollout->id);
    if (!begins && shares_of(*was) == shares_of(service)) continue;
    const ServiceTraffic traffic = traffic_of(*routed, recent_, now);
    Question& question = questions.emplace_back();
    Forecast& known = question.known;
    known.name = service.name;
    known.known_seconds = traffic.all.seconds;
    known.rate = traffic.all.rate();
    known.error_rate = traffic.all.error_rate();
    known.hours_known =
        std::min(24.0, std::chrono::duration<double>(now - recent_.followed(now)).count() / 3600);
    known.rate_peak = traffic.peaks.rate;
    known.sticky = routed->slots != nullptr;
    if (traffic.all.latency.count > 0) {
      const auto quantile = [&](double q) {
        return static_cast<double>(traffic.all.latency.quantile(q)) / 1000;
      };
      known.p50_ms = quantile(0.50);
      known.p95_ms = quantile(0.95);
      known.p99_ms = quantile(0.99);
    }
    if (traffic.all.requests < kFewRequests) known.why = too_little(service.name, traffic.all);
    if (begins) {
      known.steps = steps_of(*routed, *service.rollout, service, traffic);
      question.plan = service.rollout->plan;
      question.traffic = traffic_for(traffic);
    } else {
      known.steps = {step_between(*routed, traffic, shares_of(*was), shares_of(service))};
    }
  }
  return questions;
}

asio::awaitable<protocol::Forecasts> Forecaster::answer(Questions questions) {
  if (!pool_) pool_ = std::make_unique<asio::thread_pool>(1);
  const auto made = std::make_shared<io::AsyncResult<protocol::Forecasts>>(loop_);
  asio::post(*pool_, [loop = loop_, made, questions = std::move(questions)]() mutable {
    protocol::Forecasts all;
    for (auto& question : questions) all.services.push_back(answered(std::move(question)));
    asio::post(loop, [made, all = std::move(all)]() mutable { made->set(std::move(all)); });
  });
  co_return co_await made->wait();
}

}  // namespace sluice::change
