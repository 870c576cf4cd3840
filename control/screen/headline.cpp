#include "control/screen/headline.hpp"

#include <algorithm>
#include <cctype>

#include "control/screen/figures.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::RolloutStatus;
using protocol::ServiceStatus;

namespace {

constexpr unsigned kLastOfWhatGoesOn = 7;  // of protocol::Headline's ranks

Ink ink_of(const std::string& tone) {
  if (tone == "bad") return Ink::bad;
  return tone == "warn" || tone == "move" ? Ink::busy : Ink::good;
}

std::string in_capitals(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::toupper(c); });
  return word;
}

const RolloutStatus* active_in(const ServiceStatus& service) {
  return service.rollout && service.rollout->active ? &*service.rollout : nullptr;
}

std::string time_text_of(const RolloutStatus& rollout) {
  const auto least = least_time_left(rollout);
  return least && least->count() > 0 ? "at least " + countdown_text(*least) + " to the end" : std::string();
}

bool asks_for_approval(const RolloutStatus& rollout) {
  const std::size_t step = rollout.step.value_or(0);
  return step > 0 && step <= rollout.plan_steps.size() && rollout.plan_steps[step - 1].approve;
}

std::string next_of(const ServiceStatus& service) {
  const auto call = [&service](const char* verb) { return std::string(verb) + " " + service.name; };
  if (!service.set_aside.empty()) return {};
  if (service.traffic.state != "open") return call("sluicectl resume");
  if (const auto* rollout = active_in(service)) {
    if (rollout->state == "paused") return call("sluicectl rollout resume");
    return asks_for_approval(*rollout) ? call("sluicectl rollout promote") : std::string();
  }
  return service.unconfirmed ? call("sluicectl confirm") : std::string();
}

bool has_way_back(const ServiceStatus& service) {
  const bool whole = std::any_of(service.pools.begin(), service.pools.end(),
                                 [](const auto& pool) { return pool.share == kWhole; });
  return service.set_aside.empty() &&
         (active_in(service) || service.unconfirmed || service.retained || !whole);
}

}  // namespace

// A daemon of another version may say no headline.
Headline headline_of(const ServiceStatus& service) {
  const auto said = service.headline ? *service.headline : protocol::headline_of(service, std::nullopt);
  Headline out{.word = in_capitals(said.word),
               .ink = ink_of(said.tone),
               .what = said.text,
               .how = said.how,
               .waits = said.waits,
               .next = next_of(service),
               .rank = said.rank,
               .steady = said.rank > kLastOfWhatGoesOn};
  if (const auto* rollout = active_in(service)) out.left = time_text_of(*rollout);
  if (has_way_back(service)) out.back = "sluicectl rollback " + service.name;
  return out;
}

std::string step_text(const RolloutStatus& rollout) {
  if (!rollout.step) return "to " + rollout.to;
  std::string out = "step " + std::to_string(*rollout.step) + " of " + std::to_string(rollout.steps) + ": " +
                    format_share(rollout.share.value_or(0)) + " to " + rollout.to;
  if (rollout.mirror) out += ", copies of " + format_share(*rollout.mirror);
  return out;
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

}  // namespace sluice::screen
