// The status of the services that a verb is asked about, from the daemon.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "control/cli/client.hpp"
#include "control/protocol/status.hpp"

namespace sluice::cli {

struct Chosen {
  boost::json::value document;  // with the chosen services only
  protocol::Status status;
};

// `pattern` and `sort` as select_services() takes them. A name is the daemon's to find, who says what was
// meant instead. The call waits as long as `limit`.
Result<Chosen> chosen_status(
    Client& client, const std::string& pattern, const std::string& sort,
    std::optional<std::chrono::milliseconds> limit = std::chrono::milliseconds(10'000));

}  // namespace sluice::cli
