#include "control/state/history.hpp"

#include <cassert>

#include "control/state/read_json.hpp"

namespace sluice::state {
namespace {

bool is_of(const PastEdit& edit, std::string_view service) {
  const auto has_its_name = [&](const RecordedService& recorded) { return recorded.name == service; };
  return std::any_of(edit.services.begin(), edit.services.end(), has_its_name) ||
         std::find(edit.gone.begin(), edit.gone.end(), service) != edit.gone.end();
}

}  // namespace

const PastEdit* History::edit_at(std::uint64_t generation) const {
  const auto found = std::find_if(edits_.begin(), edits_.end(),
                                  [&](const PastEdit& edit) { return edit.generation == generation; });
  return found == edits_.end() ? nullptr : &*found;
}

std::optional<State> History::state_at(std::uint64_t generation) const {
  if (generation < oldest() || generation > state_.generation) return std::nullopt;
  std::vector<Unrestored> ignored;
  State state = state_after(base_, edits_until(generation), ignored);
  state.generation = generation;
  return state;
}

std::optional<ServiceState> History::service_at(std::string_view name, std::uint64_t generation) const {
  if (generation < oldest() || generation > state_.generation) return std::nullopt;
  const auto edits = edits_until(generation);
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    if (std::find(edit->gone.begin(), edit->gone.end(), name) != edit->gone.end()) return std::nullopt;
    for (const auto& service : edit->services) {
      if (service.name != name) continue;
      auto read = service_from_json(parse_json(service.json));
      return read ? std::optional(std::move(*read)) : std::nullopt;
    }
  }
  const ServiceState* service = base_.service(name);
  return service ? std::optional(*service) : std::nullopt;
}

std::vector<const PastEdit*> History::latest(std::string_view service, std::size_t limit) const {
  std::vector<const PastEdit*> found;
  for (auto edit = edits_.rbegin(); edit != edits_.rend() && found.size() < limit; ++edit)
    if (service.empty() || is_of(*edit, service)) found.push_back(&*edit);
  return found;
}

void History::record(const Edit& edit, PastEdit past) {
  assert(edit.generation > state_.generation);
  apply_edit(state_, edit);
  edits_.push_back(std::move(past));
}

void History::forget(std::size_t count) {
  std::vector<Unrestored> ignored;
  base_ = state_after(base_, std::span(edits_).first(count), ignored);
  edits_.erase(edits_.begin(), edits_.begin() + static_cast<std::ptrdiff_t>(count));
}

std::span<const PastEdit> History::edits_until(std::uint64_t generation) const {
  const auto end = std::find_if(edits_.begin(), edits_.end(),
                                [&](const PastEdit& edit) { return edit.generation > generation; });
  return {edits_.begin(), end};
}

}  // namespace sluice::state
