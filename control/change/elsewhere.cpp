#include "control/change/elsewhere.hpp"

#include <boost/json/array.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "control/state/read_json.hpp"

namespace sluice::change {

namespace json = boost::json;
using state::field;

namespace {

std::uint64_t number(const json::value& value, std::string_view name) {
  return state::number_field<std::uint64_t>(value, name).value_or(0);
}

json::array backends_of(const route::Service& service) {
  json::array all;
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends)
      if (const auto count = backend.live->in_flight())
        all.push_back(json::object{{"pool", pool.name}, {"name", backend.name}, {"in_flight", count}});
  return all;
}

using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;  // by pool and backend

Counts counts_in(const json::value& said) {
  Counts counts;
  const auto* all = state::array_field(said, "backends");
  if (!all) return counts;
  for (const auto& one : *all) {
    auto pool = state::text_field(one, "pool"), name = state::text_field(one, "name");
    if (pool && name) counts[{std::move(*pool), std::move(*name)}] = number(one, "in_flight");
  }
  return counts;
}

void set_service(const json::value& said, const route::Service& service) {
  service.live->elsewhere.store(number(said, "in_flight"));
  service.live->hold.held_elsewhere.store(static_cast<std::uint32_t>(number(said, "held")));
  const Counts counts = counts_in(said);
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      const auto found = counts.find({pool.name, backend.name});
      backend.live->elsewhere.store(found == counts.end() ? 0 : found->second);
    }
}

}  // namespace

json::object under_way_in(const route::Snapshot& snapshot) {
  json::object all;
  for (const auto& service : snapshot.services) {
    const std::uint64_t in_flight = service.live->under_way_here(), held = service.live->hold.held.load();
    json::array backends = backends_of(service);
    if (in_flight + held == 0 && backends.empty()) continue;
    all[service.spec.name] =
        json::object{{"in_flight", in_flight}, {"held", held}, {"backends", std::move(backends)}};
  }
  return all;
}

void set_elsewhere(const json::value& said, const route::Snapshot& snapshot) {
  static const json::value kNothing;
  for (const auto& service : snapshot.services) {
    const auto* of_service = field(said, service.spec.name);
    set_service(of_service ? *of_service : kNothing, service);
  }
}

}  // namespace sluice::change
