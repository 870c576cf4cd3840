// The checks of `cutover --verify` and `--exec-before`: all of them pass while the new pool has no request
// yet, then the change is made; one that fails leaves everything as it is. Other changes go on meanwhile:
// when one of them moved what was checked, the change is refused. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <vector>

#include "control/change/committer.hpp"

namespace sluice::change {

class Checks {
 public:
  // All of them outlive this.
  Checks(boost::asio::any_io_executor loop, const InForce& in_force, Committer& committer, Recorder& recorder)
      : loop_(std::move(loop)), in_force_(in_force), committer_(committer), recorder_(recorder) {}

  // `proposal` when all checks of these pools passed, or a problem; nothing is held up meanwhile.
  boost::asio::awaitable<Result<Proposal>> pass(Invocation invocation, Proposal proposal,
                                                protocol::StringPairs services,
                                                std::vector<config::VerifySpec> checks);

 private:
  boost::asio::any_io_executor loop_;
  const InForce& in_force_;
  Committer& committer_;
  Recorder& recorder_;
};

}  // namespace sluice::change
