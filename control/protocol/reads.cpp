#include "control/protocol/reads.hpp"

#include "control/protocol/report.hpp"

namespace sluice::protocol {

std::optional<Problem> check(const Explain& explain) {
  if (!explain.url.empty()) return std::nullopt;
  return malformed("the field 'url' is missing", "url");
}

std::optional<Problem> check(const GetConfig& config) {
  if (config.format == "yaml" || config.format == "json") return std::nullopt;
  return malformed("the parameter 'format' must be yaml or json", "format");
}

std::optional<Problem> check(const GetReport& report) {
  if (report.format != "json" && report.format != "md" && report.format != "html")
    return malformed("the parameter 'format' must be json, md or html", "format");
  if (report.since && report.rollout != 0)
    return malformed("'since' and 'rollout' exclude each other", "since");
  return std::nullopt;
}

}  // namespace sluice::protocol
