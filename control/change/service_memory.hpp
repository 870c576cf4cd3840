// What of a service must not begin anew when another process takes this one's place (sluicectl upgrade), and
// is in no file: its sequence (S3) and its rate limit's table, in memory that both processes have while both
// serve, and the breaker of its rollout (G6), as numbers. Control thread only; what it gives, any thread.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/shared_memory.hpp"
#include "proxy/observe/breaker.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/observe/rate_table.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

class ServiceMemory {
 public:
  // The intervals of a split: pools that have a share, in their order.
  using Table = std::vector<std::pair<std::string, Share>>;
  static Table table_of(const std::vector<route::Pool>& pools);

  // What the process before this one had for this service, with that table or that rollout; else one that
  // begins anew, and no breaker.
  std::shared_ptr<observe::SplitSequence> sequence(const std::string& service, const Table& table,
                                                   std::uint64_t seed);
  std::shared_ptr<observe::RateTable> rates(const std::string& service);
  enum class Of : std::uint8_t { users, mirrored };  // whose requests the breaker counts
  std::shared_ptr<observe::Breaker> breaker(const std::string& service, std::uint64_t rollout, Of of);

  // For the next process: what `snapshot` uses, and where it finds that. The descriptors stay ours.
  boost::json::object known(const route::Snapshot& snapshot) const;
  std::vector<int> descriptors() const;
  // What a process before this one had, with copies of its descriptors() in their order. False when some of
  // it cannot be read: then all of it begins anew. Requires: nothing was made yet.
  bool remember(const boost::json::value& known, const std::vector<int>& descriptors);
  // The next process has it all.
  void hand_over() {
    sequences_.hand_over();
    rates_.hand_over();
  }
  // The first snapshot is made: whatever of it was not used is out of date.
  void forget() { before_.clear(); }

 private:
  struct Before {  // of a service, in the process before this one
    Table table;
    std::optional<std::uint32_t> sequence, rates;
    std::uint64_t rollout = 0;
    std::optional<observe::Breaker::State> users, mirrored;
  };
  static std::optional<Before> read(const boost::json::value& value);
  bool adopt(const boost::json::value& known, const std::vector<int>& descriptors);

  SharedObjects<observe::SplitSequence, 1 << 16> sequences_;
  SharedObjects<observe::RateTable, 1 << 12> rates_;
  std::map<std::string, Before> before_;  // by service
};

}  // namespace sluice::change
