#include "control/cli/args.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/parse.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "control/cli/help.hpp"
#include "control/protocol/version.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::Exit;
using protocol::Problem;
using protocol::Target;

namespace {

// A flag is named before what is wrong with its value; a positional explains itself.
[[noreturn]] void wrong(const std::string& name, const std::string& what) {
  throw CLI::ValidationError(name.starts_with('-') ? name + ": " + what : what);
}

// Flags and positionals whose text becomes a value, or an error that shows the accepted form.
using Take = std::function<void(const std::string&)>;

protocol::milliseconds duration_of(const std::string& name, const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed) wrong(name, parsed.error().text());
  return *parsed;
}

Target target_of(const std::string& name, const std::string& text) {
  const auto target = protocol::parse_target(text);
  if (!target)
    wrong(name, sluice::quoted(text) + " is no target, write SERVICE/POOL or SERVICE/POOL/BACKEND");
  return *target;
}

protocol::Websockets websockets_of(const std::string& text) {
  const auto policy = protocol::parse_websockets(text);
  if (!policy) wrong("--websockets", sluice::quoted(text) + " is no policy, write wait, spread:60s or now");
  return *policy;
}

std::pair<std::string, std::string> assignment_of(const std::string& text, const char* form) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    wrong(form, sluice::quoted(text) + " is no " + form);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::uint64_t number_of(const std::string& name, const std::string& text, std::uint64_t most) {
  std::uint64_t number = 0;
  const bool digits =
      !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) number = std::stoull(text);
  if (!digits || number > most)
    wrong(name, sluice::quoted(text) + " is no whole number from 0" +
                    (most < UINT64_MAX / 2 ? " to " + std::to_string(most) : ""));
  return number;
}

std::optional<Problem> check_flag(const FlagVerb& verb) {
  const bool set = verb.action == "set", list = verb.action == "list";
  if (!list && verb.message.flag.empty())
    return protocol::malformed("which flag? write flag " + verb.action + " NAME");
  if (set && !verb.share) return protocol::malformed("for how many? write flag set NAME 10%");
  if (!set && verb.share) return protocol::malformed("flag " + verb.action + " takes no percentage");
  if (list && !verb.message.flag.empty()) return protocol::malformed("flag list takes no name");
  return std::nullopt;
}

// Builds the parser; the values it fills live here, too.
class Parser {
 public:
  Parser();
  Parse run(std::vector<std::string> words);
  CLI::App& app() { return app_; }

 private:
  CLI::App* verb(const std::string& name, Verb initial);
  CLI::App* change(CLI::App* verb);
  template <class Message>
  Message& message() {
    return std::get<Message>(line_.verb);
  }
  void add_globals();
  void add_split();
  void add_cutover();
  void add_limits(CLI::App* verb, std::function<protocol::Limits&()> limits);
  void add_rollout();
  void add_rollout_start(CLI::App* rollout);
  void add_rolling();
  void add_back();
  void add_drain();
  void add_backends();
  void add_traffic();
  void add_flag();
  void add_mirror();
  void add_preview();
  void add_wait();
  void add_looks();
  void add_operations();
  void add_guides();
  static void one(CLI::App* verb, const std::string& name, Take take, bool required = true);
  static void many(CLI::App* verb, const std::string& name,
                   std::function<void(const std::vector<std::string>&)> take);
  static void flag(CLI::App* verb, const std::string& name, Take take);
  Parse complain(std::string detail, std::string suggestion);
  Parse unexpected(const std::vector<std::string>& extras, const std::string& verb);
  std::string current_verb() const;
  std::optional<Problem> check() const;

  CLI::App app_{"Shifts traffic between pools of backends", "sluicectl"};
  CommandLine line_;
  std::vector<std::pair<CLI::App*, Verb>>
      initial_;       // a verb's value, put in place before its arguments arrive
  bool off_ = false;  // of mirror
  bool version_ = false;
  Format format_ = Format::table;
};

Parser::Parser() {
  app_.set_help_flag();
  app_.allow_extras();
  app_.fallthrough();
  app_.require_subcommand(0, 1);
  add_globals();
  add_looks();
  add_split();
  add_cutover();
  add_rollout();
  add_rolling();
  add_back();
  add_drain();
  add_backends();
  add_traffic();
  add_flag();
  add_mirror();
  add_preview();
  add_wait();
  add_operations();
}

void Parser::add_globals() {
  app_.add_option("--socket", line_.globals.socket)->type_name("PATH");
  app_.add_option("--url", line_.globals.url)->type_name("URL");
  app_.add_option("--token-file", line_.globals.token_file)->type_name("FILE");
  flag(&app_, "-o,--output", [this](const std::string& text) {
    if (text != "table" && text != "json")
      wrong("--output", sluice::quoted(text) + " is no format, write table or json");
    line_.globals.format = text == "json" ? Format::json : Format::table;
  });
  app_.add_option("--reason", line_.change.reason)->type_name("TEXT");
  flag(&app_, "--if-generation", [this](const std::string& text) {
    line_.change.if_generation = number_of("--if-generation", text, UINT64_MAX);
  });
  app_.add_flag("--version", version_);
  app_.add_flag_callback("-h,--help", [] { throw CLI::CallForHelp(); });
}

CLI::App* Parser::verb(const std::string& name, Verb initial) {
  auto* verb = app_.add_subcommand(name);
  verb->set_help_flag();
  initial_.emplace_back(verb, initial);
  verb->preparse_callback([this, initial](std::size_t) { line_.verb = initial; });
  return verb;
}

CLI::App* Parser::change(CLI::App* verb) {
  verb->add_flag("--dry-run", line_.change.dry_run);
  return verb;
}

void Parser::one(CLI::App* verb, const std::string& name, Take take, bool required) {
  verb->add_option_function<std::string>(name, std::move(take))->required(required);
}
void Parser::many(CLI::App* verb, const std::string& name,
                  std::function<void(const std::vector<std::string>&)> take) {
  verb->add_option_function<std::vector<std::string>>(name, std::move(take))->required();
}
void Parser::flag(CLI::App* verb, const std::string& name, Take take) {
  verb->add_option_function<std::string>(name, std::move(take));
}

void Parser::add_looks() {
  auto* status = verb("status", StatusVerb{});
  one(
      status, "SERVICE", [this](auto& text) { message<StatusVerb>().service = text; }, false);
  status->add_flag_callback("-w,--watch", [this] { message<StatusVerb>().watch = true; });

  auto* explain = verb("explain", protocol::Explain{});
  one(explain, "URL", [this](auto& text) { message<protocol::Explain>().url = text; });
  flag(explain, "--method", [this](auto& text) { message<protocol::Explain>().method = text; });
  flag(explain, "--listener", [this](auto& text) { message<protocol::Explain>().listener = text; });
  flag(explain, "--client", [this](auto& text) { message<protocol::Explain>().client = text; });
  explain
      ->add_option_function<std::vector<std::string>>(
          "-H,--header", [this](auto& lines) { message<protocol::Explain>().headers = lines; })
      ->expected(1, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

  auto* history = verb("history", protocol::History{});
  one(
      history, "SERVICE", [this](auto& text) { message<protocol::History>().service = text; }, false);
  flag(history, "--limit", [this](auto& text) {
    message<protocol::History>().limit = static_cast<std::uint32_t>(number_of("--limit", text, 100'000));
  });

  auto* events = verb("events", protocol::Events{false, {}});
  events->add_flag_callback("-f,--follow", [this] { message<protocol::Events>().follow = true; });
  flag(events, "--after",
       [this](auto& text) { message<protocol::Events>().after = number_of("--after", text, UINT64_MAX); });
}

void Parser::add_split() {
  auto* split = change(verb("split", protocol::Split{}));
  one(split, "SERVICE", [this](auto& text) { message<protocol::Split>().service = text; });
  many(split, "POOL=SHARE", [this](auto& texts) {
    for (const auto& text : texts) {
      auto [pool, share] = assignment_of(text, "POOL=SHARE");
      const auto parsed = parse_share(share);
      if (!parsed) wrong("POOL=SHARE", parsed.error().text());
      message<protocol::Split>().shares.emplace_back(pool, *parsed);
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
    message<protocol::Cutover>().min_requests =
        static_cast<std::uint32_t>(number_of("--min-requests", text, 1'000'000'000));
  });
  cutover->add_flag_callback("--supersede", [this] { message<protocol::Cutover>().supersede = true; });
  add_limits(cutover, [this]() -> protocol::Limits& { return message<protocol::Cutover>().limits; });
  cutover->add_flag("--force", line_.change.force);
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
      const auto share = parse_share(text);
      if (!share) wrong(name, share.error().text());
      limits().*member = text;
    });
  for (const auto& [name, member] : {std::pair<const char*, Time>{"--max-p50", &protocol::Limits::max_p50},
                                     {"--max-p90", &protocol::Limits::max_p90},
                                     {"--max-p95", &protocol::Limits::max_p95},
                                     {"--max-p99", &protocol::Limits::max_p99},
                                     {"--max-p95-increase", &protocol::Limits::max_p95_increase}})
    flag(verb, name,
         [limits, name = name, member = member](auto& text) { limits().*member = duration_of(name, text); });
  flag(verb, "--exec", [limits](auto& text) { limits().exec.push_back(text); });
  flag(verb, "--http", [limits](auto& text) { limits().http.push_back(text); });
}

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
  one(start, "SERVICE", [wanted](auto& text) { wanted().service = text; });
  flag(start, "--to", [wanted](auto& text) { wanted().to = text; });
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
  flag(start, "--verify", [wanted](auto& text) { wanted().verify.push_back(text); });
  flag(start, "--min-requests", [wanted](auto& text) {
    wanted().min_requests = static_cast<std::uint32_t>(number_of("--min-requests", text, 1'000'000'000));
  });
  add_limits(start, [wanted]() -> protocol::Limits& { return wanted().limits; });
  start->add_flag_callback("--approve", [wanted] { wanted().approve = true; });
  start->add_flag_callback("--supersede", [wanted] { wanted().supersede = true; });
  start->add_flag_callback("-f,--follow", [this] { message<RolloutStartVerb>().follow = true; });
  start->add_flag("--force", line_.change.force);
}

void Parser::add_rolling() {
  auto* rolling = verb("rolling", RollingVerb{});
  one(rolling, "SERVICE/POOL", [this](auto& text) {
    const auto target = protocol::parse_target(text);
    if (!target || !target->backend.empty())
      wrong("SERVICE/POOL", sluice::quoted(text) + " is no SERVICE/POOL");
    message<RollingVerb>().pool = *target;
  });
  flag(rolling, "--run", [this](auto& text) { message<RollingVerb>().run = text; });
  flag(rolling, "--verify", [this](auto& text) { message<RollingVerb>().verify = text; });
  flag(rolling, "--batch", [this](auto& text) {
    message<RollingVerb>().batch = static_cast<std::uint32_t>(number_of("--batch", text, 10'000));
  });
  flag(rolling, "--min-available", [this](auto& text) {
    message<RollingVerb>().min_available =
        static_cast<std::uint32_t>(number_of("--min-available", text, 10'000));
  });
  flag(rolling, "--drain-timeout",
       [this](auto& text) { message<RollingVerb>().drain_timeout = duration_of("--drain-timeout", text); });
  flag(rolling, "--wait-healthy",
       [this](auto& text) { message<RollingVerb>().wait_healthy = duration_of("--wait-healthy", text); });
}

void Parser::add_back() {
  auto* rollback = change(verb("rollback", protocol::Rollback{}));
  many(rollback, "SERVICE", [this](auto& texts) { message<protocol::Rollback>().services = texts; });

  auto* undo = change(verb("undo", protocol::Undo{}));
  flag(undo, "--to-generation", [this](auto& text) {
    message<protocol::Undo>().to_generation = number_of("--to-generation", text, UINT64_MAX);
  });
  undo->add_flag("--force", line_.change.force);
}

void Parser::add_drain() {
  auto* drain = change(verb("drain", protocol::Drain{}));
  one(drain, "TARGET", [this](auto& text) { message<protocol::Drain>().target = target_of("TARGET", text); });
  flag(drain, "--timeout",
       [this](auto& text) { message<protocol::Drain>().timeout = duration_of("--timeout", text); });
  drain->add_flag_callback("--wait", [this] { message<protocol::Drain>().wait = true; });
  flag(drain, "--websockets",
       [this](auto& text) { message<protocol::Drain>().websockets = websockets_of(text); });
  drain->add_flag("--force", line_.change.force);

  auto* ready = change(verb("ready", ReadyVerb{}));
  one(ready, "TARGET", [this](auto& text) { message<ReadyVerb>().target = target_of("TARGET", text); });
  auto* maint = change(verb("maint", MaintVerb{}));
  one(maint, "TARGET", [this](auto& text) { message<MaintVerb>().target = target_of("TARGET", text); });
  maint->add_flag("--force", line_.change.force);
}

void Parser::add_backends() {
  auto* weight = change(verb("weight", WeightVerb{}));
  one(weight, "BACKEND", [this](auto& text) { message<WeightVerb>().backend = text; });
  one(weight, "N", [this](auto& text) {
    message<WeightVerb>().message.weight = static_cast<std::uint32_t>(number_of("N", text, 1000));
  });

  auto* add = change(verb("add", protocol::Add{}));
  one(add, "SERVICE/POOL", [this](auto& text) {
    const auto target = protocol::parse_target(text);
    if (!target || !target->backend.empty())
      wrong("SERVICE/POOL", sluice::quoted(text) + " is no SERVICE/POOL");
    message<protocol::Add>().target = {target->service, target->pool,
                                       message<protocol::Add>().target.backend};
  });
  one(add, "ADDRESS", [this](auto& text) {
    const auto address = parse_address(text);
    if (!address) wrong("ADDRESS", address.error().text());
    message<protocol::Add>().address = text;
  });
  flag(add, "--name", [this](auto& text) { message<protocol::Add>().target.backend = text; });
  flag(add, "--weight", [this](auto& text) {
    message<protocol::Add>().weight = static_cast<std::uint32_t>(number_of("--weight", text, 1000));
  });
  flag(add, "--wait-healthy",
       [this](auto& text) { message<protocol::Add>().wait_healthy = duration_of("--wait-healthy", text); });

  auto* remove = change(verb("remove", RemoveVerb{}));
  one(remove, "BACKEND", [this](auto& text) { message<RemoveVerb>().backend = text; });
  flag(remove, "--timeout",
       [this](auto& text) { message<RemoveVerb>().message.timeout = duration_of("--timeout", text); });
  flag(remove, "--websockets",
       [this](auto& text) { message<RemoveVerb>().message.websockets = websockets_of(text); });
  remove->add_flag("--force", line_.change.force);
}

void Parser::add_traffic() {
  auto* pause = change(verb("pause", protocol::Pause{}));
  one(pause, "SERVICE", [this](auto& text) { message<protocol::Pause>().service = text; });
  flag(pause, "--max-hold",
       [this](auto& text) { message<protocol::Pause>().max_hold = duration_of("--max-hold", text); });
  flag(pause, "--max-queue", [this](auto& text) {
    message<protocol::Pause>().max_queue =
        static_cast<std::uint32_t>(number_of("--max-queue", text, 1'000'000));
  });
  pause->add_flag_callback("--wait", [this] { message<protocol::Pause>().wait = true; });
  flag(pause, "--timeout",
       [this](auto& text) { message<protocol::Pause>().timeout = duration_of("--timeout", text); });

  auto* resume = change(verb("resume", protocol::Resume{}));
  one(resume, "SERVICE", [this](auto& text) { message<protocol::Resume>().service = text; });
  flag(resume, "--rate", [this](auto& text) {
    const std::string number = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
    message<protocol::Resume>().rate = static_cast<std::uint32_t>(number_of("--rate", number, 1'000'000));
  });

  auto* stop = change(verb("stop", protocol::Stop{}));
  one(stop, "SERVICE", [this](auto& text) { message<protocol::Stop>().service = text; });
  flag(stop, "--message", [this](auto& text) { message<protocol::Stop>().message = text; });
}

void Parser::add_flag() {
  auto* verb_flag = change(verb("flag", FlagVerb{}));
  one(verb_flag, "ACTION", [this](auto& text) {
    if (text != "set" && text != "list" && text != "show" && text != "rm")
      wrong("ACTION", sluice::quoted(text) + " is not what flag does, write set, list, show or rm");
    message<FlagVerb>().action = text;
  });
  one(
      verb_flag, "NAME", [this](auto& text) { message<FlagVerb>().message.flag = text; }, false);
  one(
      verb_flag, "PERCENT",
      [this](auto& text) {
        const auto share = parse_share(text);
        if (!share) wrong("PERCENT", share.error().text());
        message<FlagVerb>().share = message<FlagVerb>().message.share = *share;
      },
      false);
  flag(verb_flag, "--service", [this](auto& text) { message<FlagVerb>().message.service = text; });
  flag(verb_flag, "--config", [this](auto& text) {
    boost::json::error_code failed;
    const auto config = boost::json::parse(text, failed);
    if (failed) wrong("--config", sluice::quoted(text) + " is no JSON: " + failed.message());
    message<FlagVerb>().message.config = config.is_null() ? std::string() : text;
  });
}

void Parser::add_mirror() {
  auto* mirror = change(verb("mirror", protocol::SetMirror{}));
  one(mirror, "SERVICE", [this](auto& text) { message<protocol::SetMirror>().service = text; });
  auto* off = mirror->add_flag("--off", off_);
  auto* to = mirror->add_option_function<std::string>(
      "--to", [this](auto& text) { message<protocol::SetMirror>().to = text; });
  auto* share = mirror->add_option_function<std::string>("--share", [this](auto& text) {
    const auto parsed = parse_share(text);
    if (!parsed) wrong("--share", parsed.error().text());
    message<protocol::SetMirror>().share = *parsed;
  });
  mirror->add_flag_callback("--safe-only", [this] { message<protocol::SetMirror>().safe_only = true; });
  off->excludes(to)->excludes(share);
  to->needs(share);
  share->needs(to);
}

void Parser::add_preview() {
  auto* preview = verb("preview", protocol::MintPreview{});
  one(preview, "SERVICE/POOL", [this](auto& text) {
    const auto target = protocol::parse_target(text);
    if (!target || !target->backend.empty())
      wrong("SERVICE/POOL", sluice::quoted(text) + " is no SERVICE/POOL");
    message<protocol::MintPreview>().target = *target;
  });
  flag(preview, "--ttl",
       [this](auto& text) { message<protocol::MintPreview>().ttl = duration_of("--ttl", text); });
}

void Parser::add_wait() {
  auto* wait = verb("wait", protocol::Wait{});
  one(wait, "CONDITION", [this](auto& text) {
    const auto condition = protocol::parse_condition(text);
    if (!condition) wrong("CONDITION", sluice::quoted(text) + " is no condition, write healthy or drained");
    message<protocol::Wait>().condition = *condition;
  });
  one(wait, "TARGET", [this](auto& text) { message<protocol::Wait>().target = target_of("TARGET", text); });
  flag(wait, "--timeout",
       [this](auto& text) { message<protocol::Wait>().timeout = duration_of("--timeout", text); });
}

void Parser::add_operations() {
  change(verb("reload", ReloadVerb{}));
  auto* check = verb("check", CheckVerb{});
  one(check, "FILE", [this](auto& text) { message<CheckVerb>().file = text; });
  auto* config = verb("config", ConfigShowVerb{});
  one(config, "show", [](auto& text) {
    if (text != "show") wrong("config", sluice::quoted(text) + " is not what config does, write config show");
  });
  add_guides();
  auto* token = verb("token", TokenVerb{});
  one(token, "NAME", [this](auto& text) {
    if (text.empty() || text.front() == '#' || text.find_first_of(" \t\r\n") != std::string::npos)
      wrong("NAME", "a token's name is a word without blanks");
    message<TokenVerb>().name = text;
  });
  flag(token, "--role", [this](auto& text) {
    if (text != "viewer" && text != "operator" && text != "admin")
      wrong("--role", sluice::quoted(text) + " is no role, write viewer, operator or admin");
    message<TokenVerb>().role = text;
  });
  auto* completion = verb("completion", CompletionVerb{});
  one(completion, "SHELL", [this](auto& text) {
    if (text != "bash" && text != "zsh" && text != "fish")
      wrong("SHELL", sluice::quoted(text) + " is no shell known here, write bash, zsh or fish");
    message<CompletionVerb>().shell = text;
  });
}

void Parser::add_guides() {
  auto* import = verb("import", ImportVerb{});
  one(import, "nginx", [](auto& text) {
    if (text != "nginx")
      wrong("import", sluice::quoted(text) + " is not read by import, write import nginx FILE");
  });
  one(import, "FILE", [this](auto& text) { message<ImportVerb>().file = text; });

  auto* advise = verb("advise", AdviseVerb{});
  for (const auto& question : questions())
    flag(advise, std::string(question.flag), [this, question](auto& text) {
      if (!answer(message<AdviseVerb>().answers, question, text))
        wrong(std::string(question.flag),
              sluice::quoted(text) + " is no answer, write " + std::string(question.choices));
    });
  flag(advise, "--service", [this](auto& text) { message<AdviseVerb>().names.service = text; });
  flag(advise, "--from", [this](auto& text) { message<AdviseVerb>().names.from = text; });
  flag(advise, "--to", [this](auto& text) { message<AdviseVerb>().names.to = text; });
  flag(advise, "--flag", [this](auto& text) { message<AdviseVerb>().names.flag = text; });
}

std::string Parser::current_verb() const {
  const auto used = app_.get_subcommands();
  return used.empty() ? std::string() : used.front()->get_name();
}

Parse Parser::complain(std::string detail, std::string suggestion) {
  const auto verb = current_verb();
  if (suggestion.empty())
    suggestion = "see sluicectl " + (verb.empty() ? std::string() : verb + " ") + "--help";
  Parse out;
  out.problem = Problem{400, Exit::usage, "wrong usage", std::move(detail), {}, std::move(suggestion)};
  out.format = format_;
  return out;
}

Parse Parser::unexpected(const std::vector<std::string>& extras, const std::string& verb) {
  const auto& word = extras.front();
  if (word.size() > 1 && word[0] == '-') {
    const auto known = flags_of(verb);
    const auto meant = suggest(word.substr(0, word.find('=')), known);
    return complain("unknown flag " + sluice::quoted(word) + (verb.empty() ? "" : " for " + verb),
                    meant.empty() ? "" : "did you mean '" + meant + "'?");
  }
  if (verb.empty()) {
    const auto meant = suggest(word, verbs());
    return complain("unknown verb " + sluice::quoted(word),
                    meant.empty() ? "" : "did you mean '" + meant + "'?");
  }
  return complain("unexpected argument " + sluice::quoted(word) + " for " + verb, {});
}

// What can be said of a whole command without asking the daemon.
std::optional<Problem> Parser::check() const {
  if (!line_.globals.url.empty() && !line_.globals.socket.empty())
    return protocol::malformed("--url and --socket exclude each other");
  if (const auto* split = std::get_if<protocol::Split>(&line_.verb)) return protocol::check(*split);
  if (const auto* cutover = std::get_if<protocol::Cutover>(&line_.verb)) return protocol::check(*cutover);
  if (const auto* start = std::get_if<RolloutStartVerb>(&line_.verb)) {
    auto message = start->message;
    if (!start->file.empty()) message.plan_text = start->file;  // read later
    return protocol::check(message);
  }
  if (const auto* status = std::get_if<RolloutStatusVerb>(&line_.verb); status && status->service.empty())
    return protocol::malformed("rollout does start, status, pause, resume, promote or abort");
  if (const auto* rolling = std::get_if<RollingVerb>(&line_.verb)) {
    if (rolling->run.empty()) return protocol::malformed("--run is missing, the command for each backend");
    if (rolling->batch == 0) return protocol::malformed("--batch must be at least 1");
  }
  if (const auto* flag = std::get_if<FlagVerb>(&line_.verb)) return check_flag(*flag);
  if (const auto* mirror = std::get_if<protocol::SetMirror>(&line_.verb))
    if (mirror->to.empty() && !off_)
      return protocol::malformed("say where to, --to POOL --share 10%, or --off");
  return std::nullopt;
}

// `--wait-drained=30s` carries its value with `=` only; without one it is a plain flag and eats nothing.
void split_wait_drained(std::vector<std::string>& words) {
  constexpr std::string_view kFlag = "--wait-drained=";
  for (auto& word : words)
    if (word.starts_with(kFlag)) word = "--wait-drained-for=" + word.substr(kFlag.size());
}

// Before the words are understood: a complaint about them is to come in the form they ask for.
Format format_in(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-ojson" || words[i] == "--output=json") return Format::json;
    if ((words[i] == "-o" || words[i] == "--output") && i + 1 < words.size() && words[i + 1] == "json")
      return Format::json;
  }
  return Format::table;
}

// CLI11 says "NAME: what"; ours is "NAME is missing" or what alone.
std::string sentence(const CLI::ParseError& error) {
  std::string text = error.what();
  if (const auto* required = dynamic_cast<const CLI::RequiredError*>(&error)) {
    const std::string tail = " is required";
    if (text.ends_with(tail)) return text.substr(0, text.size() - tail.size()) + " is missing";
    return required->what();
  }
  return text;
}

Parse Parser::run(std::vector<std::string> words) {
  format_ = format_in(words);
  split_wait_drained(words);
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app_.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return {{}, help(current_verb()), {}, {}};
  } catch (const CLI::ParseError& error) {
    const auto extras = app_.remaining(true);
    if (!extras.empty()) return unexpected(extras, current_verb());
    return complain(sentence(error), {});
  }
  if (version_) return {{}, "sluicectl " + std::string(protocol::kVersion) + "\n", {}, {}};
  const auto verb = current_verb();
  if (const auto extras = app_.remaining(true); !extras.empty()) return unexpected(extras, verb);
  if (verb.empty()) return complain("no verb given", {});
  if (const auto problem = check()) {
    Parse out;
    out.problem = problem;
    out.format = format_;
    return out;
  }
  Parse out;
  out.command = std::move(line_);
  return out;
}

}  // namespace

Parse parse(std::vector<std::string> words) {
  if (!words.empty() && words.front() == "__complete") {
    Parse out;
    out.command = CommandLine{{}, {}, CompleteVerb{{words.begin() + 1, words.end()}}};
    return out;
  }
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.push_back("--help");
  }
  return Parser().run(std::move(words));
}

std::vector<std::string> verbs() {
  std::vector<std::string> names;
  Parser parser;
  for (const auto* sub : parser.app().get_subcommands([](CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> flags_of(const std::string& verb) {
  Parser parser;
  std::vector<std::string> flags;
  const auto collect = [&flags](CLI::App* app) {
    std::vector<CLI::Option*> options = app->get_options();
    for (auto* sub :
         app->get_subcommands([](CLI::App* one) { return one->get_parent()->get_parent() != nullptr; }))
      for (auto* option : sub->get_options()) options.push_back(option);
    for (const auto* option : options) {
      for (const auto& name : option->get_snames()) flags.push_back("-" + name);
      for (const auto& name : option->get_lnames())
        if (name != "wait-drained-for") flags.push_back("--" + name);
    }
  };
  for (auto* sub : parser.app().get_subcommands([&verb](CLI::App* app) { return app->get_name() == verb; }))
    collect(sub);
  collect(&parser.app());
  return flags;
}

}  // namespace sluice::cli
