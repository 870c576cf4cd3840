// sluicectl's command line described for CLI11: which verbs there are, and what their flags and positionals
// do to a CommandLine. For args.cpp and the args_*.cpp beside it, which describe a group of verbs each.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/cli/args.hpp"

namespace sluice::cli {

// What is done with the text of a flag or positional; it throws (args_values.hpp) when the text is wrong.
using Take = std::function<void(const std::string&)>;
using TakeAll = std::function<void(const std::vector<std::string>&)>;

// The values it fills live here, too.
class Parser {
 public:
  Parser();
  Parse run(std::vector<std::string> words);
  CLI::App& app() { return app_; }

 private:
  void add_globals();
  // args_look.cpp
  void add_looks();
  // args_shift.cpp
  void add_split();
  void add_cutover();
  void add_back();
  static void add_checks(CLI::App* verb, std::function<protocol::Checks&()> checks);
  static void add_limits(CLI::App* verb, std::function<protocol::Limits&()> limits);
  // args_rollout.cpp
  void add_rollout();
  void add_rollout_start(CLI::App* rollout);
  void add_rolling();
  // args_backend.cpp
  void add_drain();
  void add_backends();
  void add_wait();
  // args_traffic.cpp
  void add_traffic();
  void add_flag();
  void add_mirror();
  void add_preview();
  // args_operations.cpp
  void add_operations();
  void add_guides();

  // A verb begins as `initial`, before its arguments arrive; they fill message<...>().
  CLI::App* verb(const std::string& name, Verb initial);
  template <class Message>
  Message& message() {
    return std::get<Message>(line_.verb);
  }
  // The verb changes something: it takes --dry-run.
  CLI::App* change(CLI::App* verb);
  // Positionals: one, one that may be missing, one or more.
  static void one(CLI::App* verb, const std::string& name, Take take);
  static void maybe(CLI::App* verb, const std::string& name, Take take);
  static void many(CLI::App* verb, const std::string& name, TakeAll take);
  static void flag(CLI::App* verb, const std::string& name, Take take);   // with a value
  static void every(CLI::App* verb, const std::string& name, Take take);  // likewise, as often as one likes

  Parse refuse(protocol::Problem problem) const;
  // Wrong usage. An empty suggestion becomes: see --help.
  Parse complain(std::string detail, std::string suggestion) const;
  Parse unexpected(const std::string& word) const;
  std::string current_verb() const;
  std::optional<protocol::Problem> check() const;

  CLI::App app_{"Shifts traffic between pools of backends", "sluicectl"};
  CommandLine line_;
  bool off_ = false;  // of mirror
  bool version_ = false;
  Format format_ = Format::table;  // of complaints
};

}  // namespace sluice::cli
