// The configuration as it would have to be written for what is in force now. Pure.
#pragma once

#include "control/state/state.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::change {

// `spec` with the shares and backends of `state`.
config::Spec effective_spec(config::Spec spec, const state::State& state);

}  // namespace sluice::change
