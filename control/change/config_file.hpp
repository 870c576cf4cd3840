// What is to be said of the configuration's file itself after a reload: who changed another file than the
// daemon reads learns so. The usual case is a container with the file mounted alone, and an editor that puts
// a new file in the old one's place. Blocks.
#pragma once

#include <string>

namespace sluice::change {

// "/etc/sluice/sluice.yaml, last changed 2026-11-27T14:02:11.123Z, says what is in force".
std::string why_unchanged(const std::string& path);

// A sentence when what is read at `path` is not what its operator sees elsewhere, or may not be; else empty.
// `unchanged`: it says what it said before.
std::string note_of_mount(const std::string& path, bool unchanged);

}  // namespace sluice::change
