// Bars, sparklines and the other small drawings, in UTF-8 or plain ASCII. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sluice::screen {

enum class Fill { solid, hatched };

// `part` (0 to 1) of `columns` filled. More than nothing is seen as at least one column, less than all as at
// least one that is missing.
std::string bar(double part, std::size_t columns, Fill fill, bool utf8);

// The last `columns` values, the latest at the right; a gap where there is none. The scale goes from 0 to
// somewhat above the largest of them, or to `least_top`, which is larger.
std::string sparkline(const std::vector<std::optional<double>>& values, std::size_t columns, bool utf8,
                      std::optional<double> least_top = std::nullopt);

// A gate's evidence as a scale from 0: where the value is, between which bounds it may truly be, and where
// the limit.
struct Evidence {
  std::optional<double> value, lower, upper;
  std::optional<double> limit;
};
std::string evidence_bar(const Evidence& evidence, std::size_t columns, bool utf8);

// The words between pieces.
struct Signs {
  const char *rule, *step, *live, *lost, *chosen, *dot, *more_above, *more_below;
};
const Signs& signs(bool utf8);

}  // namespace sluice::screen
