// A figure over time as SVG: a line with its interval against a limit, or what was asked against what was
// delivered. Colours are the page's (classes). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/report/story.hpp"

namespace sluice::report {

struct Plot {
  std::string title, unit;
  std::int64_t from = 0, to = 0;  // Unix milliseconds
  struct Band {
    std::int64_t from = 0, to = 0;
    std::string label;
    std::optional<double> asked;  // drawn as a level
  };
  std::vector<Band> bands;  // steps; the line is broken between them
  std::vector<Point> points;
  std::optional<double> limit;
  bool went_back = false;  // a mark at the end of the last band
};

std::string to_svg(const Plot& plot);

// For text in HTML and SVG.
std::string escaped(std::string_view text);

}  // namespace sluice::report
