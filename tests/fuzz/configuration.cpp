// T2: a configuration's text, and a plan's.
#include "control/state/state.hpp"
#include "proxy/config/dump.hpp"
#include "proxy/config/load.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {

void configuration(std::string_view bytes) {
  const auto loaded = config::load_text(bytes, "fuzz.yaml");
  require(loaded.spec.has_value() == loaded.complaints.empty(),
          "a configuration or complaints, not both, not none");
  if (loaded.spec) {
    const auto text = config::to_yaml(*loaded.spec);
    const auto again = config::load_text(text, "again.yaml");
    require(again.spec.has_value(), "what `config show` prints can be loaded");
    require(config::to_yaml(*again.spec) == text, "and says the same");
    for (const auto& service : state::from_spec(*loaded.spec).services) {
      config::Share sum = 0;
      for (const auto& pool : service.pools) sum += pool.share;
      require(sum == config::kWhole, "shares add up");
    }
  }
  const auto plan = config::load_plan(bytes, "fuzz.yaml", "p");
  require(plan.plan.has_value() == plan.complaints.empty(), "a plan or complaints");
  if (plan.plan) {
    const auto text = config::to_yaml(*plan.plan);
    const auto again = config::load_plan(text, "again.yaml", "p");
    require(again.plan && config::to_yaml(*again.plan) == text, "a printed plan is the same plan");
  }
}

}  // namespace sluice::fuzz
