// A stream of accepted changes, each as the edit that the journal gets.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "control/state/apply.hpp"
#include "control/state/edit.hpp"
#include "support/specs.hpp"

namespace sluice::testing {

// The first edit of a journal: the configured state comes into force.
inline state::Edit first_edit() {
  state::Edit edit = state::edit_between({}, state::from_spec(two_services()), "start");
  edit.time = 1'700'000'000'000;
  edit.actor = {0, 1, "root"};
  return edit;
}

// The i-th change to `now`; with i growing by one at a time it always changes something: splits, cutovers of
// both services, weights, drains, backends.
inline state::State changed(const state::State& now, int i) {
  using namespace state;
  const Share share = static_cast<Share>(1000 + 37 * i % 90'000);
  const Target backend{"api", "green", "green-1"}, extra{"web", "blue", "extra"};
  const bool there = now.service("web")->pool("blue")->backend("extra") != nullptr;
  const auto take = [](const Result<Change>& change) {
    if (!change || !change->changed) std::abort();
    return change->next;
  };
  switch (i % 5) {
    case 0:
      return take(split(now, "api", {{"green", share}}, "blue"));
    case 1:
      return take(set_weight(now, backend, static_cast<std::uint32_t>(2 + i % 900)));
    case 2: {
      const char* pool = now.service("web")->stable() == "blue" ? "green" : "blue";
      return take(cutover(now, {{"api", pool}, {"web", pool}}));
    }
    case 3:
      return take(there ? remove_backend(now, extra) : add_backend(now, extra, {"10.0.0.99:80", {}}));
    default:
      return take(set_admin(now, backend,
                            now.service("api")->pool("green")->backend("green-1")->admin == Admin::ready
                                ? Admin::draining
                                : Admin::ready,
                            1000 + i));
  }
}

inline state::Edit edit_of(const state::State& before, const state::State& after, int i) {
  state::Edit edit = state::edit_between(before, after, "change");
  edit.time = 1'700'000'000'000 + i;
  edit.actor = {1000, 4711, "alice"};
  edit.reason = "change " + std::to_string(i);
  return edit;
}

}  // namespace sluice::testing
