// Text by the columns that it takes on a terminal. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::screen {

// Columns: of wide characters (East Asian, emoji) two, of combining ones and of colour sequences (ESC ... m)
// none.
std::size_t width_of(std::string_view text);

// The beginning of `text` that takes at most `columns`. What is cut is marked by `mark`, which fits in as
// well.
std::string clipped(std::string_view text, std::size_t columns, std::string_view mark);

// What clients and operators wrote, as it may stand on a terminal: control characters (of ASCII and of
// Latin-1) and what is no UTF-8 become '?', so that a path or a reason cannot move the cursor. Without `utf8`
// also all that is not ASCII.
std::string printable(std::string_view text, bool utf8);

}  // namespace sluice::screen
