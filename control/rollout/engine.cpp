#include "control/rollout/engine.hpp"

#include <algorithm>

#include "control/rollout/format.hpp"
#include "proxy/base/values.hpp"

namespace sluice::rollout {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

const Judgement* first_of(const std::vector<Judgement>& judgements, Verdict verdict) {
  const auto found = std::find_if(judgements.begin(), judgements.end(),
                                  [verdict](const Judgement& one) { return one.verdict == verdict; });
  return found == judgements.end() ? nullptr : &*found;
}

std::string sentence(const Judgement& judgement) {
  return judgement.why.empty() ? judgement.gate : judgement.gate + ": " + judgement.why;
}

// As a person reads it: whole seconds, or minutes of what is long; never 0.
milliseconds rounded(milliseconds left) {
  const milliseconds unit(left < 1s ? 1 : left < 10min ? 1000 : 60000);
  return (left + unit - 1ms) / unit.count() * unit.count();
}

// The stable pool against itself: a gate that fails there would fail whatever the new version is like. An
// absolute limit says so of the first cohort alone, of the second what is reversed.
const Judgement* noise(const Evidence& evidence) {
  const Judgement* failed = first_of(evidence.judgements, Verdict::fail);
  return failed ? failed : first_of(evidence.reversed, Verdict::fail);
}

std::string measured(const Evidence& evidence) {
  std::string text = "A/A: " + count(evidence.n_canary, "request") + " and " +
                     std::to_string(evidence.n_stable) + " of two cohorts of the stable pool";
  for (const auto& judgement : evidence.judgements)
    if (judgement.against_stable) text += "; " + sentence(judgement);
  return text;
}

std::string joined(const std::string& first, const std::string& second) {
  return first + (first.empty() || second.empty() ? "" : "; ") + second;
}

// Once the checks have passed. Without a request to either cohort for so long there is nothing to measure.
constexpr milliseconds kQuiet = 10s;

Decision decide_aa(const state::Rollout& rollout, const Evidence& evidence) {
  const milliseconds wanted = rollout.plan.aa_time();
  const std::string& checks = evidence.verified.why;
  const bool tells = rollout.plan.aa.value_or(config::AaSpec()).on_noise == config::AaSpec::OnNoise::tell;
  const Judgement* failed = noise(evidence);
  if (failed && !tells)
    return {Act::go_back,
            "A/A: the stable pool alone fails this gate, with the new version having answered nothing: " +
                sentence(*failed),
            failed->gate};
  const bool quiet = evidence.n_canary + evidence.n_stable == 0;
  if (evidence.in_step < (quiet ? std::min(wanted, kQuiet) : wanted))
    return {Act::wait, joined(checks, "A/A: the stable pool is measured against itself, " +
                                          duration_text(rounded(wanted - evidence.in_step)) + " left")};
  if (quiet) return {Act::advance, joined(checks, "A/A: no request came, so there is nothing to measure")};
  if (failed)
    return {Act::advance, joined(checks, "A/A: the stable pool alone fails this gate, which is told only: " +
                                             sentence(*failed))};
  return {Act::advance, joined(checks, measured(evidence))};
}

Decision decide_verifying(const state::Rollout& rollout, const Evidence& evidence) {
  switch (evidence.verified.verdict) {
    case Verdict::pass:
      return rollout.plan.aa_time() > 0ms ? decide_aa(rollout, evidence)
                                          : Decision{Act::advance, evidence.verified.why};
    case Verdict::fail:
      return {Act::go_back, evidence.verified.why, "verification"};
    case Verdict::insufficient:
      return {Act::wait, evidence.verified.why};
  }
  return {};
}

// G2: any of these, at any time.
std::optional<Decision> failure(const state::Rollout& rollout, const Evidence& evidence) {
  if (evidence.tripped) return Decision{Act::go_back, "fast fail: " + evidence.trip_text, "fast fail"};
  if (const Judgement* failed = first_of(evidence.judgements, Verdict::fail))
    return Decision{Act::go_back, sentence(*failed), failed->gate};
  if (evidence.eligible == 0)
    return Decision{Act::go_back, "pool '" + rollout.to + "' has no eligible backend (S9)"};
  return std::nullopt;
}

std::string few(std::uint64_t n, std::uint32_t wanted, const std::string& pool, bool mirrored = false) {
  return std::to_string(n) + " of the " + std::to_string(wanted) + (mirrored ? " mirrored" : "") +
         " requests that pool '" + pool + "' needs in this step were seen";
}

// Why the step does not pass yet; nothing when it does.
std::optional<std::string> obstacle(const state::Rollout& rollout, const Evidence& evidence) {
  const auto& step = rollout.current();
  if (rollout.paused) return "paused by the operator";
  if (evidence.in_step < step.hold)
    return "holding, " + duration_text(rounded(step.hold - evidence.in_step)) + " left";
  const std::uint32_t wanted = rollout.plan.min_requests;
  if (evidence.n_canary < wanted && !counts_nothing(step))
    return few(evidence.n_canary, wanted, rollout.to, step.mirror > 0);
  if (evidence.stable_has_share && evidence.n_stable < wanted && !counts_nothing(step))
    return few(evidence.n_stable, wanted, rollout.from);
  if (const Judgement* open = first_of(evidence.judgements, Verdict::insufficient)) return sentence(*open);
  if (step.approve)
    return "approval" + (rollout.group.empty() ? "" : ": sluicectl rollout promote " + rollout.group.front());
  return std::nullopt;
}

std::string summary(const Evidence& evidence) {
  std::string text = count(evidence.n_canary, "request");
  for (const auto& judgement : evidence.judgements) text += "; " + sentence(judgement);
  return text;
}

}  // namespace

Decision decide(const state::Rollout& rollout, const Evidence& evidence) {
  if (rollout.phase == state::RolloutPhase::verifying) return decide_verifying(rollout, evidence);
  if (auto failed = failure(rollout, evidence)) return std::move(*failed);
  if (auto why = obstacle(rollout, evidence)) return {Act::wait, std::move(*why)};
  return {rollout.last_step() ? Act::finish : Act::advance, summary(evidence)};
}

Together decide_together(const std::vector<Member>& members) {
  const auto find = [&members](Act act) {
    return std::find_if(members.begin(), members.end(),
                        [act](const Member& one) { return one.decision.act == act; });
  };
  if (members.size() == 1) return {members.front().service, members.front().decision};
  if (const auto failed = find(Act::go_back); failed != members.end())
    return {failed->service, failed->decision};
  if (const auto waits = find(Act::wait); waits != members.end())
    return {waits->service, {Act::wait, "service " + waits->service + ": " + waits->decision.why}};
  Together all{members.front().service, {members.front().decision.act, {}}};
  for (const auto& one : members)
    all.decision.why += (all.decision.why.empty() ? "" : "; ") + one.service + ": " + one.decision.why;
  return all;
}

}  // namespace sluice::rollout
