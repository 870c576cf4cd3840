// The keys of TLS session tickets in the state folder: clients resume their sessions after a restart, too.
// Control thread only.
#pragma once

#include <cstdint>

#include "control/change/in_force.hpp"
#include "control/state/file.hpp"
#include "proxy/worker/workers.hpp"

namespace sluice::change {

class TicketKeeper {
 public:
  // All of them outlive this.
  TicketKeeper(worker::Workers& workers, state::FileSystem& files, const InForce& in_force)
      : workers_(workers), files_(files), in_force_(in_force) {}

  // Gives the workers' keys what was kept.
  void restore();
  // Keeps the keys when they have turned. To be called now and then.
  void keep();

 private:
  worker::Workers& workers_;
  state::FileSystem& files_;
  const InForce& in_force_;  // for the state folder
  std::uint64_t kept_ = 0;   // the turn of the keys that are in the state folder; 0: none
};

}  // namespace sluice::change
