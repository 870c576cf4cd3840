#include "control/change/service_memory.hpp"

#include <boost/json/array.hpp>

#include "control/rollout/known_step.hpp"
#include "control/state/read_json.hpp"

namespace sluice::change {

namespace json = boost::json;
using state::field;
using state::number_field;

namespace {

constexpr char kSequences[] = "sequences", kRates[] = "rates";

json::array table_json(const ServiceMemory::Table& table) {
  json::array all;
  for (const auto& [pool, share] : table) all.push_back(json::array{pool, share});
  return all;
}

std::optional<ServiceMemory::Table> table_from(const json::value& value) {
  const auto* all = state::array_field(value, "table");
  if (!all) return std::nullopt;
  ServiceMemory::Table table;
  for (const auto& one : *all) {
    const auto* pair = one.if_array();
    if (!pair || pair->size() != 2 || !pair->front().is_string()) return std::nullopt;
    const auto share = state::number_in<Share>(pair->back());
    if (!share) return std::nullopt;
    table.emplace_back(std::string(pair->front().get_string()), *share);
  }
  return table;
}

// False: there is one that cannot be read.
bool read_breaker(const json::value& value, const char* name, std::optional<observe::Breaker::State>& into) {
  const auto* found = field(value, name);
  if (found) into = rollout::breaker_from(*found);
  return !found || into;
}

}  // namespace

ServiceMemory::Table ServiceMemory::table_of(const std::vector<route::Pool>& pools) {
  Table table;
  for (const auto& pool : pools)
    if (pool.share > 0) table.emplace_back(pool.name, pool.share);
  return table;
}

std::shared_ptr<observe::SplitSequence> ServiceMemory::sequence(const std::string& service,
                                                                const Table& table, std::uint64_t seed) {
  const auto before = before_.find(service);
  if (before != before_.end() && before->second.sequence && before->second.table == table)
    if (auto found = sequences_.find(*before->second.sequence)) return found;
  return sequences_.make(seed);
}

std::shared_ptr<observe::RateTable> ServiceMemory::rates(const std::string& service) {
  const auto before = before_.find(service);
  if (before != before_.end() && before->second.rates)
    if (auto found = rates_.find(*before->second.rates)) return found;
  return rates_.make();
}

std::shared_ptr<observe::Breaker> ServiceMemory::breaker(const std::string& service, std::uint64_t rollout,
                                                         Of of) {
  const auto before = before_.find(service);
  if (before == before_.end() || before->second.rollout != rollout) return nullptr;
  const auto& known = of == Of::users ? before->second.users : before->second.mirrored;
  return known ? std::make_shared<observe::Breaker>(*known) : nullptr;
}

std::vector<int> ServiceMemory::descriptors() const {
  std::vector<int> all;
  for (const int one : {sequences_.descriptor(), rates_.descriptor()})
    if (one >= 0) all.push_back(one);
  return all;
}

json::object ServiceMemory::known(const route::Snapshot& snapshot) const {
  json::array memories;
  if (sequences_.descriptor() >= 0) memories.push_back(kSequences);
  if (rates_.descriptor() >= 0) memories.push_back(kRates);
  json::object all;
  for (const auto& service : snapshot.services) {
    json::object made{{"table", table_json(table_of(service.pools))}, {"rollout", service.rollout}};
    if (const auto place = sequences_.place_of(service.sequence)) made["sequence"] = *place;
    if (const auto place = rates_.place_of(service.rates)) made["rates"] = *place;
    if (service.breaker) made["breaker"] = rollout::to_json(service.breaker->state());
    if (service.mirror && service.mirror->shadow)
      made["mirrored_breaker"] = rollout::to_json(service.mirror->shadow->breaker->state());
    all[service.spec.name] = std::move(made);
  }
  return {{"memories", std::move(memories)}, {"services", std::move(all)}};
}

std::optional<ServiceMemory::Before> ServiceMemory::read(const json::value& value) {
  auto table = table_from(value);
  const auto rollout = number_field<std::uint64_t>(value, "rollout");
  if (!table || !rollout) return std::nullopt;
  Before before{std::move(*table),
                number_field<std::uint32_t>(value, "sequence"),
                number_field<std::uint32_t>(value, "rates"),
                *rollout,
                std::nullopt,
                std::nullopt};
  if (!read_breaker(value, "breaker", before.users) ||
      !read_breaker(value, "mirrored_breaker", before.mirrored))
    return std::nullopt;
  return before;
}

bool ServiceMemory::adopt(const json::value& known, const std::vector<int>& descriptors) {
  const auto* memories = state::array_field(known, "memories");
  if (!memories || memories->size() != descriptors.size()) return false;
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    const bool adopted = (*memories)[i] == kSequences ? sequences_.adopt(descriptors[i])
                         : (*memories)[i] == kRates   ? rates_.adopt(descriptors[i])
                                                      : false;
    if (!adopted) return false;
  }
  return true;
}

// Every place is taken before the first object is made, which must not come to lie in one.
bool ServiceMemory::remember(const json::value& known, const std::vector<int>& descriptors) {
  const auto* services = field(known, "services");
  if (!services || !services->is_object()) return false;
  std::map<std::string, Before> all;
  for (const auto& [service, value] : services->get_object()) {
    auto before = read(value);
    if (!before) return false;
    all.emplace(service, std::move(*before));
  }
  if (!adopt(known, descriptors)) {
    sequences_ = {};
    rates_ = {};
    return false;
  }
  for (auto& [service, before] : all) {
    if (before.sequence && !sequences_.find(*before.sequence)) before.sequence.reset();
    if (before.rates && !rates_.find(*before.rates)) before.rates.reset();
  }
  before_ = std::move(all);
  return true;
}

}  // namespace sluice::change
