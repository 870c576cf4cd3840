// Which backends a target means. Pure.
#pragma once

#include <optional>
#include <vector>

#include "control/change/in_force.hpp"
#include "control/io/resolver.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/target.hpp"

namespace sluice::change {

// Whether a target means this backend: the backend, all of the group that it is in, or its whole pool.
bool names(const protocol::Target& target, const route::Backend& backend);

// Of the snapshot in force; valid as long as it is.
std::vector<const route::Backend*> backends_of(const InForce& now, const protocol::Target& target);

// Not found: the service, the pool, the backend, or the address of a backend that stands for several.
std::optional<protocol::Problem> missing_member(const state::State& now, const io::Resolver& resolver,
                                                const protocol::Target& target);

}  // namespace sluice::change
