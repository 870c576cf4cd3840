#include "control/state/diff.hpp"

#include <set>

#include "control/state/differences.hpp"
#include "control/state/traffic.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

void add_to(std::string& line, const std::string& part) {
  if (!line.empty()) line += "; ";
  line += part;
}

ServiceDiff diff_of(const ServiceState& before, const ServiceState& after) {
  ServiceDiff diff{after.name, {}};
  for (const auto& pool : after.pools) {
    const PoolState* was = before.pool(pool.name);
    diff.pools.push_back({pool.name, was ? was->share : 0, pool.share});
  }
  for (const auto& pool : before.pools)
    if (!after.pool(pool.name)) diff.pools.push_back({pool.name, pool.share, 0});
  return diff;
}

// "absent", or the values of `backend` that are not those of `other`; all of them when there is no other.
std::string text_of(const BackendState* backend, const BackendState* other) {
  if (!backend) return "absent";
  std::string text;
  if (!other) text += " " + backend->address;
  if (other && backend->address != other->address) text += " at " + backend->address;
  if (!other || backend->admin != other->admin) text += " " + std::string(to_string(backend->admin));
  if (other && backend->members != other->members) {
    std::set<std::string> addresses;
    for (const auto* of : {backend, other})
      for (const auto& member : of->members) addresses.insert(member.address);
    for (const auto& address : addresses)
      text += " " + address + " " + std::string(to_string(backend->member(address).admin));
  }
  if (!other || backend->weight != other->weight) text += " weight " + std::to_string(backend->weight);
  return text.empty() ? text : text.substr(1);
}

void add_backend(Texts& texts, const std::string& path, const BackendState* before,
                 const BackendState* after) {
  const std::string was = text_of(before, after), is = text_of(after, before);
  if (was.empty() && is.empty()) return;
  add_to(texts.before, path + " " + was);
  add_to(texts.after, path + " " + is);
}

void add_pool(Texts& texts, const std::string& path, const PoolState& before, const PoolState& after) {
  std::set<std::string> names;
  for (const auto& backend : before.backends) names.insert(backend.name);
  for (const auto& backend : after.backends) names.insert(backend.name);
  for (const auto& name : names)
    add_backend(texts, path + "/" + name, before.backend(name), after.backend(name));
}

// What decides where requests go besides admin states and weights.
bool same_traffic(const ServiceState& a, const ServiceState& b) {
  return a.split() == b.split() && a.slots == b.slots && a.stable() == b.stable();
}

std::string rollout_text(const ServiceState& service) {
  return service.rollout ? service.rollout->text() : "none";
}

void add_rollout(Texts& texts, const ServiceState& before, const ServiceState& after) {
  if (before.rollout != after.rollout) {
    add_to(texts.before, before.name + " rollout " + rollout_text(before));
    add_to(texts.after, after.name + " rollout " + rollout_text(after));
  }
  if (before.unconfirmed.has_value() == after.unconfirmed.has_value()) return;
  add_to(texts.before, before.name + (before.unconfirmed ? " unconfirmed" : " confirmed"));
  add_to(texts.after, after.name + (after.unconfirmed ? " unconfirmed" : " confirmed"));
}

void add_service(Texts& texts, const ServiceState& before, const ServiceState& after) {
  if (!same_traffic(before, after)) {
    add_to(texts.before, before.name + " " + split_text(before));
    add_to(texts.after, after.name + " " + split_text(after));
  }
  add_rollout(texts, before, after);
  for (auto& [was, is] : traffic_texts(before, after)) {
    add_to(texts.before, before.name + " " + was);
    add_to(texts.after, after.name + " " + is);
  }
  for (const auto& pool : after.pools)
    if (const PoolState* was = before.pool(pool.name))
      add_pool(texts, after.name + "/" + pool.name, *was, pool);
}

}  // namespace

std::vector<ServiceDiff> shares_between(const State& before, const State& after) {
  std::vector<ServiceDiff> out;
  each_difference(before, after, [&](const ServiceState* was, const ServiceState* is) {
    if (was && is && was->split() != is->split()) out.push_back(diff_of(*was, *is));
  });
  return out;
}

Texts texts_between(const State& before, const State& after) {
  Texts texts;
  each_difference(before, after, [&](const ServiceState* was, const ServiceState* is) {
    if (is) return;
    add_to(texts.before, was->name + " " + split_text(*was));
    add_to(texts.after, was->name + " absent");
  });
  each_difference(before, after, [&](const ServiceState* was, const ServiceState* is) {
    if (!is) return;
    if (was) return add_service(texts, *was, *is);
    add_to(texts.before, is->name + " absent");
    add_to(texts.after, is->name + " " + split_text(*is));
  });
  return texts;
}

std::string_view to_string(Admin admin) {
  switch (admin) {
    case Admin::ready:
      return "ready";
    case Admin::draining:
      return "draining";
    case Admin::maint:
      return "maint";
  }
  return "";
}

std::string split_text(const ServiceState& service) {
  Table table;
  for (const auto& pool : service.pools) table.emplace_back(pool.name, pool.share);
  return split_text(table);
}

std::string split_text(const Table& table) {
  std::string text;
  for (const auto& [pool, share] : table)
    text += (text.empty() ? "" : " ") + pool + "=" + format_share(share);
  return text;
}

}  // namespace sluice::state
