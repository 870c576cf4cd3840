#include "control/state/shift.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "control/state/read_json.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {

namespace json = boost::json;

std::string TakenBack::text() const {
  return by + " took " + from + " back to " + to + " at " + time_text(time);
}

bool Retained::holds(const std::string& pool) const {
  return std::find(pools.begin(), pools.end(), pool) != pools.end();
}

json::object to_json(const TakenBack& taken_back) {
  return {{"time", taken_back.time}, {"by", taken_back.by}, {"from", taken_back.from}, {"to", taken_back.to}};
}

json::object to_json(const Retained& retained) {
  return {{"pools", json::array(retained.pools.begin(), retained.pools.end())}, {"until", retained.until}};
}

json::array to_json(const std::vector<LeftPool>& left) {
  json::array out;
  for (const auto& one : left) out.push_back({{"pool", one.pool}, {"since", one.since}});
  return out;
}

std::vector<LeftPool> left_from_json(const json::value& value) {
  std::vector<LeftPool> left;
  if (!value.is_array()) return left;
  for (const auto& one : value.get_array()) {
    const auto pool = text_field(one, "pool");
    const auto since = number_field<std::int64_t>(one, "since");
    if (pool && since) left.push_back({*pool, *since});
  }
  return left;
}

std::optional<TakenBack> taken_back_from_json(const json::value& value) {
  const auto time = number_field<std::int64_t>(value, "time");
  const auto by = text_field(value, "by"), from = text_field(value, "from"), to = text_field(value, "to");
  if (!time || !by || !from || !to) return std::nullopt;
  return TakenBack{*time, *by, *from, *to};
}

std::optional<Retained> retained_from_json(const json::value& value) {
  const auto until = number_field<std::int64_t>(value, "until");
  const auto* pools = array_field(value, "pools");
  if (!until || !pools) return std::nullopt;
  Retained retained{{}, *until};
  for (const auto& pool : *pools)
    if (pool.is_string()) retained.pools.emplace_back(pool.get_string());
  if (retained.pools.empty()) return std::nullopt;
  return retained;
}

}  // namespace sluice::state
