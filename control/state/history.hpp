// What was published, as far back as it is recorded: a state, the edits after it, and the state that they
// make. In memory, so a change is planned in one turn without waiting for what keeps it (store.hpp). Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "control/state/edit.hpp"

namespace sluice::state {

class History {
 public:
  History() = default;
  // Requires: `latest` is what `edits` make of `base`.
  History(State base, std::vector<PastEdit> edits, State latest)
      : base_(std::move(base)), edits_(std::move(edits)), state_(std::move(latest)) {}

  // Nothing was ever published: a first start.
  bool empty() const { return state_.generation == 0; }
  const State& state() const { return state_; }               // the latest
  const State& base() const { return base_; }                 // before the first edit
  std::span<const PastEdit> edits() const { return edits_; }  // oldest first
  std::uint64_t oldest() const { return std::max<std::uint64_t>(base_.generation, 1); }

  const PastEdit* edit_at(std::uint64_t generation) const;  // that made it; null when it is not recorded
  // As it was at that generation; nothing when it is older than oldest() or not yet there.
  std::optional<State> state_at(std::uint64_t generation) const;
  std::optional<ServiceState> service_at(std::string_view name, std::uint64_t generation) const;
  // The latest first, at most `limit`; of all services when `service` is empty.
  std::vector<const PastEdit*> latest(std::string_view service, std::size_t limit) const;

  // Requires: a generation higher than state().generation. `past` is the edit as it is written down.
  void record(const Edit& edit, PastEdit past);
  // The first `count` edits become part of the base.
  void forget(std::size_t count);

 private:
  std::span<const PastEdit> edits_until(std::uint64_t generation) const;

  State base_;
  std::vector<PastEdit> edits_;
  State state_;
};

}  // namespace sluice::state
