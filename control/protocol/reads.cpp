#include "control/protocol/reads.hpp"

namespace sluice::protocol {

std::optional<Problem> check(const Explain& explain) {
  if (!explain.url.empty()) return std::nullopt;
  return malformed("the field 'url' is missing", "url");
}

std::optional<Problem> check(const GetConfig& config) {
  if (config.format == "yaml" || config.format == "json") return std::nullopt;
  return malformed("the parameter 'format' must be yaml or json", "format");
}

}  // namespace sluice::protocol
