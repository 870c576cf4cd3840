// The messages of what is laid over a service's shares, read from a call. See read.hpp.
#pragma once

#include "control/admin/read.hpp"
#include "control/protocol/traffic.hpp"

namespace sluice::admin {

Result<protocol::Pause> read_pause(const Call& call, const Names& names);
Result<protocol::Resume> read_resume(const Call& call, const Names& names);
Result<protocol::Stop> read_stop(const Call& call, const Names& names);

Result<protocol::SetFlag> read_flag(const Call& call, const Names& names);
Result<protocol::RemoveFlag> read_flag_removal(const Call& call, const Names& names);
Result<protocol::SetMirror> read_mirror(const Call& call, const Names& names);
Result<protocol::SetMirror> read_mirror_off(const Call& call, const Names& names);
Result<protocol::MintPreview> read_preview(const Call& call, const Names& names);

}  // namespace sluice::admin
