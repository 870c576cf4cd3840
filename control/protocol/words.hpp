// The vocabulary of words(self, visit), in which a verb says what may stand behind it on a command line:
//   visit.word("SERVICE", self.service, kServices)    a word that must be there, and what it completes to
//   visit.maybe("SERVICE", self.service, kServices)   a word that may be missing
//   visit.words("SERVICE", self.services, kServices)  one or more words
//   visit.flag("--message M", self.message, "help")   a flag with a value; without one when it sets a bool.
//                                                     A list takes the flag several times.
//   visit.text("help")                                lines of help between the flags
//   visit.excludes("--off", "--to")                   both at once are wrong
//   visit.needs("--to", "--share")                    the one is wrong without the other
//   visit.dry_run(), visit.force()                    the flags of changes
// The type of a value says how its text is read. The wrappers below say it where the type does not. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/protocol/fields.hpp"
#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

// What a word can be completed to: names that the daemon knows, or `choices` (blanks between them).
struct Completion {
  enum class Names : std::uint8_t {
    none,
    services,
    pools,
    backends,
    targets,
    moves,
    shares,
    notify
  } names = Names::none;
  std::string_view choices = {};
};
inline constexpr Completion kNothing{};
inline constexpr Completion kServices{Completion::Names::services};
inline constexpr Completion kPools{Completion::Names::pools};        // SERVICE/POOL
inline constexpr Completion kBackends{Completion::Names::backends};  // SERVICE/POOL/BACKEND
inline constexpr Completion kTargets{Completion::Names::targets};    // pools and backends
inline constexpr Completion kMoves{Completion::Names::moves};        // SERVICE=POOL
inline constexpr Completion kShares{Completion::Names::shares};      // POOL= of the service in the first word
inline constexpr Completion kNotify{Completion::Names::notify};      // targets of notices
constexpr Completion choices(std::string_view words) { return {Completion::Names::none, words}; }

// A whole number up to `most`.
template <class Number>
struct AtMost {
  Number& value;
  std::uint64_t most;
};
template <class Number>
AtMost<Number> at_most(Number& value, std::uint64_t most) {
  return {value, most};
}

// Likewise, and "/s" may stand behind it.
struct PerSecond {
  std::uint32_t& value;
  std::uint32_t most;
};

// "5%".
template <class Value>
struct Percent {
  Value& value;
};
template <class Value>
Percent<Value> percent(Value& value) {
  return {value};
}
// "5%" as well, and kept as it was written.
struct PercentText {
  std::string& value;
};

// SERVICE/POOL, and not one of its backends.
struct OnlyPool {
  Target& value;
};

// HOST:PORT or unix:PATH, kept as it was written.
struct OriginText {
  std::string& value;
};

// "5%,25%:1h,100%": what stands between the commas.
struct CommaList {
  Strings& value;
};

// JSON, kept as it was written; `null` becomes the empty text.
struct JsonText {
  std::optional<std::string>& value;
};

// One of `words` (blanks between them); else `complaint` says what can be written.
struct OneOf {
  std::string& value;
  std::string_view words, complaint;
};

// Files: as many words as stand behind the flag.
struct FileList {
  Strings& value;
};

// A flag that may carry a duration behind '='.
struct FlagFor {
  bool& value;
  std::optional<milliseconds>& time;
};

}  // namespace sluice::protocol
