// Which events are worth a notice, and what it says. Pure.
#pragma once

#include <optional>

#include "control/change/events.hpp"
#include "control/notify/notice.hpp"

namespace sluice::change {

// Nothing for most events. `generation` is the one in force.
std::optional<notify::Notice> notice_of(const Event& event, std::uint64_t generation);

}  // namespace sluice::change
