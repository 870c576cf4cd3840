// Columns of text, and colour where there is someone to see it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

// Never colour alone: what is painted is a word that says the same.
struct Style {
  bool color = false;
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string busy(std::string_view text) const { return paint("33", text); }
  std::string bad(std::string_view text) const { return paint("31", text); }
  std::string strong(std::string_view text) const { return paint("1", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
};

// Two spaces between columns, nothing behind the last; a column whose title begins with '>' is set to the
// right.
class Table {
 public:
  explicit Table(std::vector<std::string> titles) : titles_(std::move(titles)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string render(const Style& style) const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sluice::cli
