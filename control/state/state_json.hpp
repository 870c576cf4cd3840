// States as JSON, for the journal. What is read back is checked as a stranger's: a share table that does not
// add up or a slot without an owner is refused. Unknown fields are ignored, so that an older daemon can read
// a newer one's journal.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <string>

#include "control/state/state.hpp"

namespace sluice::state {

// Why something is not what it should be, as a clause: "its shares do not add up to 100%".
struct Fault {
  std::string why;
};
template <class T>
using Decoded = boost::system::result<T, Fault>;

// T3: a service that could not be restored.
struct Unrestored {
  std::string service;
  std::string why;
};

boost::json::object to_json(const ServiceState& service);
Decoded<ServiceState> service_from_json(const boost::json::value& value);

boost::json::object to_json(const State& state);
// T3: a service that cannot be restored is left out and named in `unrestored`, with the reason; the others
// are restored.
Decoded<State> state_from_json(const boost::json::value& value, std::vector<Unrestored>& unrestored);

// The services of `list` (an array) that can be restored; see state_from_json. An error when a service has no
// name, for then nobody knows what is missing.
Decoded<std::vector<ServiceState>> services_from_json(const boost::json::value& list,
                                                      std::vector<Unrestored>& unrestored);

}  // namespace sluice::state
