// A rollout and its judgements as the API shows them (protocol/rollout_status.hpp). Pure.
#pragma once

#include <string>
#include <vector>

#include "control/protocol/rollout_status.hpp"
#include "control/rollout/judgement.hpp"
#include "control/state/rollout.hpp"

namespace sluice::rollout {

// What is kept of it. What a watch sees of the present step is added by whoever watches.
protocol::RolloutStatus status_of(const std::string& service, const state::Rollout& rollout);
protocol::GateStatus status_of(const Judgement& judgement);
std::vector<protocol::GateStatus> status_of(const std::vector<Judgement>& judgements);

}  // namespace sluice::rollout
