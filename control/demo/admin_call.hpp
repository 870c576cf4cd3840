// One call of the admin API over its unix socket, as any script would make it.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>

namespace sluice::demo {

struct AdminAnswer {
  int status = 0;
  boost::json::value body;  // null when it is not JSON
};

// Nothing when the daemon does not answer within a few seconds. Blocks; any thread.
std::optional<AdminAnswer> call_admin(const std::string& socket, const std::string& method,
                                      const std::string& path, const boost::json::value* body = nullptr);

}  // namespace sluice::demo
