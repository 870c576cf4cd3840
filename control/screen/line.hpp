// A line of a screen: pieces of text, each with what it means; the paper decides how that is shown. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::screen {

// What is painted on.
struct Paper {
  std::size_t columns = 80, rows = 24;
  bool color = false;
  bool utf8 = true;  // else ASCII alone

  bool narrow() const { return columns < 60; }  // what stands side by side elsewhere stands below each other
};

// What a piece of text says of itself. Never the only sign: what is good or bad is also a word.
enum class Ink : std::uint8_t { plain, strong, faint, good, busy, bad, stable, canary, chosen };

class Line {
 public:
  Line() = default;
  explicit Line(std::string_view text, Ink ink = Ink::plain) { add(text, ink); }

  // What may not stand on a terminal (text.hpp) is replaced.
  Line& add(std::string_view text, Ink ink = Ink::plain);
  Line& add(const Line& other);
  // Blanks up to that column; at least `gap`.
  Line& pad_to(std::size_t column, std::size_t gap = 0);

  std::size_t width() const { return width_; }
  bool empty() const { return pieces_.empty(); }
  std::string text() const;  // without any colour
  // At most the paper's columns, with its colours.
  std::string painted(const Paper& paper) const;

 private:
  struct Piece {
    std::string text;
    Ink ink = Ink::plain;
  };
  std::vector<Piece> pieces_;
  std::size_t width_ = 0;
};

using Lines = std::vector<Line>;

// The cells behind `head`, two blanks between them, on as many lines as they need; further ones begin at
// column `indent`. A cell that is wider than a line is left to be cut.
Lines flowed(const Line& head, const Lines& cells, std::size_t columns, std::size_t indent);

// A sentence behind `head`, on as many lines as it needs, broken at blanks; further ones begin below its
// first word. At most `most` of them, the last one cut by the paper.
Lines wrapped(const Line& head, std::string_view text, Ink ink, std::size_t columns, std::size_t most);

void append(Lines& lines, const Lines& more);
// Rows of cells, of which each has as many: each column becomes as wide as its widest cell.
void align(std::vector<Lines>& rows);

}  // namespace sluice::screen
