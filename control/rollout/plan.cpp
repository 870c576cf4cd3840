#include "control/rollout/plan.hpp"

#include <charconv>

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/load.hpp"
#include "proxy/config/syntax.hpp"
#include "proxy/config/validate.hpp"

namespace sluice::rollout {
namespace {

using config::GateSpec;
using config::PlanSpec;
using config::StepSpec;
using protocol::Problem;
using std::chrono::milliseconds;

PlanResult named(const std::string& name, const std::vector<PlanSpec>& configured) {
  std::vector<std::string> names;
  for (const auto& plan : configured) {
    if (plan.name == name) return plan;
    names.push_back(plan.name);
  }
  return protocol::not_found(
      "the configuration has no plan " + sluice::quoted(name),
      names.empty() ? "give it --steps, or --file with a plan in it" : protocol::did_you_mean(name, names));
}

PlanResult checked(PlanSpec plan, const std::string& file) {
  const auto complaints = config::validate(plan, file);
  if (complaints.empty()) return plan;
  return protocol::malformed(complaints.front().what, "steps");
}

PlanResult from_text(const std::string& text, const std::string& file) {
  const auto loaded = config::load_plan(text, file.empty() ? "the plan" : file, "");
  if (loaded.plan) return *loaded.plan;
  return protocol::invalid_config(config::text_of(loaded.complaints));
}

// "5%", "5%:10m", "0%+mirror:10%" or "0%+mirror:10%:10m".
std::optional<Problem> add_step(PlanSpec& plan, const std::string& text, milliseconds hold, bool approve) {
  constexpr std::string_view kMirror = "+mirror:";
  const auto wrong = [&text](const std::string& why) {
    return protocol::malformed("step " + sluice::quoted(text) + ": " + why, "steps");
  };
  std::string rest = text;
  StepSpec step{0, hold, approve, 0, {}};
  const auto take_share = [&rest](Share& into) -> std::string {
    const auto end = std::min({rest.find(':'), rest.find('+'), rest.size()});
    const auto share = parse_share(rest.substr(0, end));
    rest.erase(0, end);
    if (share) into = *share;
    return share ? std::string() : share.error().text();
  };
  if (const auto why = take_share(step.share); !why.empty()) return wrong(why);
  if (rest.starts_with(kMirror)) {
    rest.erase(0, kMirror.size());
    if (const auto why = take_share(step.mirror); !why.empty()) return wrong(why);
    if (step.mirror == 0) return wrong("a mirror of 0 % is none, leave it out");
  }
  if (rest.starts_with('+')) return wrong("what follows '+' is mirror:SHARE, as in 0%+mirror:10%");
  if (!rest.empty()) {
    const auto own = parse_duration(rest.substr(1));
    if (!own) return wrong(own.error().text());
    step.hold = *own;
  }
  plan.steps.push_back(step);
  return std::nullopt;
}

std::optional<Problem> add_rate(PlanSpec& plan, const std::string& metric, const std::string& text,
                                bool against_stable, const std::string& field) {
  if (text.empty()) return std::nullopt;
  const auto share = parse_share(text);
  if (!share) return protocol::malformed("'" + field + "': " + share.error().text(), field);
  GateSpec gate;
  gate.metric = metric;
  gate.against_stable = against_stable;
  (against_stable ? gate.max_increase : gate.max) = static_cast<double>(*share) / kWhole;
  plan.gates.push_back(std::move(gate));
  return std::nullopt;
}

void add_quantile(PlanSpec& plan, const std::string& metric, const std::optional<milliseconds>& limit,
                  bool against_stable = false) {
  if (!limit) return;
  GateSpec gate;
  gate.metric = metric;
  gate.against_stable = against_stable;
  (against_stable ? gate.max_increase : gate.max) = std::chrono::duration<double>(*limit).count();
  plan.gates.push_back(std::move(gate));
}

std::optional<Problem> add_hooks(PlanSpec& plan, const protocol::Limits& limits,
                                 std::optional<milliseconds> exec_timeout) {
  for (const auto& command : limits.exec) {
    plan.gates.emplace_back().exec = command;
    if (exec_timeout) plan.gates.back().timeout = *exec_timeout;
  }
  for (const auto& url : limits.http) {
    if (const auto wrong = config::url_error(url)) return protocol::malformed(wrong->what, "http");
    plan.gates.emplace_back().http = url;
  }
  return std::nullopt;
}

std::optional<Problem> add_gates(PlanSpec& plan, const protocol::Limits& limits,
                                 std::optional<milliseconds> exec_timeout) {
  if (auto wrong = add_rate(plan, "error_rate", limits.max_error_rate, false, "max_error_rate")) return wrong;
  if (auto wrong = add_rate(plan, "error_rate", limits.max_error_increase, true, "max_error_increase"))
    return wrong;
  if (auto wrong = add_rate(plan, "saturation", limits.max_saturation, false, "max_saturation")) return wrong;
  add_quantile(plan, "p50", limits.max_p50);
  add_quantile(plan, "p90", limits.max_p90);
  add_quantile(plan, "p95", limits.max_p95);
  add_quantile(plan, "p99", limits.max_p99);
  add_quantile(plan, "p95", limits.max_p95_increase, true);
  return add_hooks(plan, limits, exec_timeout);
}

// "200", "200-299".
bool read_status(std::string_view text, int& low, int& high) {
  const auto number = [](std::string_view digits, int& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc() && end == digits.data() + digits.size() && digits.size() == 3 &&
           into >= 100 && into <= 599;
  };
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return number(text, low) && number(text, high);
  return number(text.substr(0, dash), low) && number(text.substr(dash + 1), high) && low <= high;
}

// "/health", "/health=204" or "/health=200-299". What stands behind the last '=' of a query and is no status
// belongs to the query.
Result<config::VerifySpec> verify_of(const std::string& text) {
  config::VerifySpec verify;
  verify.path = text;
  if (const auto equals = text.rfind('='); equals != std::string::npos) {
    if (read_status(std::string_view(text).substr(equals + 1), verify.expect_low, verify.expect_high))
      verify.path = text.substr(0, equals);
    else if (text.find('?') > equals)
      return protocol::malformed(sluice::quoted(text) + " expects no status, write " +
                                     text.substr(0, equals) + "=200 or " + text.substr(0, equals) +
                                     "=200-299",
                                 "verify");
  }
  if (verify.path.empty()) return protocol::malformed("a check needs a path, such as /health", "verify");
  if (const auto wrong = config::target_error(verify.path)) {
    auto problem = protocol::malformed(wrong->what, "verify");
    problem.suggestion = "a path, such as /health=200; a command goes to --exec-before";
    return problem;
  }
  return verify;
}

// Stands before what a plan says itself.
std::optional<Problem> set_control(PlanSpec& plan, const protocol::RolloutStart& message) {
  const bool equal = message.control == "equal", pool = message.control == "pool";
  if (!message.control.empty() && !equal && !pool)
    return protocol::malformed("'control' must be equal or pool, not " + sluice::quoted(message.control),
                               "control");
  if (equal || pool) plan.equal_control = equal;
  if (message.aa && !plan.equal_control)
    return protocol::malformed("'aa' compares two cohorts, which needs an equal control: --control equal",
                               "aa");
  if (message.aa) {
    plan.aa = plan.aa.value_or(config::AaSpec());
    plan.aa->measures = *message.aa;
  }
  if (!plan.equal_control) plan.aa.reset();
  return std::nullopt;
}

std::optional<Problem> add_checks(PlanSpec& plan, const protocol::Checks& checks) {
  auto added = checks_of(checks);
  if (!added) return added.error();
  for (auto& check : *added) plan.verify.push_back(std::move(check));
  return std::nullopt;
}

PlanResult from_flags(const protocol::RolloutStart& message) {
  PlanSpec plan;
  for (const auto& text : message.steps)
    if (auto wrong = add_step(plan, text, message.hold.value_or(milliseconds(0)), message.approve))
      return *wrong;
  if (message.min_requests) plan.min_requests = *message.min_requests;
  if (message.retain) plan.retain = *message.retain;
  if (auto wrong = add_gates(plan, message.limits, message.checks.exec_timeout)) return *wrong;
  return checked(std::move(plan), "the steps");
}

}  // namespace

PlanResult plan_of(const protocol::RolloutStart& message, const std::vector<PlanSpec>& configured) {
  auto plan = !message.plan.empty()        ? named(message.plan, configured)
              : !message.plan_text.empty() ? from_text(message.plan_text, message.plan_file)
                                           : from_flags(message);
  if (!plan) return plan;
  if (auto wrong = add_checks(*plan, message.checks)) return *wrong;
  if (auto wrong = set_control(*plan, message)) return *wrong;
  return plan;
}

Result<std::vector<config::VerifySpec>> checks_of(const protocol::Checks& checks) {
  std::vector<config::VerifySpec> all;
  for (const auto& text : checks.verify) {
    auto made = verify_of(text);
    if (!made) return made.error();
    all.push_back(std::move(*made));
  }
  for (const auto& command : checks.exec_before) {
    auto& made = all.emplace_back();
    made.exec = command;
    if (checks.exec_timeout) made.timeout = *checks.exec_timeout;
  }
  return all;
}

PlanResult watch_plan(const protocol::Cutover& message) {
  PlanSpec plan;
  plan.steps.push_back({kWhole, *message.watch_for, false, 0, {}});
  if (message.min_requests) plan.min_requests = *message.min_requests;
  if (message.retain) plan.retain = *message.retain;
  if (auto wrong = add_gates(plan, message.limits, message.checks.exec_timeout)) return *wrong;
  return plan;
}

}  // namespace sluice::rollout
