// sluicectl import nginx: what it makes of a stranger's file loads.
#include <string>

#include "control/nginx/import.hpp"
#include "proxy/config/load.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {

void nginx_import(std::string_view bytes) {
  const auto imported = nginx::import_text(bytes, "nginx.conf");
  if (!imported) {
    require(!imported.error().what.empty(), "a refusal says what is wrong");
    return;
  }
  const auto loaded = config::load_text(imported->yaml, "imported.yaml");
  const std::string why = loaded.complaints.empty() ? "" : loaded.complaints.front().text();
  require(loaded.spec.has_value(), ("what was imported loads without a complaint: " + why).c_str());
}

}  // namespace sluice::fuzz
