// What became of a service's last shift, beside its shares: that somebody took it back already (C7), and the
// pools that it left and that stay as the way back for a time. Journaled with the service. Pure values.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::state {

// The last shift is not in force any more, and no `rollback` took it back: a rollback that comes now has
// nothing to undo. Kept until the shares move again.
struct TakenBack {
  std::int64_t time = 0;  // Unix milliseconds
  std::string by;         // "the gate", "rollout abort by uid 0 pid 1", "the missing confirmation"
  std::string from, to;   // pools, or the table: "v3", "v2" or "v1=90% v2=10%"
  // "the gate took v3 back to v2 at 2026-11-27 14:02:11Z"
  std::string text() const;
  bool operator==(const TakenBack&) const = default;
};

// Pools that a shift left and that are to stay as they are, so that a rollback finds them.
struct Retained {
  std::vector<std::string> pools;
  std::int64_t until = 0;  // Unix milliseconds
  bool holds(const std::string& pool) const;
  bool operator==(const Retained&) const = default;
};

// A pool that has lost its share, and when: its pages are still in browsers, and ask for its files.
struct LeftPool {
  std::string pool;
  std::int64_t since = 0;  // Unix milliseconds
  bool operator==(const LeftPool&) const = default;
};

boost::json::object to_json(const TakenBack& taken_back);
boost::json::object to_json(const Retained& retained);
boost::json::array to_json(const std::vector<LeftPool>& left);
std::vector<LeftPool> left_from_json(const boost::json::value& value);  // without what is not readable
std::optional<TakenBack> taken_back_from_json(const boost::json::value& value);
std::optional<Retained> retained_from_json(const boost::json::value& value);

}  // namespace sluice::state
