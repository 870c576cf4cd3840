#include "control/cli/table.hpp"

#include <algorithm>

#include "control/screen/text.hpp"

namespace sluice::cli {

using screen::width_of;

std::string Style::paint(std::string_view code, std::string_view text) const {
  if (!color) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

namespace {

void append_row(std::string& out, const std::vector<std::string>& cells,
                const std::vector<std::size_t>& widths, const std::vector<bool>& right) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - width_of(cells[i]), ' ');
    if (i) line += "  ";
    line += right[i] ? padding + cells[i] : cells[i] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

}  // namespace

std::string Table::render(const Style& style) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (const auto& title : titles_) {
    right.push_back(title.starts_with('>'));
    const auto text = title.substr(right.back() ? 1 : 0);
    widths.push_back(width_of(text));
    titles.push_back(style.strong(text));
  }
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  append_row(out, titles, widths, right);
  for (const auto& row : rows_) append_row(out, row, widths, right);
  return out;
}

}  // namespace sluice::cli
