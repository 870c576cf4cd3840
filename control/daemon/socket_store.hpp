// The listening sockets that systemd keeps copies of (its file descriptor store): clients who connect while a
// daemon that died is started anew wait instead of being refused. Main thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/daemon/notify.hpp"
#include "control/handoff/parcel.hpp"

namespace sluice::daemon {

// The sockets of one address: whose they are and where they are bound is the name that they are kept under.
struct KeptSockets {
  std::string name;
  std::vector<int> descriptors;
};

enum class Owner : std::uint8_t { listener, admin };
// Empty when the service manager takes no name as long.
std::string name_to_keep(Owner owner, const std::string& name, const std::string& bind);

// What the service manager has passed, as though a process had handed it over: its socket units' as lent,
// what it kept for us as what it was.
handoff::Parcel parcel_of(std::vector<Passed> passed);

// By name, which sockets (inodes) are kept.
using Inventory = std::map<std::string, std::vector<std::uint64_t>>;
Inventory inventory_of(const std::vector<KeptSockets>& sockets);
// All in a parcel that is kept, if parcel.kept.
Inventory inventory_of(const handoff::Parcel& parcel);

// What is kept and not wanted, or no longer the same.
std::vector<std::string> to_forget(const Inventory& kept, const Inventory& wanted);

class SocketStore {
 public:
  // `notify` outlives it; `kept` is there already, if the service manager did as it was asked.
  SocketStore(const Notify& notify, Inventory kept) : notify_(notify), kept_(std::move(kept)) {}
  // These are kept from here on, and no others. The descriptors stay the caller's.
  void keep(const std::vector<KeptSockets>& wanted);

 private:
  const Notify& notify_;
  Inventory kept_;
};

}  // namespace sluice::daemon
