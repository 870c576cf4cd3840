#include "control/state/sentences.hpp"

#include <set>

#include "control/state/diff.hpp"
#include "control/state/differences.hpp"
#include "control/state/traffic.hpp"
#include "proxy/base/values.hpp"

namespace sluice::state {
namespace {

using Lines = std::vector<std::string>;

void add_shares(Lines& lines, const ServiceState& before, const ServiceState& after) {
  std::string moved;
  for (const auto& pool : after.pools) {
    const PoolState* was = before.pool(pool.name);
    const Share share = was ? was->share : 0;
    if (share == pool.share) continue;
    moved += (moved.empty() ? " " : ", ") + pool.name + " " + format_share(share) + " -> " +
             format_share(pool.share);
  }
  if (!moved.empty())
    lines.push_back(after.name + ":" + moved);
  else if (before.stable() != after.stable())
    lines.push_back(after.name + ": the stable pool is " + after.stable() + " again");
  else if (before.slots.owners() != after.slots.owners())
    lines.push_back(after.name + ": each user is in the pool of then");
}

void add_backend(Lines& lines, const std::string& path, const BackendState* was, const BackendState* is) {
  const std::string name = "backend " + path;
  if (!was) return lines.push_back(name + " is back");
  if (!is) return lines.push_back(name + " is out again");
  if (was->address != is->address) lines.push_back(name + " " + was->address + " -> " + is->address);
  if (was->admin != is->admin)
    lines.push_back(name + " " + std::string(to_string(was->admin)) + " -> " +
                    std::string(to_string(is->admin)));
  if (was->weight != is->weight)
    lines.push_back(name + " weight " + std::to_string(was->weight) + " -> " + std::to_string(is->weight));
}

void add_backends(Lines& lines, const ServiceState& before, const ServiceState& after) {
  for (const auto& pool : after.pools) {
    const PoolState* was = before.pool(pool.name);
    if (!was) continue;
    std::set<std::string> names;
    for (const auto& backend : was->backends) names.insert(backend.name);
    for (const auto& backend : pool.backends) names.insert(backend.name);
    for (const auto& name : names)
      add_backend(lines, after.name + "/" + pool.name + "/" + name, was->backend(name), pool.backend(name));
  }
}

// "flag a 50%", "flag a 10%" -> "flag a 50% -> 10%": words that both begin with are said once.
std::string arrow(const std::string& was, const std::string& is) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < was.size() && i < is.size() && was[i] == is[i]; ++i)
    if (was[i] == ' ') same = i + 1;
  return was + " -> " + is.substr(same);
}

}  // namespace

std::vector<std::string> sentences_between(const State& before, const State& after) {
  Lines lines;
  each_difference(before, after, [&](const ServiceState* was, const ServiceState* is) {
    if (!was || !is || *was == *is) return;
    add_shares(lines, *was, *is);
    add_backends(lines, *was, *is);
    for (const auto& [from, to] : traffic_texts(*was, *is))
      lines.push_back(is->name + ": " + arrow(from, to));
  });
  return lines;
}

}  // namespace sluice::state
