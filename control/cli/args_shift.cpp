// The verbs that shift traffic at once and take it back: split, cutover, rollback, undo, redo.
#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"

namespace sluice::cli {

void Parser::add_split() {
  auto* split = change(verb("split", protocol::Split{}));
  one(split, "SERVICE", [this](auto& text) { message<protocol::Split>().service = text; });
  many(split, "POOL=SHARE", [this](auto& texts) {
    for (const auto& text : texts) {
      const auto [pool, share] = assignment_of(text, "POOL=SHARE");
      message<protocol::Split>().shares.emplace_back(pool, share_of("POOL=SHARE", share));
    }
  });
  flag(split, "--rest", [this](auto& text) { message<protocol::Split>().rest = text; });
  flag(split, "--confirm-within", [this](auto& text) {
    message<protocol::Split>().confirm_within = duration_of("--confirm-within", text);
  });
  split->add_flag("--force", line_.change.force);
}

void Parser::add_cutover() {
  auto* cutover = change(verb("cutover", protocol::Cutover{}));
  many(cutover, "SERVICE=POOL", [this](auto& texts) {
    for (const auto& text : texts)
      message<protocol::Cutover>().services.push_back(assignment_of(text, "SERVICE=POOL"));
  });
  // An optional value only with `=`: `--wait-drained api=green` must not eat the next argument (see
  // split_wait_drained).
  cutover->add_flag_callback("--wait-drained", [this] { message<protocol::Cutover>().wait_drained = true; });
  flag(cutover, "--wait-drained-for", [this](auto& text) {
    message<protocol::Cutover>().wait_drained = true;
    message<protocol::Cutover>().wait_timeout = duration_of("--wait-drained", text);
  });
  flag(cutover, "--confirm-within", [this](auto& text) {
    message<protocol::Cutover>().confirm_within = duration_of("--confirm-within", text);
  });
  flag(cutover, "--watch-for",
       [this](auto& text) { message<protocol::Cutover>().watch_for = duration_of("--watch-for", text); });
  flag(cutover, "--min-requests", [this](auto& text) {
    message<protocol::Cutover>().min_requests = count_of("--min-requests", text, 1'000'000'000);
  });
  flag(cutover, "--retain",
       [this](auto& text) { message<protocol::Cutover>().retain = duration_of("--retain", text); });
  add_checks(cutover, [this]() -> protocol::Checks& { return message<protocol::Cutover>().checks; });
  cutover->add_flag_callback("--supersede", [this] { message<protocol::Cutover>().supersede = true; });
  add_limits(cutover, [this]() -> protocol::Limits& { return message<protocol::Cutover>().limits; });
  cutover->add_flag("--force", line_.change.force);
}

// What has to pass before the first user.
void Parser::add_checks(CLI::App* verb, std::function<protocol::Checks&()> checks) {
  every(verb, "--verify", [checks](auto& text) { checks().verify.push_back(text); });
  every(verb, "--exec-before", [checks](auto& text) { checks().exec_before.push_back(text); });
  flag(verb, "--exec-timeout",
       [checks](auto& text) { checks().exec_timeout = duration_of("--exec-timeout", text); });
}

// The gates that can be given as flags.
void Parser::add_limits(CLI::App* verb, std::function<protocol::Limits&()> limits) {
  using Text = std::string protocol::Limits::*;
  using Time = std::optional<protocol::milliseconds> protocol::Limits::*;
  for (const auto& [name, member] :
       {std::pair<const char*, Text>{"--max-error-rate", &protocol::Limits::max_error_rate},
        {"--max-error-increase", &protocol::Limits::max_error_increase},
        {"--max-saturation", &protocol::Limits::max_saturation}})
    flag(verb, name, [limits, name = name, member = member](auto& text) {
      share_of(name, text);  // the daemon reads it again
      limits().*member = text;
    });
  for (const auto& [name, member] : {std::pair<const char*, Time>{"--max-p50", &protocol::Limits::max_p50},
                                     {"--max-p90", &protocol::Limits::max_p90},
                                     {"--max-p95", &protocol::Limits::max_p95},
                                     {"--max-p99", &protocol::Limits::max_p99},
                                     {"--max-p95-increase", &protocol::Limits::max_p95_increase}})
    flag(verb, name,
         [limits, name = name, member = member](auto& text) { limits().*member = duration_of(name, text); });
  every(verb, "--exec", [limits](auto& text) { limits().exec.push_back(text); });
  every(verb, "--http", [limits](auto& text) { limits().http.push_back(text); });
}

void Parser::add_back() {
  auto* rollback = change(verb("rollback", protocol::Rollback{}));
  many(rollback, "SERVICE", [this](auto& texts) { message<protocol::Rollback>().services = texts; });
  rollback->add_flag("--force", line_.change.force);

  auto* undo = change(verb("undo", protocol::Undo{}));
  flag(undo, "--to-generation", [this](auto& text) {
    message<protocol::Undo>().to_generation = number_of("--to-generation", text, UINT64_MAX);
  });
  undo->add_flag("--force", line_.change.force);

  auto* redo = change(verb("redo", protocol::Redo{}));
  redo->add_flag("--force", line_.change.force);
}

}  // namespace sluice::cli
