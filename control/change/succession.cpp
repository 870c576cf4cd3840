#include "control/change/succession.hpp"

#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <utility>
#include <vector>

#include "control/change/elsewhere.hpp"
#include "control/change/pause_verbs.hpp"
#include "control/health/known_health.hpp"
#include "control/state/read_json.hpp"
#include "control/state/state_json.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// The parts of what is known.
constexpr char kServices[] = "services", kHealth[] = "health", kRollouts[] = "rollouts",
               kUnderWay[] = "under_way", kTraffic[] = "traffic";
// A process that takes over waits so long for the first probes.
constexpr std::chrono::seconds kFirstProbes{10};

}  // namespace

Succession::Succession(InForce& in_force, Committer& committer, Publisher& publisher, BackendHealth& health,
                       rollout_driver::RolloutDriver& rollouts, SlidingWindow& recent)
    : in_force_(in_force),
      committer_(committer),
      publisher_(publisher),
      health_(health),
      rollouts_(rollouts),
      recent_(recent) {}

void Succession::take_over(const Knowledge& knowledge) {
  known_before_.emplace(knowledge.text);
  if (!known_before_->error().empty())
    spdlog::warn("what the process before this one knew is not known here: {}", known_before_->error());
  else if (!publisher_.memory.remember((*known_before_)[kServices], knowledge.descriptors))
    spdlog::warn(
        "what the process before this one knew of its services cannot be read: splits and rate "
        "limits begin anew");
}

asio::awaitable<void> Succession::go_on_as_before() {
  if (!known_before_) co_return;
  if (!health::remember((*known_before_)[kHealth], health_.registry, health_.outliers)) {
    spdlog::warn(
        "what the process before this one knew of its backends' health cannot be read: they are probed");
    co_await health_.until_known(io::Clock::now() + kFirstProbes);
  }
  rollouts_.remember((*known_before_)[kRollouts]);
  set_elsewhere((*known_before_)[kUnderWay], *in_force_.snapshot);
  // A program from before this part was known says nothing of it.
  if (const auto& traffic = (*known_before_)[kTraffic]; !traffic.is_null() && !recent_.remember(traffic))
    spdlog::warn("what the process before this one knew of the traffic cannot be read: it is followed anew");
  known_before_.reset();
}

// The rates are those at which requests are let go that a pause held until now.
std::string Succession::news_of(const state::State& next) const {
  json::object rates;
  for (const auto& service : in_force_.snapshot->services)
    if (service.hold) rates[service.spec.name] = service.live->hold.release_rate.load();
  return json::serialize(json::object{{"state", state::to_json(next)}, {"rates", std::move(rates)}});
}

asio::awaitable<void> Succession::tell_predecessor(const state::State& next) {
  if (!upgrades || !upgrades->predecessor()) co_return;
  std::string news = news_of(next);
  co_await upgrades->tell_predecessor(std::move(news));
}

void Succession::set_under_way_elsewhere(const json::value& said) {
  set_elsewhere(said, *in_force_.snapshot);
}

Knowledge Succession::knowledge() const {
  const auto& snapshot = *in_force_.snapshot;
  return {knowledge_text({{kServices, publisher_.memory.known(snapshot)},
                          {kHealth, health::known_health(health_.registry, health_.outliers)},
                          {kRollouts, rollouts_.known()},
                          {kUnderWay, under_way_in(snapshot)},
                          {kTraffic, recent_.known(snapshot)}}),
          publisher_.memory.descriptors()};
}

asio::awaitable<void> Succession::follow(std::string news) {
  const json::value said = state::parse_json(news);
  const auto* wanted = state::field(said, "state");
  std::vector<state::Unrestored> unrestored;
  auto next = wanted ? state::state_from_json(*wanted, unrestored) : state::Fault{"there is none"};
  if (!next || !unrestored.empty()) {
    spdlog::warn(
        "the requests that are left here stay routed as they were: the new process's state cannot be "
        "read");
    co_return;
  }
  const auto* rates = state::field(said, "rates");
  for (const auto& service : in_force_.snapshot->services)
    if (service.hold && rates)
      begin_release(service.live->hold,
                    state::number_field<std::uint32_t>(*rates, service.spec.name).value_or(0),
                    steady_micros());
  co_await committer_.follow(std::move(*next));
}

json::object Succession::under_way() const { return under_way_in(*in_force_.snapshot); }

}  // namespace sluice::change
