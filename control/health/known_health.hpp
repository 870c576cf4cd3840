// What one process knows of its backends' health and no file holds, as it goes to the process that takes its
// place (sluicectl upgrade). Times are of the steady clock, which both read. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/health/health_registry.hpp"
#include "control/health/outlier_detector.hpp"

namespace sluice::health {

struct KnownHealth {
  // Which backend. At none of these addresses it is another one.
  std::string service, pool, name;
  std::vector<std::string> addresses;

  KnownProbes probes;
  std::optional<KnownEjections> ejections;
};

boost::json::object to_json(const KnownHealth& known);
// Nothing when it cannot be read.
std::optional<KnownHealth> known_health_from(const boost::json::value& value);

// All that is known.
boost::json::array known_health(const HealthRegistry& registry, const OutlierDetector& outliers);
// It is known here, too, of the backends that are the same. False: some of it cannot be read, and nothing is
// known that was not before.
bool remember(const boost::json::value& all, HealthRegistry& registry, OutlierDetector& outliers);

}  // namespace sluice::health
