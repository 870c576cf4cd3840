// The verbs that change step by step: rollout, confirm, rolling.
#include <algorithm>

#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"

namespace sluice::cli {
namespace {

// One SERVICE beside --to POOL, or SERVICE=POOL, or several of these that move in step.
void name_services(protocol::RolloutStart& start, const std::vector<std::string>& texts) {
  const bool pairs = texts.front().find('=') != std::string::npos;
  if (!pairs && texts.size() == 1) {
    start.service = texts.front();
    return;
  }
  if (!pairs)
    wrong("SERVICE", "several services are named with their pools: rollout start api=green web=green");
  protocol::StringPairs services;
  for (const auto& text : texts) services.push_back(assignment_of(text, "SERVICE=POOL"));
  if (services.size() == 1 && start.to.empty()) {
    start.service = services.front().first;
    start.to = services.front().second;
  } else {
    start.services = std::move(services);
  }
}

}  // namespace

void Parser::add_rollout() {
  auto* rollout = verb("rollout", RolloutStatusVerb{});
  rollout->require_subcommand(0, 1);
  add_rollout_start(rollout);
  auto* status = rollout->add_subcommand("status");
  status->preparse_callback([this](std::size_t) { line_.verb = RolloutStatusVerb{}; });
  one(status, "SERVICE", [this](auto& text) { message<RolloutStatusVerb>().service = text; });
  status->add_flag_callback("-f,--follow", [this] { message<RolloutStatusVerb>().follow = true; });
  using Action = protocol::RolloutAct::Action;
  for (const Action action : {Action::pause, Action::resume, Action::promote, Action::abort}) {
    auto* act = change(rollout->add_subcommand(to_string(action)));
    act->preparse_callback([this, action](std::size_t) {
      RolloutActVerb made;
      made.message.action = action;
      made.message.word = to_string(action);
      line_.verb = made;
    });
    one(act, "SERVICE", [this](auto& text) { message<RolloutActVerb>().message.service = text; });
    if (action == Action::promote)
      act->add_flag_callback("--full", [this] { message<RolloutActVerb>().message.full = true; });
    act->add_flag("--force", line_.change.force);
  }
  for (auto* sub : rollout->get_subcommands([](CLI::App*) { return true; })) sub->set_help_flag();

  auto* confirm = change(verb("confirm", protocol::Confirm{}));
  many(confirm, "SERVICE", [this](auto& texts) { message<protocol::Confirm>().services = texts; });
}

void Parser::add_rollout_start(CLI::App* rollout) {
  auto* start = change(rollout->add_subcommand("start"));
  start->preparse_callback([this](std::size_t) { line_.verb = RolloutStartVerb{}; });
  const auto wanted = [this]() -> protocol::RolloutStart& { return message<RolloutStartVerb>().message; };
  many(start, "SERVICE", [wanted](auto& texts) { name_services(wanted(), texts); });
  flag(start, "--to", [wanted](auto& text) {
    if (!wanted().to.empty() || !wanted().services.empty())
      wrong("--to", "SERVICE=POOL names the pool already");
    wanted().to = text;
  });
  flag(start, "--plan", [wanted](auto& text) { wanted().plan = text; });
  flag(start, "--file", [this](auto& text) { message<RolloutStartVerb>().file = text; });
  flag(start, "--steps", [wanted](auto& text) {
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const auto end = std::min(text.find(',', begin), text.size());
      wanted().steps.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  });
  flag(start, "--hold", [wanted](auto& text) { wanted().hold = duration_of("--hold", text); });
  flag(start, "--retain", [wanted](auto& text) { wanted().retain = duration_of("--retain", text); });
  add_checks(start, [wanted]() -> protocol::Checks& { return wanted().checks; });
  flag(start, "--min-requests",
       [wanted](auto& text) { wanted().min_requests = count_of("--min-requests", text, 1'000'000'000); });
  add_limits(start, [wanted]() -> protocol::Limits& { return wanted().limits; });
  start->add_flag_callback("--approve", [wanted] { wanted().approve = true; });
  start->add_flag_callback("--supersede", [wanted] { wanted().supersede = true; });
  start->add_flag_callback("-f,--follow", [this] { message<RolloutStartVerb>().follow = true; });
  start->add_flag("--force", line_.change.force);
}

void Parser::add_rolling() {
  auto* rolling = verb("rolling", RollingVerb{});
  one(rolling, "SERVICE/POOL", [this](auto& text) { message<RollingVerb>().pool = pool_of(text); });
  flag(rolling, "--run", [this](auto& text) { message<RollingVerb>().run = text; });
  flag(rolling, "--verify", [this](auto& text) { message<RollingVerb>().verify = text; });
  flag(rolling, "--batch",
       [this](auto& text) { message<RollingVerb>().batch = count_of("--batch", text, 10'000); });
  flag(rolling, "--min-available", [this](auto& text) {
    message<RollingVerb>().min_available = count_of("--min-available", text, 10'000);
  });
  rolling->add_flag("--force", line_.change.force);
  flag(rolling, "--drain-timeout",
       [this](auto& text) { message<RollingVerb>().drain_timeout = duration_of("--drain-timeout", text); });
  flag(rolling, "--wait-healthy",
       [this](auto& text) { message<RollingVerb>().wait_healthy = duration_of("--wait-healthy", text); });
}

}  // namespace sluice::cli
