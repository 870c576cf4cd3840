#include "control/screen/line.hpp"

#include <algorithm>

#include "control/screen/text.hpp"

namespace sluice::screen {

namespace {

// Of the 16 colours, whose values the operator's terminal chose to be read on its ground; SGR,
// ECMA-48 8.3.117.
std::string_view code_of(Ink ink) {
  switch (ink) {
    case Ink::plain:
      return "";
    case Ink::strong:
      return "1";
    case Ink::faint:
      return "2";
    case Ink::good:
      return "32";
    case Ink::busy:
      return "33";
    case Ink::bad:
      return "1;31";
    case Ink::stable:
      return "34";
    case Ink::canary:
      return "35";
    case Ink::chosen:
      return "7";
  }
  return "";
}

std::string with_ink(const std::string& text, Ink ink, bool color) {
  const auto code = code_of(ink);
  if (!color || code.empty() || text.empty()) return text;
  return "\x1b[" + std::string(code) + "m" + text + "\x1b[0m";
}

}  // namespace

Line& Line::add(std::string_view written, Ink ink) {
  if (written.empty()) return *this;
  const auto text = printable(written, true);
  width_ += width_of(text);
  if (!pieces_.empty() && pieces_.back().ink == ink)
    pieces_.back().text += text;
  else
    pieces_.push_back({text, ink});
  return *this;
}

Line& Line::add(const Line& other) {
  for (const auto& piece : other.pieces_) add(piece.text, piece.ink);
  return *this;
}

Line& Line::pad_to(std::size_t column, std::size_t gap) {
  const std::size_t blanks = column > width_ ? column - width_ : 0;
  return add(std::string(std::max(blanks, gap), ' '));
}

std::string Line::text() const {
  std::string out;
  for (const auto& piece : pieces_) out += piece.text;
  return out;
}

std::string Line::painted(const Paper& paper) const {
  const std::string_view mark = paper.utf8 ? "\u2026" : "~";
  const bool cut = width_ > paper.columns;
  std::size_t left = cut ? paper.columns - std::min(paper.columns, width_of(mark)) : paper.columns;
  std::string out;
  Ink last = Ink::plain;
  for (const auto& piece : pieces_) {
    const auto text = paper.utf8 ? piece.text : printable(piece.text, false);
    const auto shown = clipped(text, left, "");
    out += with_ink(shown, piece.ink, paper.color);
    left -= width_of(shown);
    last = piece.ink;
    if (shown.size() < text.size()) break;
  }
  return cut && paper.columns > 0 ? out + with_ink(std::string(mark), last, paper.color) : out;
}

Lines flowed(const Line& head, const Lines& cells, std::size_t columns, std::size_t indent) {
  constexpr std::size_t kGap = 2;
  Lines lines{head};
  bool fresh = head.empty();
  for (const auto& cell : cells) {
    if (cell.empty()) continue;
    if (!fresh && lines.back().width() + kGap + cell.width() > columns) {
      lines.emplace_back();
      lines.back().pad_to(indent);
      fresh = true;
    }
    if (!fresh) lines.back().add("  ");
    lines.back().add(cell);
    fresh = false;
  }
  return lines;
}

Lines wrapped(const Line& head, std::string_view text, Ink ink, std::size_t columns, std::size_t most) {
  Lines lines{head};
  bool fresh = true;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!fresh && lines.back().width() + 1 + width_of(word) > columns && lines.size() < most) {
      lines.emplace_back();
      lines.back().pad_to(head.width());
      fresh = true;
    }
    lines.back().add(fresh ? "" : " ", ink).add(word, ink);
    fresh = false;
  }
  return lines;
}

void append(Lines& lines, const Lines& more) { lines.insert(lines.end(), more.begin(), more.end()); }

void align(std::vector<Lines>& rows) {
  for (std::size_t column = 0; !rows.empty() && column < rows.front().size(); ++column) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, row[column].width());
    for (auto& row : rows) row[column].pad_to(widest);
  }
}

}  // namespace sluice::screen
