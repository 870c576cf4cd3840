// What is still under way in the process whose place this one took (sluicectl upgrade). That process goes on
// with the requests that it has, so a backend is drained and a paused service quiet only when it has none
// left, either. Control thread only.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "proxy/route/snapshot.hpp"

namespace sluice::change {

// What is under way here, for the process that takes this one's place; services without any are left out.
boost::json::object under_way_in(const route::Snapshot& snapshot);
// What the process before this one says of itself; null: it has nothing left. What cannot be read is nothing.
void set_elsewhere(const boost::json::value& said, const route::Snapshot& snapshot);

}  // namespace sluice::change
