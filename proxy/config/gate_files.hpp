// Whether the files that a plan's gates, or targets of notices, name can be used. Blocks on the disk.
#pragma once

#include <string>
#include <vector>

#include "proxy/config/complaint.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::config {

// Whose relative file names count from nowhere the daemon knows: a plan that was sent to it.
enum class FileNames { any, whole };
std::vector<Complaint> check_gate_files(const PlanSpec& plan, const SourceFiles& files,
                                        FileNames names = FileNames::any);
std::vector<Complaint> check_notify_files(const Spec& spec);
std::vector<Complaint> check_tracing_files(const Spec& spec);

}  // namespace sluice::config
