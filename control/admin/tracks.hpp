// What the old scripts' metrics count: requests by the track of the pool that answered (active is the stable
// pool, canary any other), not by its name. A cutover puts a pool on the other track and its counters go on,
// so what it had counted until then stays with the track that it was on. No series ever goes backwards, also
// when a pool or a service goes. Control thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/admin/buckets.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::admin {

using Classes = std::array<std::uint64_t, 6>;  // [1]..[5]: 1xx to 5xx

class Tracks {
 public:
  struct Service {
    Classes active{}, canary{};
  };

  // The snapshot in force from now on: to be called after each change, and before reading.
  void follow(route::SnapshotPtr snapshot);

  // Of a service of this snapshot or of one shortly before.
  Service of(const route::Service& service) const;
  // What pools that are gone had recorded.
  const Buckets& gone() const { return gone_; }

 private:
  // Of a service whose pools changed tracks, or went. Others need nothing: their pools' counters say it.
  struct Track {
    struct Pool {
      std::shared_ptr<const observe::PoolLive> live;
      bool active;
      Classes before;  // counted until it came on this track
    };
    Service settled;  // what pools had counted when they changed, or went
    std::vector<Pool> pools;
  };
  static std::vector<Track::Pool> pools_of(const route::Service& service);
  void move(const route::Service& before, const route::Service* after);
  void leave(const route::Snapshot& before, const route::Snapshot& after);

  route::SnapshotPtr followed_ = std::make_shared<const route::Snapshot>();
  std::unordered_map<std::string, Track> tracks_;  // by service
  Buckets gone_;
};

}  // namespace sluice::admin
