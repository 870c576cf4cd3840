// Whether a container stands and falls with this process.
#pragma once

#include <string_view>

namespace sluice::daemon {

// It is process 1 of a container, or the one child of an init that containers bring (`docker run --init`),
// which ends with it. Asked at the start: later the parent may be another.
bool leads_container();

// By the process's own number, its parent's, and what process 1 is called.
bool leads_container(int pid, int parent, std::string_view first);

}  // namespace sluice::daemon
