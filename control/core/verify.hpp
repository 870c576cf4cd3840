// The requests of a plan's `verify`, to every backend of the new pool, before it gets its first share.
// Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "control/core/fetch.hpp"
#include "control/rollout/engine.hpp"

namespace sluice::core {

struct VerifyTarget {
  std::string name, address;
  route::Endpoint endpoint;
  std::shared_ptr<const tls::ClientContext> tls;  // null: in clear
  ProxyVersion proxy_protocol = ProxyVersion::off;
  std::vector<route::Endpoint> also;  // its other addresses
};

// Sets `into` when all passed, or at the first that did not. Without a target it fails.
boost::asio::awaitable<void> verify_all(boost::asio::any_io_executor loop, std::vector<VerifyTarget> targets,
                                        std::vector<config::VerifySpec> requests,
                                        std::shared_ptr<rollout::Verified> into);

// What is wrong with this answer; empty when it is as expected.
std::string unexpected(const config::VerifySpec& wanted, const Fetched& answer);

}  // namespace sluice::core
