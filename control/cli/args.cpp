// From words to a command line: the global flags, what is checked of a whole command, complaints.
#include "control/cli/args.hpp"

#include <algorithm>
#include <utility>

#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"
#include "control/cli/help.hpp"
#include "control/protocol/version.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::Exit;
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

std::optional<Problem> check_flag(const FlagVerb& verb) {
  const bool set = verb.action == "set", list = verb.action == "list";
  if (!list && verb.message.flag.empty())
    return protocol::malformed("which flag? write flag " + verb.action + " NAME");
  if (set && !verb.share) return protocol::malformed("for how many? write flag set NAME 10%");
  if (!set && verb.share) return protocol::malformed("flag " + verb.action + " takes no percentage");
  if (list && !verb.message.flag.empty()) return protocol::malformed("flag list takes no name");
  return std::nullopt;
}

}  // namespace

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
  flag(&app_, "-o,--output", [this](auto& text) {
    if (text != "table" && text != "json")
      wrong("--output", sluice::quoted(text) + " is no format, write table or json");
    line_.globals.format = text == "json" ? Format::json : Format::table;
  });
  app_.add_option("--reason", line_.change.reason)->type_name("TEXT");
  flag(&app_, "--if-generation",
       [this](auto& text) { line_.change.if_generation = number_of("--if-generation", text, UINT64_MAX); });
  app_.add_flag("--version", version_);
  app_.add_flag_callback("-h,--help", [] { throw CLI::CallForHelp(); });
}

CLI::App* Parser::verb(const std::string& name, Verb initial) {
  auto* verb = app_.add_subcommand(name);
  verb->set_help_flag();
  verb->preparse_callback([this, initial = std::move(initial)](std::size_t) { line_.verb = initial; });
  return verb;
}

CLI::App* Parser::change(CLI::App* verb) {
  verb->add_flag("--dry-run", line_.change.dry_run);
  return verb;
}

void Parser::one(CLI::App* verb, const std::string& name, Take take) {
  verb->add_option_function<std::string>(name, std::move(take))->required();
}

void Parser::maybe(CLI::App* verb, const std::string& name, Take take) {
  verb->add_option_function<std::string>(name, std::move(take));
}

void Parser::many(CLI::App* verb, const std::string& name, TakeAll take) {
  verb->add_option_function<std::vector<std::string>>(name, std::move(take))->required();
}

void Parser::flag(CLI::App* verb, const std::string& name, Take take) {
  verb->add_option_function<std::string>(name, std::move(take));
}

void Parser::every(CLI::App* verb, const std::string& name, Take take) {
  verb->add_option_function<std::vector<std::string>>(name,
                                                      [take = std::move(take)](const auto& texts) {
                                                        for (const auto& text : texts) take(text);
                                                      })
      ->expected(1, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
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
  if (auto problem = check()) return refuse(std::move(*problem));
  Parse out;
  out.command = std::move(line_);
  return out;
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
