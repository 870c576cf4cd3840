#include "control/change/affected_users.hpp"

#include <boost/json/array.hpp>

namespace sluice::change {

namespace json = boost::json;

Share slots_moved(const state::ServiceState& before, const state::ServiceState& after) {
  const auto then = before.slots.owners(), now = after.slots.owners();
  Share moved = 0;
  for (std::size_t slot = 0; slot < then.size(); ++slot) moved += then[slot] != now[slot];
  return moved;
}

void add_affected_users(protocol::Changed& reply, const state::State& before, const state::State& after,
                        const std::vector<state::ServiceDiff>& moved, const config::Spec& spec) {
  json::object users;
  json::array notes;
  for (const auto& diff : moved) {
    const auto* configured = spec.service(diff.service);
    const auto *then = before.service(diff.service), *now = after.service(diff.service);
    if (!configured || !then || !now) continue;
    if (!configured->sticky) {
      notes.emplace_back(diff.service + ": it has no sticky keys, every request is split on its own");
      continue;
    }
    const Share slots = slots_moved(*then, *now);
    users[diff.service] = format_share(slots);
    notes.emplace_back(diff.service + ": " + format_share(slots) + " of the users move to another pool (" +
                       std::to_string(slots) + " of " + std::to_string(kWhole) + " slots)");
  }
  if (!users.empty()) reply.more["users_moved"] = std::move(users);
  if (!notes.empty()) reply.more["notes"] = std::move(notes);
}

}  // namespace sluice::change
