#include "control/screen/marks.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::screen {

namespace {

std::string repeated(const char* text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

struct Scale {
  double low = 0, high = 1;
  std::size_t columns = 1;
  std::size_t at(double value) const {
    const double part = std::clamp((value - low) / (high - low), 0.0, 1.0);
    return static_cast<std::size_t>(std::lround(part * static_cast<double>(columns - 1)));
  }
};

// From 0, or from what is below it (a difference to stable), to a little behind the limit and the value; what
// lies further is at the edge.
Scale scale_of(const Evidence& evidence, std::size_t columns) {
  const double limit = evidence.limit.value_or(0);
  const double top =
      std::max({limit * 1.5, evidence.value.value_or(0) * 1.25, limit + std::abs(limit) * 0.25});
  const double bottom =
      evidence.value.value_or(0) < 0 || limit <= 0 ? std::min(evidence.value.value_or(0), limit * 1.5) : 0;
  return {bottom, top > bottom ? top : bottom + 1, columns};
}

}  // namespace

std::string bar(double part, std::size_t columns, Fill fill, bool utf8) {
  const double exact = std::clamp(part, 0.0, 1.0) * static_cast<double>(columns);
  auto full = static_cast<std::size_t>(std::lround(exact));
  if (full == 0 && part > 0 && columns > 0) full = 1;
  if (full == columns && part < 1 && columns > 1) full = columns - 1;
  const char* ink = utf8 ? (fill == Fill::solid ? "\u2588" : "\u2593") : (fill == Fill::solid ? "#" : "=");
  return repeated(ink, full) + repeated(utf8 ? "\u2591" : ".", columns - full);
}

std::string sparkline(const std::vector<std::optional<double>>& values, std::size_t columns, bool utf8,
                      std::optional<double> least_top) {
  constexpr double kHeadroom = 1.25;  // what is steady is no ceiling
  static const char* const kBlocks[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                        "\u2585", "\u2586", "\u2587", "\u2588"};
  static const char* const kAscii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  const std::size_t begin = values.size() > columns ? values.size() - columns : 0;
  double high = least_top.value_or(0);
  for (std::size_t i = begin; i < values.size(); ++i)
    high = std::max(high, values[i].value_or(0) * kHeadroom);
  std::string out(columns - (values.size() - begin), ' ');
  for (std::size_t i = begin; i < values.size(); ++i) {
    if (!values[i]) {
      out += ' ';
      continue;
    }
    const double part = high > 0 ? std::clamp(*values[i] / high, 0.0, 1.0) : 0;
    auto level = static_cast<std::size_t>(std::ceil(part * 7));
    out += (utf8 ? kBlocks : kAscii)[level];
  }
  return out;
}

std::string evidence_bar(const Evidence& evidence, std::size_t columns, bool utf8) {
  if (columns < 3 || !evidence.limit) return std::string(columns, ' ');
  const Scale scale = scale_of(evidence, columns);
  std::vector<const char*> cells(columns, utf8 ? "\u00B7" : ".");
  if (evidence.lower || evidence.upper) {
    const std::size_t from = evidence.lower ? scale.at(*evidence.lower) : 0;
    const std::size_t to = evidence.upper ? scale.at(*evidence.upper) : columns - 1;
    for (std::size_t i = from; i <= to; ++i) cells[i] = utf8 ? "\u2500" : "-";
  }
  cells[scale.at(*evidence.limit)] = utf8 ? "\u2502" : "|";
  if (evidence.value) cells[scale.at(*evidence.value)] = utf8 ? "\u25CF" : "o";
  std::string out;
  for (const char* cell : cells) out += cell;
  return out;
}

const Signs& signs(bool utf8) {
  static constexpr Signs kUtf8{"\u2500", "\u2500\u2500", "\u25CF", "\u25CB",
                               "\u25B6", "\u00B7",       "\u2191", "\u2193"};
  static constexpr Signs kAscii{"-", "--", "*", "!", ">", "-", "^", "v"};
  return utf8 ? kUtf8 : kAscii;
}

}  // namespace sluice::screen
