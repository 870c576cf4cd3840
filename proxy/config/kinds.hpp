// What a key may hold, beside the type of its member. A spec describes each of its keys once, in
// `fields(self, visit)`: visit("queue_time", self.queue_time, Duration{}). The loader reads by that
// (keys.hpp) and `config show` writes by it (dump.cpp); kinds that stand here without limits are read by a
// function of their own in the load_*.cpp of their room. Pure data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "proxy/config/place.hpp"
#include "proxy/config/syntax.hpp"

namespace sluice::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Behind the kind: a map without the key is complained about.
inline constexpr bool kRequired = true;

using Check = Invalid (*)(std::string_view);

// ---- single values ----

struct Plain {};  // a flag, a duration or a map with keys of its own: the member's type says all
// Texts that are empty are not written: for all that can be empty it means "not there".
struct Text {  // never empty
  Check check = nullptr;
};
struct MaybeEmpty {
  Check check = nullptr;
};
struct File {};      // that this process can read; relative names count from the folder of the configuration
struct FileName {};  // likewise, but it is not looked for
struct Whole {
  std::uint64_t low = 0, high = 0;
};
struct Size {  // "64KiB"
  std::uint64_t low = 0, high = UINT64_MAX;
};
struct Duration {
  milliseconds least = 1ms;
};
struct WholeSeconds {};
struct Percent {  // of a Share
  bool none_is_written = true;
};
struct Fraction {};  // a double, written as a percentage
struct Bind {};      // an address to listen on; port 0: the kernel chooses
struct Origin {};    // where a backend is: HOST:PORT or unix:PATH, ...
struct SrvName {};   // ... or the name of SRV records; of one address both keys are the source

// ---- one of several words ----

template <class T>
struct Word {
  std::string_view word;
  T meaning;
};
// A value without a word, and `unwritten`, are not written.
template <class T>
struct Choice {
  std::span<const Word<T>> words;
  std::optional<T> unwritten = {};
};
struct OneOf {  // of a text
  std::span<const std::string_view> words;
  bool in_quotes = false;  // where YAML would read a number
};

// ---- several values ----

struct ListOf {                     // of maps; also when it is empty
  const char* element;              // "a listener"
  const char* not_empty = nullptr;  // why it must not be; null: it may
};
struct LinesOf {  // as ListOf, each on one line; not written when it is empty
  const char* element;
};
struct Named {       // a map whose keys are the names of its maps
  const char* kind;  // "service"
};

// ---- with a grammar of their own ----

struct Workers {};
struct SocketMode {};
struct TunnelSpread {};  // of an UpgradeSpec: wait, spread:DURATION or paced:N/s
struct NameServers {};
struct Domains {};
struct FixedPools {};
struct Networks {};
struct Protocols {};
struct Shares {};
struct StickyKeys {};
struct RateKey {};
struct Rate {};
struct ExpectedStatus {  // of a spec with expect_low and expect_high
  bool always_range = false;
};
struct RetryCauses {};  // of a RetrySpec
struct GrpcStatuses {};
struct HeaderMatches {};
struct Methods {};
struct Prefixes {};         // of paths; one of them may stand without a list
struct MissingStatuses {};  // from 400 to 499
struct SecretUrl {};        // shown without what stands behind its host
struct SecretHeaders {};    // names and values, of which the values are not shown
struct NoticeKinds {};      // of a list that is all of them when it is empty
struct Patterns {};         // names, or patterns of names
struct GateLimit {};        // its unit is that of the gate's metric
struct ForServices {
};  // a service's key that the file may say once for all: handed on to them when it is loaded

// A spec that describes its keys.
template <class T>
concept HasFields = requires(T& thing, void (*visit)(...)) {
  T::fields(thing, visit);
};

}  // namespace sluice::config
