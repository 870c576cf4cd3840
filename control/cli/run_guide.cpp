// For those who come from the old guide: import and advise. Neither asks the daemon.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "control/cli/run.hpp"
#include "control/nginx/import.hpp"

namespace sluice::cli {

namespace {

std::optional<std::string> text_of(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return in.bad() ? std::nullopt : std::optional(std::move(text));
}

// As sluiced --check says it.
std::string at(const std::string& file, const nginx::SyntaxError& error) {
  return file + ":" + std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " +
         error.what;
}

boost::json::object to_json(const nginx::Imported& imported) {
  boost::json::array notes;
  for (const auto& note : imported.notes) notes.push_back({{"line", note.line}, {"text", note.text}});
  return {{"yaml", imported.yaml}, {"notes", std::move(notes)}};
}

// Asks on the terminal until the answer is one; false at the end of the input.
bool ask(const Question& question, Answers& answers) {
  std::string line;
  do {
    std::cerr << question.text << " (" << question.choices << ") " << std::flush;
    if (!std::getline(std::cin, line)) return false;
  } while (!answer(answers, question, line));
  return true;
}

protocol::Problem unanswered(const Question& question) {
  auto problem = protocol::malformed("not answered: " + std::string(question.text));
  problem.suggestion = "write " + std::string(question.flag) + " " + std::string(question.choices);
  return problem;
}

// The place stands first in its line, where editors look for it.
int bad_file(Context& context, const std::string& text) {
  if (context.output.format() == Format::json) return context.output.fail(protocol::malformed(text));
  std::cerr << text << "\n";
  return static_cast<int>(protocol::Exit::usage);
}

}  // namespace

int run(Context& context, const ImportVerb& verb) {
  const auto text = text_of(verb.file);
  if (!text)
    return context.output.fail(protocol::malformed("cannot read " + verb.file + ": " + std::strerror(errno)));
  const auto imported = nginx::import_text(*text, verb.file);
  if (!imported) return bad_file(context, at(verb.file, imported.error()));
  return context.output.show(to_json(*imported), imported->yaml);
}

int run(Context& context, const AdviseVerb& verb) {
  Answers answers = verb.answers;
  while (const auto question = next_question(answers)) {
    if (::isatty(STDIN_FILENO) != 1 || !ask(*question, answers))
      return context.output.fail(unanswered(*question));
  }
  const auto advice = advise(answers, verb.names);
  return context.output.show(to_json(advice), render_advice(advice));
}

}  // namespace sluice::cli
