// Names that stand for other addresses than before (H4). Published at the same generation: nothing that an
// operator asked for is another now. Only an admin state that ends with its address is a change, and makes a
// generation.
#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "control/change/control_impl.hpp"
#include "proxy/base/suggest.hpp"

namespace sluice::change {
namespace {

using Place = std::pair<std::string, std::string>;  // service, and POOL/BACKEND

std::map<Place, const route::Backend*> looked_up_in(const route::Snapshot& snapshot) {
  std::map<Place, const route::Backend*> all;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends)
        if (!backend.looked_up.empty()) all[{service.spec.name, pool.name + "/" + backend.name}] = &backend;
  return all;
}

std::string addresses_text(const route::Backend& backend) {
  std::vector<std::string> texts;
  for (const auto& endpoint : backend.endpoints) texts.push_back(io::to_string(endpoint));
  return texts.empty() ? "no address" : list_of(texts);
}

}  // namespace

void Control::Impl::listen_to_names() {
  resolver.limits(spec.resolve.min, spec.resolve.max);
  resolver.on_notice = [this](const std::string& text) {
    spdlog::warn("{}", text);
    events.add("warning", "", text);
  };
  prober.on_failed = [this](const std::string& looked_up) { resolver.hurry(looked_up); };
  workers.on_unreachable = [this](std::uint32_t id) {
    const health::MonitoredBackend* backend = health_registry.find(id);
    if (!backend) return;
    backend->live->told_unreachable.store(false);
    resolver.hurry(backend->looked_up);
  };
}

asio::awaitable<void> Control::Impl::follow_names(std::shared_ptr<Impl> self) {
  std::uint64_t seen = 0;
  while (!stopped) {
    if (seen == resolver.changes()) {
      co_await resolver.changed().wait();
      continue;
    }
    const io::AsyncMutex::Held held = co_await turn.take();
    if (stopped) break;
    seen = resolver.changes();
    co_await publish_names();
  }
  self.reset();
}

// Requires: the turn.
asio::awaitable<void> Control::Impl::publish_names() {
  const route::SnapshotPtr before = snapshot;
  if (auto next = without_gone_members()) {
    Request request;
    request.actor.name = "daemon";
    request.options.reason = "the addresses are gone";
    const state::Edit edit = edit_for(request, *next, "resolve");
    route::SnapshotPtr made = publisher.build(spec, *next, snapshot.get());
    co_await put_in_force(edit, std::move(*next), std::move(made), true);
    audit_line(request, "resolve", {edit.before, edit.after}, "done");
  } else {
    route::SnapshotPtr made = publisher.build(spec, state, snapshot.get());
    co_await publish(std::move(made));
  }
  tell_moves(*before, *snapshot);
  follow_drains(std::nullopt);
}

void Control::Impl::tell_moves(const route::Snapshot& before, const route::Snapshot& after) {
  const auto was = looked_up_in(before), is = looked_up_in(after);
  const auto tell = [this](const Place& place, const std::string& what) {
    const std::string text = place.first + "/" + place.second + what;
    spdlog::info("{}", text);
    events.add("resolved", place.first, text);
  };
  for (const auto& [place, backend] : is) {
    const auto former = was.find(place);
    if (former == was.end())
      tell(place, " is new");
    else if (former->second->endpoints != backend->endpoints)
      tell(place, " is at " + addresses_text(*backend) + ", was at " + addresses_text(*former->second));
  }
  for (const auto& [place, backend] : was)
    if (!is.contains(place) && !backend->group.empty()) tell(place, " is gone");
}

std::optional<state::State> Control::Impl::without_gone_members() const {
  std::optional<state::State> next;
  for (const auto& service : state.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) {
        if (backend.members.empty()) continue;
        const auto now = resolver.find(backend.address);
        const auto is_gone = [&](const state::MemberState& member) {
          return std::none_of(now.begin(), now.end(),
                              [&](const auto& one) { return io::to_string(one) == member.address; });
        };
        if (now.empty() || std::none_of(backend.members.begin(), backend.members.end(), is_gone)) continue;
        if (!next) next = state;
        next->generation = state.generation + 1;
        std::erase_if(next->service(service.name)->pool(pool.name)->backend(backend.name)->members, is_gone);
      }
  return next;
}

std::optional<Problem> Control::Impl::missing_member(const Target& target) const {
  if (auto problem = state::missing(state, target)) return problem;
  if (target.backend.empty() || state_of(target.service)->pool(target.pool)->backend(target.backend))
    return std::nullopt;
  const state::BackendState& whole = *state_of(target.service)->pool(target.pool)->backend_of(target.backend);
  std::vector<std::string> members;
  for (const auto& endpoint : resolver.find(whole.address))
    members.push_back(whole.name + "/" + io::to_string(endpoint));
  if (std::find(members.begin(), members.end(), target.backend) != members.end()) return std::nullopt;
  return protocol::not_found(quoted(whole.name) + " has no address " +
                                 quoted(whole.member_in(target.backend)) + " now" +
                                 (members.empty() ? "" : "; there are " + list_of(members)),
                             protocol::did_you_mean(target.backend, members));
}

}  // namespace sluice::change
