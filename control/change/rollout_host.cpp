#include "control/change/rollout_host.hpp"

#include "control/change/replies.hpp"

namespace sluice::change {

boost::asio::awaitable<Result<protocol::Changed>> RolloutHost::make(rollout_driver::Move move) {
  Proposal proposal;
  proposal.verb = std::move(move.verb);
  proposal.view = [services = std::move(move.services)](const state::State& state) {
    return shares_json(state, services);
  };
  proposal.change = std::move(move.change);
  proposal.without_disk = move.back;
  Invocation invocation = invocation_of("rollout", std::move(move.why));
  invocation.options.force = move.back;
  return committer_.commit(std::move(invocation), std::move(proposal));
}

std::optional<protocol::RollbackStatus> RolloutHost::way_back(const std::string& service) const {
  const auto* kept = in_force_.state.service(service);
  return kept ? way_backs_.of(*kept) : std::nullopt;
}

void RolloutHost::event(std::string service, std::string text, boost::json::object detail) {
  recorder_.events.add("rollout", std::move(service), std::move(text), std::move(detail));
}

void RolloutHost::warning(std::string service, std::string text, boost::json::object detail) {
  recorder_.events.add("warning", std::move(service), std::move(text), std::move(detail));
}

}  // namespace sluice::change
