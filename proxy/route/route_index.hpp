// Which of many routes a host and a path may go by, the first in the order written: hosts by hash, paths by
// radix trees. Immutable; pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/route/host_map.hpp"
#include "proxy/route/path_trees.hpp"

namespace sluice::route {

// The host of an authority: no port, no final dot (example.com. is the same name, said absolutely).
inline std::string_view host_of(std::string_view authority) {
  const auto start = authority.starts_with('[') ? authority.find(']') : 0;
  auto host = authority.substr(0, authority.find(':', start == std::string_view::npos ? 0 : start));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

class RouteIndex {
 public:
  static constexpr std::uint32_t kNone = PathTrees::kNoNumber;

  struct Pattern {
    std::string_view host;  // empty: any; "*.example.com": one or more labels before
    std::string_view path;
  };

  RouteIndex() = default;
  explicit RouteIndex(std::span<const Pattern> patterns);

  // The lowest index of the patterns that match and that `accepts` is true of, or kNone. No allocation.
  template <class Accepts>
  std::uint32_t first(std::string_view authority, std::string_view path, const Accepts& accepts) const {
    std::uint32_t best = kNone;
    if (has_hosts_) best = first_by_host(host_of(authority), path, accepts);
    return trees_.first(any_host_, path, best, accepts);
  }

 private:
  template <class Accepts>
  std::uint32_t first_by_host(std::string_view host, std::string_view path, const Accepts& accepts) const {
    std::uint32_t best = kNone;
    if (!below_.empty())
      for (auto dot = host.find('.', 1); dot != std::string_view::npos; dot = host.find('.', dot + 1))
        best = trees_.first(below_.find(host.substr(dot)), path, best, accepts);
    return trees_.first(exact_.find(host), path, best, accepts);
  }

  PathTrees trees_;
  HostMap exact_;  // trees by host
  HostMap below_;  // trees of wildcards, by what stands behind the '*': from its dot
  std::uint32_t any_host_ = PathTrees::kNoTree;
  bool has_hosts_ = false;
};

}  // namespace sluice::route
