// One accepted change as the journal and `history` keep it: who, when, why, from what to what, and the
// services it left behind. Pure values.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "control/state/state.hpp"
#include "control/state/state_json.hpp"

namespace sluice::state {

struct Actor {
  std::uint32_t uid = 0;
  std::int32_t pid = 0;  // 0: not known
  std::string name;      // the user's, or the token's
  bool operator==(const Actor&) const = default;
};

struct Edit {
  std::uint64_t generation = 0;  // that it made
  std::int64_t time = 0;         // Unix milliseconds
  Actor actor;
  std::string verb;  // "split", "start", "reload" ...
  std::string reason;
  std::string before, after;  // texts_between
  std::string result = "done";
  std::vector<ServiceState> services;  // as they are now, only those it changed
  std::vector<std::string> gone;       // services that a reload took out
  bool operator==(const Edit&) const = default;
};

// The edit that makes `after` of `before`; who, when and why is the caller's to fill in.
Edit edit_between(const State& before, const State& after, std::string verb);
void apply_edit(State& state, const Edit& edit);

boost::json::object to_json(const Actor& actor);
boost::json::object to_json(const Edit& edit);
// A service that cannot be restored is set aside (T3): the edit then counts it among those that are gone.
Decoded<Edit> edit_from_json(const boost::json::value& value, std::vector<SetAside>& set_aside);

}  // namespace sluice::state
