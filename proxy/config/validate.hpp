// The checks that need more than one value of a Spec: references, sums, duplicates. Pure.
#pragma once

#include <vector>

#include "proxy/config/complaint.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::config {

// Every complaint, in the order of the file. Holds for specs as written and for completed ones.
std::vector<Complaint> validate(const Spec& spec);
// Of a plan on its own, which was read from `file`.
std::vector<Complaint> validate(const PlanSpec& plan, const std::string& file);

}  // namespace sluice::config
