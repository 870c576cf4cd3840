// A daemon that is started asks the one that is there for its place (configuration: upgrade.socket). Main
// thread, before any other.
#pragma once

#include <optional>
#include <string>

#include "control/handoff/parcel.hpp"
#include "control/handoff/predecessor.hpp"

namespace sluice::daemon {

// Sets `found` and `parcel` when one listens at `socket` and lets this process take over. An error text when
// it does not, or what it hands over would be of no use here; empty, too, when nobody listens there.
std::string ask_for_a_place(const std::string& socket, const std::string& state_dir,
                            std::optional<handoff::Predecessor>& found, handoff::Parcel& parcel);

// Empty when these are sockets of this process's network, and the lock is that of this folder.
std::string why_of_no_use(const handoff::Parcel& parcel, const std::string& state_dir);

}  // namespace sluice::daemon
