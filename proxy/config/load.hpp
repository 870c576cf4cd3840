// From YAML to a Spec, or to everything that is wrong with it. No exception leaves; the file system is only
// asked whether named files can be read. Main thread (it blocks on the disk).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/complaint.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::config {

struct Loaded {
  std::optional<Spec> spec;           // checked and completed; set when there are no complaints
  std::vector<Complaint> complaints;  // in the order of the file
};

Loaded load_file(const std::string& path);

// `file_name` is what complaints call the text. Relative paths in it count from the working directory.
Loaded load_text(std::string_view yaml, const std::string& file_name);

// A document that is one plan (what stands behind a name in `plans`); `name` becomes the plan's.
struct LoadedPlan {
  std::optional<PlanSpec> plan;       // set when there are no complaints
  std::vector<Complaint> complaints;  // in the order of the file
};
// Who wrote it. The journal's was checked when it was accepted; what is refused since then is not refused in
// it.
enum class PlanBy { operators, journal };
LoadedPlan load_plan(std::string_view yaml, const std::string& file_name, const std::string& name,
                     PlanBy by = PlanBy::operators);

}  // namespace sluice::config
