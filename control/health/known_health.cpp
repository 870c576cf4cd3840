#include "control/health/known_health.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>

#include "control/health/eligibility.hpp"
#include "control/io/resolver.hpp"
#include "control/state/read_json.hpp"

namespace sluice::health {

namespace json = boost::json;

namespace {

using observe::Health;
using Microseconds = std::chrono::microseconds;
using Identity = std::tuple<std::string, std::string, std::string>;

std::int64_t micros(io::Clock::time_point time) {
  return std::chrono::duration_cast<Microseconds>(time.time_since_epoch()).count();
}

io::Clock::time_point time_of(std::int64_t micros) { return io::Clock::time_point(Microseconds(micros)); }

std::optional<Health> probed_health(std::string_view text) {
  for (const Health one : {Health::unknown, Health::up, Health::down})
    if (text == to_string(one)) return one;
  return std::nullopt;
}

std::optional<bool> flag_field(const json::value& value, std::string_view name) {
  const auto* found = state::field(value, name);
  const bool* flag = found ? found->if_bool() : nullptr;
  return flag ? std::optional(*flag) : std::nullopt;
}

std::optional<KnownProbes> probes_from(const json::value& value) {
  const auto health = probed_health(state::text_field(value, "health").value_or(""));
  const auto last_ok = flag_field(value, "last_ok"), usable = flag_field(value, "usable");
  const auto in_a_row = state::number_field<int>(value, "in_a_row");
  const auto ramp = state::number_field<std::int64_t>(value, "ramp_us");
  if (!health || !last_ok || !usable || !in_a_row || !ramp) return std::nullopt;
  return KnownProbes{
      {*health, *last_ok, *in_a_row}, state::text_field(value, "error").value_or(""), *usable, *ramp};
}

json::object ejections_json(const KnownEjections& known) {
  json::object made{{"count", known.count.count()}, {"quiet_us", micros(known.count.quiet_since())}};
  if (!known.lasting) return made;
  made["began_us"] = micros(known.lasting->began);
  made["until_us"] = micros(known.until);
  made["passed"] = known.lasting->passed_since;
  return made;
}

std::optional<KnownEjections> ejections_from(const json::value& value) {
  const auto count = state::number_field<int>(value, "count");
  const auto quiet = state::number_field<std::int64_t>(value, "quiet_us");
  if (!count || !quiet) return std::nullopt;
  KnownEjections known{EjectionCount(*count, time_of(*quiet)), std::nullopt, {}};
  if (!state::field(value, "until_us")) return known;
  const auto began = state::number_field<std::int64_t>(value, "began_us");
  const auto until = state::number_field<std::int64_t>(value, "until_us");
  const auto passed = state::number_field<int>(value, "passed");
  if (!began || !until || !passed) return std::nullopt;
  known.lasting = Ejection{time_of(*began), *passed};
  known.until = time_of(*until);
  return known;
}

std::vector<std::string> addresses_of(const MonitoredBackend& backend) {
  std::vector<std::string> all;
  for (const auto& endpoint : backend.to.endpoints) all.push_back(io::to_string(endpoint));
  return all;
}

bool have_one_in_common(const std::vector<std::string>& some, const std::vector<std::string>& others) {
  return std::ranges::any_of(some, [&others](const std::string& address) {
    return std::ranges::find(others, address) != others.end();
  });
}

}  // namespace

json::object to_json(const KnownHealth& known) {
  const auto& health = known.probes.health;
  json::object made{{"service", known.service},
                    {"pool", known.pool},
                    {"name", known.name},
                    {"addresses", json::array(known.addresses.begin(), known.addresses.end())},
                    {"health", to_string(health.health)},
                    {"last_ok", health.last_ok},
                    {"in_a_row", health.in_a_row},
                    {"error", known.probes.error},
                    {"usable", known.probes.usable},
                    {"ramp_us", known.probes.ramp_began_micros}};
  if (known.ejections) made["ejections"] = ejections_json(*known.ejections);
  return made;
}

std::optional<KnownHealth> known_health_from(const json::value& value) {
  const auto service = state::text_field(value, "service"), pool = state::text_field(value, "pool"),
             name = state::text_field(value, "name");
  const auto* addresses = state::array_field(value, "addresses");
  auto probes = probes_from(value);
  if (!service || !pool || !name || !addresses || !probes) return std::nullopt;
  KnownHealth known{*service, *pool, *name, {}, std::move(*probes), std::nullopt};
  for (const auto& address : *addresses)
    if (const auto* text = address.if_string()) known.addresses.emplace_back(*text);
  const auto* ejections = state::field(value, "ejections");
  if (!ejections) return known;
  known.ejections = ejections_from(*ejections);
  return known.ejections ? std::optional(std::move(known)) : std::nullopt;
}

json::array known_health(const HealthRegistry& registry, const OutlierDetector& outliers) {
  json::array all;
  for (const auto& [id, backend] : registry.all()) {
    const KnownProbes probes{backend.probed.health.known(), backend.probed.error, backend.usable,
                             backend.live->ramp_started_micros.load()};
    all.push_back(to_json(
        {backend.service, backend.pool, backend.name, addresses_of(backend), probes, outliers.known(id)}));
  }
  return all;
}

bool remember(const json::value& all, HealthRegistry& registry, OutlierDetector& outliers) {
  if (!all.is_array()) return false;
  std::map<Identity, KnownHealth> known;
  for (const auto& one : all.get_array()) {
    auto read = known_health_from(one);
    if (!read) return false;
    Identity who(read->service, read->pool, read->name);
    known.insert_or_assign(std::move(who), std::move(*read));
  }
  for (const auto& [id, backend] : registry.all()) {
    const auto found = known.find({backend.service, backend.pool, backend.name});
    if (found == known.end() || !have_one_in_common(found->second.addresses, addresses_of(backend))) continue;
    registry.remember(id, found->second.probes);
    if (found->second.ejections) outliers.remember(id, *found->second.ejections);
  }
  return true;
}

}  // namespace sluice::health
