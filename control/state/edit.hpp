// One accepted change as the journal and `history` keep it: who, when, why, from what to what, and the
// services it left behind. Pure values.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <span>
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

struct EditHead {
  std::uint64_t generation = 0;  // that it made
  std::int64_t time = 0;         // Unix milliseconds
  Actor actor;
  std::string verb;  // "split", "start", "reload" ...
  std::string reason;
  std::string before, after;  // texts_between
  std::string result = "done";
  // C9, for walk.hpp: the generation that began the step which this edit goes on with (0: it is a step of its
  // own), and the steps that an undo took back or a redo made again, in that order.
  std::uint64_t step = 0;
  std::vector<std::uint64_t> undone, redone;
  bool operator==(const EditHead&) const = default;
};

struct Edit : EditHead {
  std::vector<ServiceState> services;  // as they are now, only those it changed
  std::vector<std::string> gone;       // services that a reload took out
};

// An edit of the past. Its services stay as they were written: of thousands, few are ever looked at again.
struct RecordedService {
  std::string name;
  std::string json;
  bool operator==(const RecordedService&) const = default;
};
struct PastEdit : EditHead {
  std::vector<RecordedService> services;
  std::vector<std::string> gone;
  bool operator==(const PastEdit&) const = default;
};

// The edit that makes `after` of `before`; who, when and why is the caller's to fill in.
Edit edit_between(const State& before, const State& after, std::string verb);
void apply_edit(State& state, const Edit& edit);

PastEdit recorded(const Edit& edit);
// What `edits` made of `base`. A service that cannot be restored is left out and named in `unrestored` (T3).
State state_after(const State& base, std::span<const PastEdit> edits, std::vector<Unrestored>& unrestored);

std::string to_text(const PastEdit& edit);  // JSON
Decoded<PastEdit> past_edit_from_json(const boost::json::value& value);

}  // namespace sluice::state
