#include "control/protocol/headline.hpp"

#include <algorithm>
#include <cmath>

#include "control/protocol/status.hpp"

namespace sluice::protocol {
namespace {

constexpr std::chrono::hours kNews{1};

// --- words

std::string number(double value, int digits) {
  const double scale = std::pow(10, digits);
  std::string text = std::to_string(std::round(value * scale) / scale);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string many(std::uint64_t n, std::string word) {
  return std::to_string(n) + " " + word + (n == 1 ? "" : "s");
}

std::string share_text(Share share) { return number(static_cast<double>(share) * 100 / kWhole, 3) + " %"; }

std::string rate_text(double rate) { return number(rate, rate < 100 ? 1 : 0); }

std::string error_text(const std::optional<double>& rate) {
  return rate ? number(*rate * 100, *rate < 0.1 ? 2 : 1) + " %" : "-";
}

std::string latency_text(const std::optional<double>& ms) {
  if (!ms) return "-";
  return *ms < 1000 ? number(*ms, *ms < 10 ? 1 : 0) + " ms" : number(*ms / 1000, 2) + " s";
}

// As one reads a clock: whole seconds, rounded up.
std::string time_left(milliseconds left) {
  const auto seconds = std::max<std::int64_t>(0, (left.count() + 999) / 1000), minutes = seconds / 60;
  if (minutes == 0) return std::to_string(seconds) + " s";
  if (minutes < 60) return std::to_string(minutes) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::string joined(const Strings& parts, const char* between) {
  std::string all;
  for (const auto& part : parts)
    if (!part.empty()) all += (all.empty() ? "" : between) + part;
  return all;
}

// --- where the requests go, and how it goes

bool all_go_to_one(const ServiceStatus& service) {
  return std::ranges::count_if(service.pools, [](const PoolStatus& pool) { return pool.share > 0; }) == 1;
}

std::string flow(const ServiceStatus& service) {
  Strings parts;
  for (const auto& pool : service.pools) {
    if (pool.share == kWhole) return "All requests go to " + pool.name;
    if (pool.share > 0 && pool.name != service.stable)
      parts.push_back(share_text(pool.share) + (parts.empty() ? " of the requests go to " : " to ") +
                      pool.name);
  }
  return joined(parts, ", ");
}

std::string numbers(const ServiceStatus& service) {
  Strings parts;
  for (const auto& pool : service.pools)
    if (pool.requests_per_second > 0)
      parts.push_back(pool.name + ": " + rate_text(pool.requests_per_second) + " requests/s, " +
                      error_text(pool.error_rate) + " errors, p95 " + latency_text(pool.p95_ms));
  return parts.empty() ? "No requests in the last ten seconds" : joined(parts, "; ");
}

bool takes_none(const PoolStatus& pool) {
  return pool.share > 0 && std::ranges::none_of(pool.backends, &BackendStatus::eligible);
}

std::uint64_t sick(const PoolStatus& pool) {
  return static_cast<std::uint64_t>(std::ranges::count_if(pool.backends, [](const BackendStatus& one) {
    return one.admin == "ready" && (one.health == "down" || one.health == "ejected");
  }));
}

bool drains(const PoolStatus& pool) {
  return std::ranges::any_of(pool.backends, [](const BackendStatus& one) {
    return one.admin == "draining" && !(one.drain && one.drain->finished);
  });
}

// --- rollouts

std::uint64_t count(const RolloutStatus& rollout, std::string_view verdict) {
  return static_cast<std::uint64_t>(std::ranges::count(rollout.gates, verdict, &GateStatus::verdict));
}

bool warned(const RolloutStatus& rollout) { return std::ranges::any_of(rollout.gates, &GateStatus::warn); }

std::string how_well(const RolloutStatus& rollout) {
  const std::uint64_t all = rollout.gates.size(), failed = count(rollout, "fail"),
                      open = count(rollout, "insufficient");
  if (all == 0) return rollout.state == "verifying" ? "No user is there yet" : "No gate judges this rollout";
  if (failed > 0) return std::to_string(failed) + " of " + many(all, "gate") + " failed";
  if (warned(rollout)) return "A warning limit is passed";
  if (open == all) return "No verdict yet: too few requests for a proof";
  if (open == 0)
    return all == 1 ? "Going well: the gate passes" : "Going well: all " + many(all, "gate") + " pass";
  return "Going well: " + std::to_string(all - open) + " of " + many(all, "gate") + " pass, " +
         std::to_string(open) + " without proof yet";
}

std::string waits_of(const RolloutStatus& rollout) {
  if (rollout.state == "paused") return "you: Resume";
  if (rollout.state == "verifying" || !rollout.step) return rollout.waits_for;
  const auto left = rollout.hold.value_or(milliseconds(0)) - rollout.in_step.value_or(milliseconds(0));
  const auto open = count(rollout, "insufficient");
  const std::size_t at = *rollout.step - 1;
  Strings parts;
  if (left.count() > 0) parts.push_back(time_left(left));
  if (rollout.requests.canary < rollout.min_requests)
    parts.push_back(many(rollout.min_requests - rollout.requests.canary, "more request") + " to " +
                    rollout.to);
  if (open > 0) parts.push_back("proof of " + many(open, "gate"));
  if (at < rollout.plan_steps.size() && rollout.plan_steps[at].approve)
    parts.push_back("your approval: Promote");
  return parts.empty() ? rollout.waits_for : joined(parts, ", ");
}

std::string word_of(const std::string& state) {
  if (state == "verifying") return "checking";
  return state == "running" ? "holding" : state;
}

// "Cannot go back: blue has 1 of 3 backends up"; empty when it can, or when there is nothing to go back to.
std::string no_way_back(const ServiceStatus& service) {
  if (!service.rollback || service.rollback->ready) return {};
  return "Cannot go back: " + service.rollback->pool + " " + joined(service.rollback->reasons, ", ");
}

Headline of_rollout(const ServiceStatus& service, const RolloutStatus& rollout) {
  const bool failed = count(rollout, "fail") > 0;
  const std::string stuck = no_way_back(service);
  const bool slow = warned(rollout) || rollout.state == "paused" || !stuck.empty();
  return {failed ? 1u
          : slow ? 3u
                 : 5u,
          failed ? "bad"
          : slow ? "warn"
                 : "move",
          word_of(rollout.state),
          rollout.mirror ? "Copies of " + share_text(*rollout.mirror) + " of the requests go to " + rollout.to
                         : flow(service),
          joined({stuck, how_well(rollout)}, "; "),
          waits_of(rollout)};
}

// Shortly over, and nothing was shifted since: its state.
std::string news(const ServiceStatus& service, std::optional<milliseconds> ended_ago) {
  if (!service.rollout || !ended_ago || *ended_ago > kNews) return {};
  const std::string& pool = service.rollout->state == "done" ? service.rollout->to : service.rollout->from;
  const bool has_all = std::ranges::any_of(
      service.pools, [&pool](const PoolStatus& one) { return one.name == pool && one.share == kWhole; });
  return has_all ? service.rollout->state : std::string();
}

// --- what is wrong, worst first

std::optional<Headline> outage(const ServiceStatus& service) {
  if (!service.set_aside.empty())
    return Headline{0, "bad", "not serving", "This service does not serve", service.set_aside, {}};
  const auto dead = std::ranges::find_if(service.pools, takes_none);
  if (dead != service.pools.end())
    return Headline{
        0, "bad", "no backend", "No backend of " + dead->name + " takes requests", numbers(service), {}};
  return std::nullopt;
}

std::optional<Headline> hold(const TrafficStatus& traffic) {
  const std::string in_flight = std::to_string(traffic.in_flight) + " in flight";
  if (traffic.state == "stopped")
    return Headline{
        1,         "bad",
        "stopped", "Requests are refused" + (traffic.message.empty() ? "" : ": " + traffic.message),
        in_flight, {}};
  if (traffic.state == "paused")
    return Headline{2,
                    "warn",
                    "paused",
                    many(traffic.held, "request") + " on hold",
                    in_flight + "; each is held for " +
                        time_left(traffic.max_hold.value_or(milliseconds(0))) + " at most",
                    "you: Resume requests"};
  return std::nullopt;
}

std::optional<Headline> trouble(const ServiceStatus& service) {
  const auto ill = std::ranges::find_if(service.pools, [](const PoolStatus& pool) { return sick(pool) > 0; });
  if (ill == service.pools.end()) return std::nullopt;
  return Headline{4,
                  "warn",
                  "trouble",
                  std::to_string(sick(*ill)) + " of " + many(ill->backends.size(), "backend") + " of " +
                      ill->name + " not well",
                  numbers(service),
                  {}};
}

}  // namespace

Headline headline_of(const ServiceStatus& service, std::optional<milliseconds> ended_ago) {
  if (auto worst = outage(service)) return *worst;
  if (auto held = hold(service.traffic)) return *held;
  if (service.rollout && service.rollout->active) return of_rollout(service, *service.rollout);
  const std::string latest = news(service, ended_ago), text = flow(service), how = numbers(service);
  if (latest == "rolled_back")
    return {3, "bad", "rolled back", text + " again", "Why: " + service.rollout->why, {}};
  if (const auto stuck = no_way_back(service); !stuck.empty())
    return {4, "warn", "no way back", text, stuck, {}};
  if (auto ill = trouble(service)) return *ill;
  if (service.unconfirmed)
    return {
        5,    "move", "unconfirmed",
        text, how,    "you: without a confirmation it reverts in " + time_left(service.unconfirmed->left)};
  if (std::ranges::any_of(service.pools, drains)) return {6, "move", "draining", text, how, {}};
  if (!all_go_to_one(service)) return {7, "move", "shifted", text, how, {}};
  if (latest == "aborted") return {8, "calm", "aborted", text + " again", how, {}};
  if (latest == "done") return {9, "good", "done", text, how, {}};
  return {9, "calm", "steady", text, how, {}};
}

}  // namespace sluice::protocol
