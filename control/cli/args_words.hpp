// A verb's words and flags (protocol/words.hpp), declared to CLI11: what stands on the command line goes into
// the values that the verb names.
#pragma once

#include <CLI/CLI.hpp>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "control/cli/args_values.hpp"
#include "control/cli/flag_name.hpp"
#include "control/protocol/change.hpp"

namespace sluice::cli {

class Declare {
 public:
  // The values, and `change`, outlive the parsing.
  Declare(CLI::App& verb, protocol::ChangeOptions& change) : verb_(verb), change_(change) {}

  template <class Value>
  void word(const std::string& name, Value&& value, const protocol::Completion&) {
    single(name, name, std::forward<Value>(value))->required();
  }
  template <class Value>
  void maybe(const std::string& name, Value&& value, const protocol::Completion&) {
    single(name, name, std::forward<Value>(value));
  }
  template <class Value>
  void words(const std::string& name, Value&& value, const protocol::Completion&) {
    verb_
        .add_option_function<std::vector<std::string>>(
            name, [name, slot = Slot<Value>(value)](
                      const std::vector<std::string>& texts) { take_all(name, texts, slot.get()); })
        ->required();
  }
  template <class Value>
  void flag(std::string_view spelled, Value&& value, std::string_view) {
    const std::string names = names_in(spelled), name = long_name_in(spelled);
    if constexpr (std::same_as<std::remove_cvref_t<Value>, bool>)
      verb_.add_flag_callback(names, [&value] { value = true; });
    else if constexpr (std::same_as<std::remove_cvref_t<Value>, protocol::FlagFor>)
      flag_for(name, value);
    else if constexpr (std::same_as<std::remove_cvref_t<Value>, protocol::FileList>)
      verb_.add_option(names, value.value)
          ->type_name("FILE")
          ->expected(1, CLI::detail::expected_max_vector_size);
    else if constexpr (std::same_as<std::remove_cvref_t<Value>, protocol::Strings>)
      verb_
          .add_option_function<std::vector<std::string>>(
              names, [name, &value](const std::vector<std::string>& texts) { take_all(name, texts, value); })
          ->expected(1, 1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    else
      single(names, name, std::forward<Value>(value));
  }
  void text(std::string_view) {}
  void section(std::string_view) {}
  void excludes(const std::string& one, const std::string& other) {
    verb_.get_option(one)->excludes(verb_.get_option(other));
    verb_.get_option(other)->remove_excludes(verb_.get_option(one));  // one of them complains, and says both
  }
  void needs(const std::string& one, const std::string& other) {
    verb_.get_option(one)->needs(verb_.get_option(other));
  }
  void dry_run() { verb_.add_flag("--dry-run", change_.dry_run); }
  void force(std::string_view = {}) { verb_.add_flag("--force", change_.force); }

 private:
  // Where a text goes: a value of the verb, or a wrapper that names one.
  template <class Value>
  class Slot {
   public:
    explicit Slot(std::remove_reference_t<Value>& value) : held_(hold(value)) {}
    decltype(auto) get() const {
      if constexpr (kByReference)
        return *held_;
      else
        return (held_);
    }

   private:
    static constexpr bool kByReference = std::is_lvalue_reference_v<Value>;
    static auto hold(std::remove_reference_t<Value>& value) {
      if constexpr (kByReference)
        return &value;
      else
        return value;
    }
    decltype(hold(std::declval<std::remove_reference_t<Value>&>())) held_;
  };

  template <class Value>
  CLI::Option* single(const std::string& names, const std::string& name, Value&& value) {
    return verb_.add_option_function<std::string>(
        names, [name, slot = Slot<Value>(value)](const std::string& text) { take(name, text, slot.get()); });
  }

  // The value stands behind '=' only: `--wait-drained api=green` must not eat the next word (args.cpp turns
  // `--wait-drained=30s` into `--wait-drained-for=30s`).
  void flag_for(const std::string& name, const protocol::FlagFor& wanted) {
    verb_.add_flag_callback(name, [wanted] { wanted.value = true; });
    verb_.add_option_function<std::string>(name + "-for", [name, wanted](const std::string& text) {
      wanted.value = true;
      take(name, text, wanted.time);
    });
  }

  CLI::App& verb_;
  protocol::ChangeOptions& change_;
};

}  // namespace sluice::cli
