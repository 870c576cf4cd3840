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

Headline of_active(const ServiceStatus& service, const RolloutStatus& rollout) {
  Headline out{"SHIFTING",
               Ink::busy,
               step_text(rollout),
               time_text_of(rollout),
               waits_text(rollout),
               gates_summary(rollout),
               "sluicectl rollback " + service.name,
               50};
  if (rollout.state == "verifying") out.word = "VERIFYING";
  if (rollout.state == "watching") out.word = "WATCHING";
  if (rollout.state == "paused") out.word = "HELD";
  if (rollout.state == "paused") out.left.clear();
  if (!fails(rollout)) return out;
  out.word = "FAILING";
  out.ink = Ink::bad;
  out.rank = 70;
  return out;
}

Headline of_traffic(const ServiceStatus& service) {
  const auto& traffic = service.traffic;
  const bool paused = traffic.state == "paused";
  Headline out{paused ? "PAUSED" : "STOPPED",
               Ink::bad,
               paused ? "requests are held" : "requests are refused",
               {},
               {},
               {},
               "sluicectl resume " + service.name,
               80};
  if (!traffic.message.empty()) out.what += " '" + traffic.message + "'";
  if (paused) out.left = std::to_string(traffic.held) + " held";
  out.left +=
      (out.left.empty() ? "" : ", ") +
      (traffic.in_flight > 0 ? std::to_string(traffic.in_flight) + " in flight" : "nothing in flight");
  return out;
}

// The last one, as long as its outcome is what the shares still show.
std::optional<Headline> of_ended(const ServiceStatus& service, const RolloutStatus& rollout) {
  const auto has_all = [&service](const std::string& name) {
    return std::any_of(service.pools.begin(), service.pools.end(),
                       [&name](const auto& pool) { return pool.name == name && pool.share == kWhole; });
  };
  const std::string when = rollout.ended ? " at " + rollout.ended->substr(11, 8) : "";
  if (rollout.state == "done" && has_all(rollout.to))
    return Headline{"DONE",
                    Ink::good,
                    "100% to " + rollout.to + when,
                    {},
                    {},
                    {},
                    service.retained ? "sluicectl rollback " + service.name : std::string(),
                    20};
  if (rollout.state != "done" && has_all(rollout.from))
    return Headline{"WENT BACK", Ink::bad, "100% to " + rollout.from + when + ": " + rollout.why, {}, {}, {},
                    {},          40};
  return std::nullopt;
}

const protocol::BackendStatus* draining(const ServiceStatus& service) {
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends)
      if (backend.drain && !backend.drain->finished) return &backend;
  return nullptr;
}

Headline of_shares(const ServiceStatus& service) {
  const std::string back = "sluicectl rollback " + service.name;
  if (service.unconfirmed)
    return {"UNCONFIRMED",
            Ink::busy,
            shares_text(service),
            "goes back in " + countdown_text(service.unconfirmed->left),
            "sluicectl confirm " + service.name,
            {},
            back,
            60};
  if (!is_whole(service)) return {"SPLIT", Ink::busy, shares_text(service), {}, {}, {}, back, 30};
  if (const auto* backend = draining(service))
    return {"DRAINING", Ink::busy, backend->name, drain_text(*backend->drain), {}, {}, {}, 35};
  if (service.rollout)
    if (auto ended = of_ended(service, *service.rollout)) return *ended;
  return {"STEADY",
          Ink::good,
          shares_text(service),
          {},
          {},
          {},
          service.retained ? back : std::string(),
          service.retained ? 10 : 0};
}

}  // namespace

Headline headline_of(const ServiceStatus& service) {
  if (!service.set_aside.empty()) return {"SET ASIDE", Ink::bad, service.set_aside, {}, {}, {}, {}, 90};
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
