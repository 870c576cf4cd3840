// What differs between two states, for replies, history and the audit log. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/state/state.hpp"

namespace sluice::state {

struct PoolDiff {
  std::string pool;
  Share before = 0, after = 0;  // 0 where the pool is not there
  bool operator==(const PoolDiff&) const = default;
};

// A service whose shares moved: all its pools in their order, those that are gone last.
struct ServiceDiff {
  std::string service;
  std::vector<PoolDiff> pools;
  bool operator==(const ServiceDiff&) const = default;
};

// For the services of both.
std::vector<ServiceDiff> shares_between(const State& before, const State& after);

// One line each: "api blue=95% green=5%; api/blue/b1 ready". Only what differs; "absent" for what is not
// there.
struct Texts {
  std::string before, after;
};
Texts texts_between(const State& before, const State& after);

// "ready", "draining", "maint".
std::string_view to_string(Admin admin);
// All shares of a service as `sluicectl split` takes them: "blue=95% green=5%".
std::string split_text(const ServiceState& service);
std::string split_text(const Table& table);

}  // namespace sluice::state
