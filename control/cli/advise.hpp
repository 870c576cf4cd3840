// Which strategy? The guide's decision tree as a value: what is known, what has to be asked next, and what
// follows. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

enum class Schema { none, compatible, breaking };

// What the tree asks; empty: not answered.
struct Answers {
  std::optional<bool> hotfix, major, regular, flags, instances;
  std::optional<Schema> schema;
};

// The names that the commands are to have.
struct AdviceNames {
  std::string service = "api", from = "blue", to = "green", flag = "new_feature";
};

struct Question {
  std::string_view flag;     // "--major"
  std::string_view text;     // "Is this a major feature change?"
  std::string_view choices;  // "yes|no"
};

struct Advice {
  std::string strategy;
  std::vector<std::string> why;  // the way through the tree
  std::string back, user_impact;
  std::vector<std::string> commands;  // to be run in order; those that begin with '#' are for people
  std::string rollback;               // the command that takes it back
};

// All of them, in the order of the tree.
std::vector<Question> questions();
// What the tree has to know next; nothing when advise() can answer.
std::optional<Question> next_question(const Answers& answers);
// Puts `text` ("yes", "n", "compatible" ...) in place of the question's answer; false when it is none.
bool answer(Answers& answers, const Question& question, std::string_view text);
// Requires: next_question() is empty.
Advice advise(const Answers& answers, const AdviceNames& names);

std::string render_advice(const Advice& advice);
boost::json::object to_json(const Advice& advice);

}  // namespace sluice::cli
