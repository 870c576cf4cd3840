// The process that is to take this one's place: started with a parcel, or one that came for it (door.hpp);
// watched until it says that it is ready or ends. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/handoff/channel.hpp"
#include "control/handoff/parcel.hpp"

namespace sluice::handoff {

// What is run: `arguments` are those of this process, without its name.
struct Program {
  std::string path;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // "NAME=value", beside this process's own
};

class Successor {
 public:
  // An error text when it cannot be started.
  static boost::system::result<std::unique_ptr<Successor>, std::string> start(
      boost::asio::any_io_executor loop, const Program& program, const Parcel& parcel);
  // Likewise for one that runs already. `process` is a pidfd; `pid` is 0 where its number cannot be seen from
  // here, as in another container.
  static boost::system::result<std::unique_ptr<Successor>, std::string> welcome(
      boost::asio::any_io_executor loop, Channel channel, int pid, Descriptors process, const Parcel& parcel);
  // One that was not let go is killed, or told to end if this process has not started it.
  ~Successor();

  int pid() const { return pid_; }  // when it is ready, of the process that takes over
  bool was_started() const { return started_; }
  // Empty when it is ready; else why it is not, and then it has ended.
  boost::asio::awaitable<std::string> ready(std::chrono::milliseconds limit);
  // SIGTERM, as this process got it. Requires: was_started().
  void terminate() const;
  // It goes on when this is destroyed.
  void let_go() { own_ = false; }
  // How this process's clients leave it; a text that predecessor.hpp reads.
  void tell(std::string_view text) const { channel_.send_long(text); }
  // What it says after it was ready; nothing when it has ended.
  boost::asio::awaitable<std::optional<std::string>> hear();
  bool has_ended() const;

 private:
  Successor(boost::asio::any_io_executor loop, Channel channel, int pid, Descriptors process, bool started);
  bool follow(Channel::Message detached);
  void end(const std::string& why);
  std::string why_it_ended();

  boost::asio::any_io_executor loop_;
  Channel channel_;
  boost::asio::posix::stream_descriptor readable_;  // a copy of the channel's, to wait for
  int pid_;
  Descriptors process_;  // pidfd
  const bool started_;   // by this process
  bool is_child_;
  bool own_ = true;
};

}  // namespace sluice::handoff
