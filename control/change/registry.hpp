// The live objects by identity: created when first asked for, the same ones as long as any snapshot in force
// names them (C4). Control thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "proxy/observe/live.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

class Registry {
 public:
  explicit Registry(std::size_t workers) : workers_(workers) {}

  std::shared_ptr<observe::ServiceLive> service(const std::string& service);
  std::shared_ptr<observe::PoolLive> pool(const std::string& service, const std::string& pool);
  // A backend is its name and its address: at another address it is another one, with nothing known of its
  // health.
  std::shared_ptr<observe::BackendLive> backend(const std::string& service, const std::string& pool,
                                                const std::string& name, const std::string& address);

  // Forgets what `in_force` does not name; `before` was in force until now. A request under way keeps its own
  // alive.
  void follow(const route::Snapshot& before, const route::Snapshot& in_force);

  std::size_t size() const { return services_.size() + pools_.size() + backends_.size(); }

 private:
  using PoolKey = std::pair<std::string, std::string>;
  using BackendKey = std::tuple<std::string, std::string, std::string, std::string>;

  void keep_only(const route::Snapshot& in_force);

  const std::size_t workers_;
  std::uint32_t next_id_ = 0;
  std::size_t named_ = 0;  // by the snapshot in force
  std::map<std::string, std::shared_ptr<observe::ServiceLive>> services_;
  std::map<PoolKey, std::shared_ptr<observe::PoolLive>> pools_;
  std::map<BackendKey, std::shared_ptr<observe::BackendLive>> backends_;
};

}  // namespace sluice::change
