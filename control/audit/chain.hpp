// The chain of the audit log (T4): each line carries its number, the hash of the line before it and its own,
// so that a line that was changed, taken out or put in later shows. The form is defined in AUDIT.md. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::audit {

inline constexpr std::string_view kNoHash =
    "0000000000000000000000000000000000000000000000000000000000000000";

// SHA-256, 64 hexadecimal digits.
std::string hash_of(std::string_view bytes);

// The last line of a chain; before the first one number 0 and kNoHash.
struct Head {
  std::uint64_t number = 0;
  std::string hash{kNoHash};
  bool operator==(const Head&) const = default;
};

// `line` as the next one behind `before`, with its newline; `before` becomes its head. Without the three
// members that are added it is as it was. Requires: `line` has none of them.
std::string sealed(boost::json::object line, Head& before);

// What a line says of itself.
struct Link {
  std::uint64_t number = 0;
  std::string before, hash;  // as the line has them
  bool fits = false;         // its hash is that of its bytes
  std::string time;
  // Of a line that a start wrote: what stands between it and the line before it in the file, without being of
  // the chain.
  struct Unchained {
    std::uint64_t lines = 0, bytes = 0;
    bool torn = false;  // it ends in the middle of a line; a newline is put behind it, and counts
    std::string hash;   // of all its bytes
    bool operator==(const Unchained&) const = default;
  };
  std::optional<Unchained> unchained;
};
// Of a line without its newline; nothing when it is not of a chain.
std::optional<Link> link_in(std::string_view line);

// How a file of the log ends: the last line that is of a chain, as far as its own hash tells, and what stands
// behind it.
struct Ending {
  std::optional<Head> last;
  Link::Unchained behind;
};
Ending ending_of(std::string_view content);

// Where the log ends, as `audit.head` keeps it beside the log: what is written there is the next line's
// truth.
struct Place {
  Head head;
  std::uint64_t size = 0;  // bytes of the file, up to the end of that line
  bool operator==(const Place&) const = default;
};
std::string to_text(const Place& place);  // a line of one length, whatever the numbers
std::optional<Place> place_in(std::string_view text);

// What a writer goes on with that finds `ending` in a file which is not as `place` says (nothing: there is no
// audit.head), and what is to be told of it in a line of its own; empty: nothing.
struct Resumed {
  Head head;
  std::string told;
};
Resumed resumed(const std::optional<Place>& place, const Ending& ending);

}  // namespace sluice::audit
