// The operator's changes as pure functions: a state and a wish go in, the next state or a refusal comes out.
// All or nothing. Whether a pool can serve (C5) and which generation was expected is the caller's to check.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/problem.hpp"
#include "control/protocol/target.hpp"
#include "control/state/diff.hpp"
#include "control/state/state.hpp"

namespace sluice::state {

using protocol::Target;

struct Change {
  State next;            // its generation is one higher if `changed`, else it is the state that was
  bool changed = false;  // false: it was so already
  std::vector<ServiceDiff> shares;    // only services whose shares moved
  std::string before, after;          // texts_between, for people
  std::string undo;                   // the command line that takes it back; empty when nothing changed
  std::vector<std::string> notes;     // sentences on what was left as it is, and why
  std::string why;                    // not changed: why that is so, as a clause
  std::vector<std::string> restored;  // of undo and redo: what is again as it was, a line each
  // Of the edit that it becomes (EditHead).
  std::uint64_t step = 0;
  std::vector<std::uint64_t> undone, redone;
};

template <class T>
using Result = boost::system::result<T, protocol::Problem>;

inline constexpr std::uint32_t kMostWeight = 1000;
inline constexpr std::size_t kMostBackends = 10'000;  // in a pool; beyond it something is adding in a loop

// The shares of one service. They add up to kWhole and pools left out get 0; or `rest` names the pool that
// gets what the others leave, and every pool that has a share now is named.
Result<Change> split(const State& state, const std::string& service, const Table& shares,
                     const std::string& rest = {});

// 100 % to one pool of each service, in one generation (C6).
Result<Change> cutover(const State& state, const std::vector<std::pair<std::string, std::string>>& pools);

// C7: undoes the last shift of each service that is still in force. An active rollout ends, at `now` (Unix
// milliseconds), with the table that was in force before it. Otherwise the last table in which one pool had
// 100 % comes back. A rollback never goes forward: if such a table is in force, it is dropped for good and
// the table before it comes back; when there is no table before it the service stays as it is. A shift that
// somebody took back already is left as it is: see ServiceState::taken_back.
Result<Change> rollback(const State& state, const std::vector<std::string>& services, std::int64_t now = 0);

// Who asks for an undo or a redo, and when (Unix milliseconds). `force`: also when something cannot come
// back.
struct Asked {
  std::string by;
  std::int64_t time = 0;
  bool force = false;
};
// All that can change at run time as it was in `recorded` (restore.hpp). Refused when something of it cannot
// come back; a conflict when shares of a service would move that has an active rollout.
Result<Change> undo(const State& state, const State& recorded, const Asked& asked = {});
// The change from `state` to `next`, which is restored, with what it has to check and to tell.
struct Obstacles;
Result<Change> restored(const State& state, State next, const Obstacles& obstacles, const Asked& asked);
// The same state; `why` as a clause.
Change unchanged(const State& state, std::string why);

// drain, ready, maint. `drain_deadline` (Unix milliseconds) counts for backends that are not draining yet: a
// second drain does not extend (D3).
Result<Change> set_admin(const State& state, const Target& target, Admin admin,
                         std::optional<std::int64_t> drain_deadline = std::nullopt);

// 0 to kMostWeight. Requires: a target with a backend.
Result<Change> set_weight(const State& state, const Target& backend, std::uint32_t weight);

struct NewBackend {
  std::string address;  // empty: that of the removed backend of this name, else the name itself
  std::optional<std::uint32_t> weight;  // absent: that of the removed backend, else 1
};
// Adds a backend, or brings back a configured one that was removed. The caller has checked that the address
// is one. Requires: a target with a backend.
Result<Change> add_backend(const State& state, const Target& backend, const NewBackend& wanted);

// Takes it out at once; draining before is the caller's. Requires: a target with a backend.
Result<Change> remove_backend(const State& state, const Target& backend);

// `next` as what became of `before`: the generation set, the differences named; nothing to undo it with.
Change change_between(const State& before, State next);

// not_found, with a suggestion, when a part of the target is not there.
std::optional<protocol::Problem> missing(const State& state, const Target& target);
std::optional<protocol::Problem> missing_service(const State& state, const std::string& service);

}  // namespace sluice::state
