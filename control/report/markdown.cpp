#include <algorithm>

#include "control/report/document.hpp"

namespace sluice::report {
namespace {

// Text in a cell or a sentence: nothing of it is taken for a mark.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += ' ';
      continue;
    }
    if (c == '|' || c == '*' || c == '<' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_row(const Strings& cells) {
  std::string out = "|";
  for (const auto& cell : cells) out += " " + plain(cell) + " |";
  return out + "\n";
}

std::string markdown_table(const Table& table) {
  if (table.rows.empty()) return {};
  std::string rule = "|";
  Strings heads;
  for (const auto& column : table.columns) {
    const bool right = column.starts_with('>');
    heads.push_back(right ? column.substr(1) : column);
    rule += right ? "---:|" : "---|";
  }
  std::string out = markdown_row(heads) + rule + "\n";
  for (const auto& cells : table.rows) out += markdown_row(cells);
  return out + "\n";
}

}  // namespace

// Plots are left out: their last values stand in the tables.
std::string to_markdown(const Document& document) {
  std::string out = "# " + plain(document.title) + "\n\n";
  for (const auto& [question, answer] : document.answers)
    out += "**" + question + "** " + plain(answer) + "\n\n";
  if (!document.facts.empty()) out += "| | |\n|---|---|\n";
  for (const auto& [name, value] : document.facts) out += markdown_row({name, value});
  if (!document.facts.empty()) out += "\n";
  for (const auto& section : document.sections) {
    if (section.table.rows.empty() && (section.sentences.empty() || !section.plots.empty())) continue;
    out += "## " + plain(section.heading) + "\n\n";
    for (const auto& sentence : section.sentences) out += plain(sentence) + "\n\n";
    out += markdown_table(section.table);
  }
  return out + plain(document.foot) + "\n";
}

}  // namespace sluice::report
