#include "control/screen/headline.hpp"

#include <algorithm>

#include "control/screen/figures.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::RolloutStatus;
using protocol::ServiceStatus;

namespace {

// "blue 75%, green 25%"; a pool without a share is not named.
std::string shares_text(const ServiceStatus& service) {
  std::string out;
  for (const auto& pool : service.pools)
    if (pool.share > 0) out += (out.empty() ? "" : ", ") + pool.name + " " + format_share(pool.share);
  return out.empty() ? "no pool has a share" : out;
}

bool is_whole(const ServiceStatus& service) {
  return std::any_of(service.pools.begin(), service.pools.end(),
                     [](const auto& pool) { return pool.share == kWhole; });
}

std::string step_text(const RolloutStatus& rollout) {
  if (!rollout.step) return "to " + rollout.to;
  std::string out = "step " + std::to_string(*rollout.step) + " of " + std::to_string(rollout.steps) + ": " +
                    format_share(rollout.share.value_or(0)) + " to " + rollout.to;
  if (rollout.mirror) out += ", copies of " + format_share(*rollout.mirror);
  return out;
}

std::string time_text_of(const RolloutStatus& rollout) {
  const auto least = least_time_left(rollout);
  return least && least->count() > 0 ? "at least " + countdown_text(*least) + " to the end" : std::string();
}

std::string undecided_gates(const RolloutStatus& rollout) {
  std::string out;
  for (const auto& gate : rollout.gates)
    if (gate.verdict == "insufficient") out += (out.empty() ? "proof of " : ", ") + gate_name(gate, rollout);
  return out;
}

// All of what the step waits for; the daemon says what comes first.
std::string waits_text(const RolloutStatus& rollout) {
  const auto left = hold_left(rollout);
  if (rollout.state != "running" && rollout.state != "watching") return rollout.waits_for;
  std::string out;
  const auto add = [&out](const std::string& text) {
    out += (out.empty() || text.empty() ? "" : "; ") + text;
  };
  if (left && left->count() > 0) add(countdown_text(*left) + " of the hold");
  if (rollout.requests.canary < rollout.min_requests)
    add(std::to_string(rollout.min_requests - rollout.requests.canary) + " more requests to " + rollout.to);
  add(undecided_gates(rollout));
  return out.empty() ? rollout.waits_for : out;
}

bool fails(const RolloutStatus& rollout) {
  return std::any_of(rollout.gates.begin(), rollout.gates.end(),
                     [](const auto& gate) { return gate.verdict == "fail"; });
}

std::string back_of(const ServiceStatus& service) { return "sluicectl rollback " + service.name; }

Headline of_active(const ServiceStatus& service, const RolloutStatus& rollout) {
  Headline out{.word = "SHIFTING",
               .ink = Ink::busy,
               .what = step_text(rollout),
               .left = time_text_of(rollout),
               .waits = waits_text(rollout),
               .gates = gates_summary(rollout),
               .back = back_of(service),
               .rank = 50};
  if (rollout.state == "verifying") out.word = "VERIFYING";
  if (rollout.state == "watching") out.word = "WATCHING";
  if (rollout.state == "paused") out.word = "HELD";
  if (!fails(rollout)) return out;
  out.word = "FAILING";
  out.ink = Ink::bad;
  out.rank = 70;
  return out;
}

Headline of_traffic(const ServiceStatus& service) {
  const auto& traffic = service.traffic;
  const bool paused = traffic.state == "paused";
  Headline out{.word = paused ? "PAUSED" : "STOPPED",
               .ink = Ink::bad,
               .what = paused ? "requests are held" : "requests are refused",
               .now = paused ? std::to_string(traffic.held) + " held, " : std::string(),
               .back = "sluicectl resume " + service.name,
               .rank = 80};
  if (!traffic.message.empty()) out.what += " '" + traffic.message + "'";
  out.now += traffic.in_flight > 0 ? std::to_string(traffic.in_flight) + " in flight" : "nothing in flight";
  return out;
}

// The last one, as long as its outcome is what the shares still show.
std::optional<Headline> of_ended(const ServiceStatus& service, const RolloutStatus& rollout) {
  const auto has_all = [&service](const std::string& name) {
    return std::any_of(service.pools.begin(), service.pools.end(),
                       [&name](const auto& pool) { return pool.name == name && pool.share == kWhole; });
  };
  const std::string when = rollout.ended ? " at " + time_of_day(*rollout.ended) : "";
  if (rollout.state == "done" && has_all(rollout.to))
    return Headline{.word = "DONE",
                    .ink = Ink::good,
                    .what = "100% to " + rollout.to + when,
                    .back = service.retained ? back_of(service) : std::string(),
                    .rank = 20};
  if (rollout.state != "done" && has_all(rollout.from))
    return Headline{.word = "WENT BACK",
                    .ink = Ink::bad,
                    .what = "100% to " + rollout.from + when + ": " + rollout.why,
                    .rank = 40};
  return std::nullopt;
}

const protocol::BackendStatus* draining(const ServiceStatus& service) {
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends)
      if (backend.drain && !backend.drain->finished) return &backend;
  return nullptr;
}

Headline of_shares(const ServiceStatus& service) {
  Headline out{.word = "STEADY", .ink = Ink::good, .what = shares_text(service)};
  if (service.unconfirmed) {
    out.word = "UNCONFIRMED";
    out.ink = Ink::busy;
    out.left = "goes back in " + countdown_text(service.unconfirmed->left);
    out.waits = "sluicectl confirm " + service.name;
    out.back = back_of(service);
    out.rank = 60;
  } else if (!is_whole(service)) {
    out.word = "SPLIT";
    out.ink = Ink::busy;
    out.back = back_of(service);
    out.rank = 30;
  } else if (const auto* backend = draining(service)) {
    return {.word = "DRAINING",
            .ink = Ink::busy,
            .what = backend->name,
            .now = drain_text(*backend->drain),
            .rank = 35};
  } else if (service.rollout) {
    if (auto ended = of_ended(service, *service.rollout)) return *ended;
  }
  if (service.retained && out.rank == 0) {
    out.back = back_of(service);
    out.rank = 10;
  }
  return out;
}

}  // namespace

Headline headline_of(const ServiceStatus& service) {
  if (!service.set_aside.empty())
    return {.word = "SET ASIDE", .ink = Ink::bad, .what = service.set_aside, .rank = 90};
  if (service.traffic.state != "open") return of_traffic(service);
  if (service.rollout && service.rollout->active) return of_active(service, *service.rollout);
  return of_shares(service);
}

std::string gates_summary(const RolloutStatus& rollout) {
  std::size_t pass = 0, fail = 0, open = 0;
  const auto count = [&](const RolloutStatus& one) {
    for (const auto& gate : one.gates)
      ++(gate.verdict == "pass" ? pass : gate.verdict == "fail" ? fail : open);
  };
  count(rollout);
  for (const auto& other : rollout.others) count(other);
  std::string out;
  const auto add = [&out](std::size_t number, const char* what) {
    if (number > 0) out += (out.empty() ? "" : ", ") + std::to_string(number) + " " + what;
  };
  add(fail, "FAIL");
  add(pass, "pass");
  add(open, "undecided");
  return out;
}

std::vector<std::string> alarms_of(const ServiceStatus& service) {
  std::vector<std::string> out;
  for (const auto& pool : service.pools) {
    const auto eligible = std::count_if(pool.backends.begin(), pool.backends.end(),
                                        [](const auto& backend) { return backend.eligible; });
    if (pool.share > 0 && eligible == 0)
      out.push_back("NO BACKEND takes the requests of " + pool.name + ", which has " +
                    format_share(pool.share));
  }
  return out;
}

}  // namespace sluice::screen
