#include "proxy/route/route_index.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::route {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = http::to_lower(c);
  return out;
}

}  // namespace

RouteIndex::RouteIndex(std::span<const Pattern> patterns) {
  std::unordered_map<std::string, std::vector<PathTrees::Prefix>> by_host;
  for (std::uint32_t i = 0; i < patterns.size(); ++i)
    by_host[lower(patterns[i].host)].push_back({patterns[i].path, i});
  for (auto& [host, prefixes] : by_host) {
    const std::uint32_t tree = trees_.add(prefixes);
    if (host.empty())
      any_host_ = tree;
    else if (host.starts_with("*."))
      below_.add(std::string_view(host).substr(1), tree);
    else
      exact_.add(host, tree);
  }
  has_hosts_ = !exact_.empty() || !below_.empty();
}

}  // namespace sluice::route
