// The checks before the new pool's first user: requests to each of its ready backends, and commands. Control
// thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "control/io/command.hpp"
#include "control/io/http_client.hpp"
#include "control/rollout/engine.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::rollout_driver {

struct VerifyTarget {
  std::string name;
  io::Destination to;
};

// All checks of one pool.
struct Verification {
  std::string service, pool;
  std::vector<VerifyTarget> targets;
  std::vector<config::VerifySpec> checks;
  io::Environment environment;  // of its commands
};

// For a pool of `in_force`. The targets are its ready backends whose addresses are known; none when there is
// no such pool.
Verification verification_of(const route::Snapshot& in_force, const std::string& service,
                             const std::string& pool, std::vector<config::VerifySpec> checks);

// One after the other, requests first, up to the first that does not pass: the verdict is pass or fail.
// Without a target it fails.
boost::asio::awaitable<rollout::Verified> verify(boost::asio::any_io_executor loop, Verification wanted);
// The same; writes the outcome to `into`.
boost::asio::awaitable<void> verify_into(boost::asio::any_io_executor loop, Verification wanted,
                                         std::shared_ptr<rollout::Verified> into);

// What would be done, a sentence for each check.
std::vector<std::string> told(const Verification& wanted);

// What is wrong with this answer; empty when it is as expected.
std::string unexpected(const config::VerifySpec& wanted, const io::HttpAnswer& answer);

}  // namespace sluice::rollout_driver
