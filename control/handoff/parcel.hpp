// What a daemon hands over to the one that takes its place, and how it goes through a channel: what cannot be
// had a second time, and what the process knows that is in no file. All else is in the journal and in the
// configuration. Main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/handoff/channel.hpp"

namespace sluice::handoff {

// The listening sockets of one address.
struct Sockets {
  std::string name;   // of the listener, or one of kAdmin...
  std::string bind;   // as it is configured
  bool lent = false;  // by the service manager, which keeps them: never to be shut down
  Descriptors descriptors;
};

inline constexpr char kAdminSocket[] = "admin.socket", kAdminHttp[] = "admin.http",
                      kAdminCompat[] = "admin.compat";

struct Parcel {
  std::uint32_t from = 0;      // the process that hands over
  std::uint64_t upgrades = 0;  // that led to the process which takes over
  std::string program;         // where it was started from: a running one that was replaced cannot tell
  std::vector<Sockets> listeners, admin;
  bool kept = false;  // the service manager has copies of all that are not lent
  Descriptors lock;   // of the state folder: one, held by whoever has a copy
  // change::Knowledge: nothing here reads it. One that does not come is none.
  std::string knowledge;
  Descriptors memories;
};

// False: the other side is gone.
bool send(const Channel& channel, const Parcel& parcel);
// An error text, or empty.
std::string receive(Channel& channel, Parcel& parcel);

}  // namespace sluice::handoff
