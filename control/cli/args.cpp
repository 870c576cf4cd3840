// From words to a command line: the global flags, what is checked of a whole command, complaints.
#include "control/cli/args.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "control/cli/args_values.hpp"
#include "control/cli/args_words.hpp"
#include "control/cli/help.hpp"
#include "control/protocol/request.hpp"
#include "control/protocol/version.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::Exit;
using protocol::Join;
using protocol::Problem;

namespace {

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

std::optional<Format> format_of(const std::string& word) {
  if (word == "table") return Format::table;
  if (word == "json") return Format::json;
  if (word == "md") return Format::markdown;
  if (word == "html") return Format::html;
  return std::nullopt;
}

// CLI11 says "NAME: what"; ours is "NAME is missing", "NAME is given twice" or what alone.
std::string sentence(const CLI::ParseError& error) {
  constexpr std::string_view kTail = " is required";
  std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {  // "--rest: At Most 1 required but received 2"
    const bool more = text.find(" received ") != std::string::npos;
    return text.substr(0, text.find(':')) + (more ? " is given twice" : " needs a value");
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) && text.ends_with(kTail))
    text.replace(text.size() - kTail.size(), kTail.size(), " is missing");
  return text;
}

// As a suggestion; empty when none of `known` is near.
std::string meant_by(const std::string& word, const std::vector<std::string>& known) {
  const auto meant = suggest(word, known);
  return meant.empty() ? std::string() : "did you mean '" + meant + "'?";
}

// sluicectl's command line for CLI11. The values that it fills live here, too.
class Parser {
 public:
  Parser();
  Parse run(std::vector<std::string> words);
  CLI::App& app() { return app_; }

 private:
  void add_globals();
  void add_rollout();
  // A verb that describes itself; `name` is what calls it.
  template <class Verb>
  CLI::App* add(CLI::App& parent, const std::string& name);
  // What is run when this verb is on the command line; of two the later counts (rollout, and its own verb).
  template <class Verb>
  void choose_by(CLI::App* app);

  Parse refuse(protocol::Problem problem) const;
  // Wrong usage. An empty suggestion becomes: see --help.
  Parse complain(std::string detail, std::string suggestion) const;
  Parse unexpected(const std::string& word) const;
  std::string current_verb() const;
  std::optional<Problem> check_whole() const;

  using All = Join<Verbs, List<RolloutStartVerb, RolloutStatusVerb, RolloutActVerb>>;

  CLI::App app_{"Shifts traffic between pools of backends", "sluicectl"};
  CommandLine line_;
  All::Tuple verbs_;
  std::function<void()> choose_;  // puts the verb that was called into line_
  bool version_ = false;
  Format format_ = Format::table;  // of complaints
};

}  // namespace

Parser::Parser() {
  app_.set_help_flag();
  app_.allow_extras();
  app_.fallthrough();
  app_.require_subcommand(0, 1);
  add_globals();
  Verbs::each([this]<class Verb>(std::type_identity<Verb>) {
    if constexpr (std::same_as<Verb, RolloutVerbs>)
      add_rollout();
    else
      add<Verb>(app_, std::string(Verb::kPage.name()));
  });
}

void Parser::add_globals() {
  const auto global = [this](const std::string& names, auto take_text) {
    app_.add_option_function<std::string>(names, take_text);
  };
  app_.add_option("--socket", line_.globals.socket)->type_name("PATH");
  app_.add_option("--url", line_.globals.url)->type_name("URL");
  app_.add_option("--token-file", line_.globals.token_file)->type_name("FILE");
  global("-o,--output", [this](const std::string& text) {
    const auto format = format_of(text);
    if (!format)
      wrong("--output",
            sluice::quoted(text) + " is no format, write table or json (of report: md, html or json)");
    line_.globals.format = *format;
  });
  app_.add_option("--reason", line_.change.reason)->type_name("TEXT");
  global("--if-generation",
         [this](const std::string& text) { take("--if-generation", text, line_.change.if_generation); });
  app_.add_flag("--version", version_);
  app_.add_flag_callback("-h,--help", [] { throw CLI::CallForHelp(); });
}

template <class Verb>
void Parser::choose_by(CLI::App* app) {
  app->preparse_callback(
      [this](std::size_t) { choose_ = [this] { line_.verb = std::move(std::get<Verb>(verbs_)); }; });
}

template <class Verb>
CLI::App* Parser::add(CLI::App& parent, const std::string& name) {
  auto* app = parent.add_subcommand(name);
  app->set_help_flag();
  auto& verb = std::get<Verb>(verbs_);
  if constexpr (requires { Verb::on_command_line(); }) verb = Verb::on_command_line();
  choose_by<Verb>(app);
  Declare declare(*app, line_.change);
  Verb::words(verb, declare);
  return app;
}

// `rollout` alone is asked what it is to do.
void Parser::add_rollout() {
  auto* rollout = app_.add_subcommand(std::string(RolloutVerbs::kPage.name()));
  rollout->set_help_flag();
  rollout->require_subcommand(0, 1);
  choose_by<RolloutVerbs>(rollout);
  add<RolloutStartVerb>(*rollout, "start");
  add<RolloutStatusVerb>(*rollout, "status");
  using Action = protocol::RolloutAct::Action;
  for (const Action action : {Action::pause, Action::resume, Action::promote, Action::abort}) {
    auto* act = rollout->add_subcommand(to_string(action));
    act->set_help_flag();
    auto& verb = std::get<RolloutActVerb>(verbs_);
    act->preparse_callback([this, action, &verb](std::size_t) {
      verb.message.action = action;
      verb.message.word = to_string(action);
      choose_ = [this, &verb] { line_.verb = std::move(verb); };
    });
    Declare declare(*act, line_.change);
    if (action == Action::promote)
      RolloutActVerb::promote_words(verb, declare);
    else
      RolloutActVerb::words(verb, declare);
  }
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
    if (const auto extras = app_.remaining(true); !extras.empty()) return unexpected(extras.front());
    return complain(sentence(error), {});
  }
  if (version_) return {{}, "sluicectl " + std::string(protocol::kVersion) + "\n", {}, {}};
  if (const auto extras = app_.remaining(true); !extras.empty()) return unexpected(extras.front());
  if (current_verb().empty()) return complain("no verb given", {});
  choose_();
  if (auto problem = check_whole()) return refuse(std::move(*problem));
  Parse out;
  out.command = std::move(line_);
  return out;
}

// What can be said of a whole command without asking the daemon.
std::optional<Problem> Parser::check_whole() const {
  if (!line_.globals.url.empty() && !line_.globals.socket.empty())
    return protocol::malformed("--url and --socket exclude each other");
  const bool of_report = line_.globals.format == Format::markdown || line_.globals.format == Format::html;
  if (of_report && !std::holds_alternative<ReportVerb>(line_.verb))
    return protocol::malformed("-o md and -o html are of report alone, write table or json");
  return std::visit(
      []<class Verb>(const Verb& verb) -> std::optional<Problem> {
        if constexpr (protocol::HasCheck<Verb>)
          return check(verb);
        else
          return std::nullopt;
      },
      line_.verb);
}

Parse Parser::refuse(Problem problem) const {
  Parse out;
  out.problem = std::move(problem);
  out.format = format_;
  return out;
}

Parse Parser::complain(std::string detail, std::string suggestion) const {
  const auto verb = current_verb();
  if (suggestion.empty())
    suggestion = "see sluicectl " + (verb.empty() ? std::string() : verb + " ") + "--help";
  return refuse({400, Exit::usage, "wrong usage", std::move(detail), {}, std::move(suggestion)});
}

Parse Parser::unexpected(const std::string& word) const {
  const auto verb = current_verb();
  if (word.size() > 1 && word[0] == '-')
    return complain("unknown flag " + sluice::quoted(word) + (verb.empty() ? "" : " for " + verb),
                    meant_by(word.substr(0, word.find('=')), flags_of(verb)));
  if (verb.empty()) return complain("unknown verb " + sluice::quoted(word), meant_by(word, verbs()));
  return complain("unexpected argument " + sluice::quoted(word) + " for " + verb, {});
}

std::string Parser::current_verb() const {
  const auto used = app_.get_subcommands();
  return used.empty() ? std::string() : used.front()->get_name();
}

Parse parse(std::vector<std::string> words) {
  if (!words.empty() && words.front() == "__complete") {
    Parse out;
    out.command = CommandLine{{}, {}, CompleteVerb{{words.begin() + 1, words.end()}}};
    return out;
  }
  if (words.size() == 2 && words.front() == "__man") {
    Parse out;
    out.command = CommandLine{{}, {}, ManVerb{words.back()}};
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
