// What ends by itself at a time that the state knows: pools that a shift left are no longer retained, and a
// change that nobody confirmed is taken back (C8). Sleeps until the next of them. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "control/change/committer.hpp"
#include "control/io/background.hpp"
#include "control/io/notifier.hpp"

namespace sluice::change {

class Deadlines {
 public:
  // All of them outlive this.
  Deadlines(boost::asio::any_io_executor loop, const InForce& in_force, Committer& committer,
            Recorder& recorder, io::Background& background);

  // Until stop().
  boost::asio::awaitable<void> run();
  void stop();
  // Another state is in force: there may be a nearer deadline.
  void wake() { wakeup_.notify(); }

  // To be called after each change by `verb`. A pool that was retained `before` and is not now gets an event,
  // a log line and the service's hook: its backends may be tidied away.
  void tell_released(const state::State& before, const std::string& verb);

 private:
  boost::asio::awaitable<void> revert_unconfirmed();
  boost::asio::awaitable<void> end_retentions();
  std::optional<std::int64_t> next() const;  // Unix milliseconds
  void tell(const std::string& service, const std::string& pool, const std::string& ended);
  boost::asio::awaitable<void> run_hook(std::string service, std::string pool, std::string ended,
                                        std::string command);

  boost::asio::any_io_executor loop_;
  const InForce& in_force_;
  Committer& committer_;
  Recorder& recorder_;
  io::Background& background_;
  io::Notifier wakeup_;
  bool stopped_ = false;
};

}  // namespace sluice::change
