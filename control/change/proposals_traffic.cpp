// Proposals of a service's traffic: pause, resume, stop (P1), flags (F1), mirror (M1).
#include "control/change/proposals.hpp"
#include "control/change/replies.hpp"
#include "control/state/traffic.hpp"

namespace sluice::change {
namespace {

using Outcome = state::Result<state::Change>;

Proposal hold_proposal(std::string verb, std::string service,
                       std::function<Outcome(const state::State&)> change) {
  Proposal made = named(std::move(verb));
  made.view = [service = std::move(service)](const state::State& state) { return hold_json(state, service); };
  made.change = std::move(change);
  return made;
}

// The one service that `flag` can only mean when none is named; empty when that is not clear.
std::string service_of_flag(const state::State& state, const std::string& flag) {
  if (state.services.size() == 1) return state.services.front().name;
  std::string found;
  for (const auto& service : state.services) {
    if (!service.flag(flag)) continue;
    if (!found.empty()) return {};
    found = service.name;
  }
  return found;
}

}  // namespace

Proposal propose(const Planning&, const Invocation&, protocol::Pause message) {
  return hold_proposal("pause", message.service, [message](const state::State& state) {
    return state::pause(state, message.service, message.max_hold, message.max_queue);
  });
}

Proposal propose(const Planning&, const Invocation&, protocol::Resume message) {
  return hold_proposal("resume", message.service, [message](const state::State& state) {
    return state::resume(state, message.service);
  });
}

Proposal propose(const Planning&, const Invocation&, protocol::Stop message) {
  return hold_proposal("stop", message.service, [message](const state::State& state) {
    return state::stop(state, message.service, message.message);
  });
}

Proposal propose(const Planning& now, const Invocation&, protocol::SetFlag message) {
  Proposal made = named("flag set");
  if (message.service.empty()) message.service = service_of_flag(now.in_force.state, message.flag);
  made.view = [flag = message.flag, service = message.service](const state::State& state) {
    return flag_json(state, flag, service);
  };
  made.change = [message = std::move(message)](const state::State& state) -> Outcome {
    if (message.service.empty())
      return protocol::malformed("of which service? name it: --service S ({\"service\":\"S\"})", "service");
    return state::set_flag(state, message.service, message.flag, message.share, message.config);
  };
  return made;
}

Proposal propose(const Planning&, const Invocation&, protocol::RemoveFlag message) {
  Proposal made = named("flag rm");
  made.view = [flag = message.flag, service = message.service](const state::State& state) {
    return flag_json(state, flag, service);
  };
  made.change = [message = std::move(message)](const state::State& state) {
    return state::remove_flag(state, message.flag, message.service);
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation&, protocol::SetMirror message) {
  Proposal made = named("mirror");
  made.view = [service = message.service](const state::State& state) { return mirror_json(state, service); };
  const state::ServiceState* service = now.in_force.state.service(message.service);
  if (service && !message.to.empty() && message.to == service->stable())
    made.notes.push_back(message.to + " is the stable pool of " + message.service +
                         ": what it serves itself is not copied, only what goes to the other pools");
  made.change = [message = std::move(message)](const state::State& state) {
    std::optional<route::Mirror> wanted;
    if (!message.to.empty()) wanted = route::Mirror{message.to, message.share, message.safe_only};
    auto change = state::set_mirror(state, message.service, wanted);
    if (!change) return change;
    const auto& rollout = state.service(message.service)->rollout;
    if (rollout && rollout->phase == state::RolloutPhase::running && rollout->current().mirror > 0)
      change->notes.push_back("the rollout " + rollout->text() +
                              " mirrors now; this is in force when that step is over");
    return change;
  };
  return made;
}

Proposal propose(const Planning& now, const Invocation& by, protocol::ClearMirror message) {
  protocol::SetMirror off;
  off.service = std::move(message.service);
  return propose(now, by, std::move(off));
}

}  // namespace sluice::change
