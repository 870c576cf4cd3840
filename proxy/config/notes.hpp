// What is valid and probably not meant: said at --check, at the start and at a reload. Nothing is refused for
// it.
#pragma once

#include <string>
#include <vector>

#include "proxy/config/complaint.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::config {

// Every note, in the order of the file. Requires: a spec that load() returned (checked and completed).
std::vector<Complaint> notes(const Spec& spec);

// "FILE:LINE:COL: note: what"
std::string note_text(const Complaint& note);

}  // namespace sluice::config
