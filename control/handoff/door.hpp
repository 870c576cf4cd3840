// Where a daemon that nobody here has started, such as the one of a new container, asks for this one's place
// (configuration: upgrade.socket). Control thread only.
#pragma once

#include <sys/types.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "control/handoff/channel.hpp"

namespace sluice::handoff {

// Who asks.
struct Visitor {
  Channel channel;
  Descriptors process;  // pidfd
  int pid = 0;          // 0: its number cannot be seen from here
  uid_t uid = 0;
};

class Door {
 public:
  // `on_visitor` may be called until close().
  Door(boost::asio::any_io_executor loop, std::function<void(Visitor)> on_visitor);
  ~Door();

  // Listens at `path`, where nobody but this process's user gets in; empty: nowhere. What another daemon left
  // there is replaced. An error text, or empty.
  std::string open(const std::string& path);
  // `remove`: nobody else listens there from here on.
  void close(bool remove);

 private:
  struct Listening;
  static boost::asio::awaitable<void> listen(std::shared_ptr<Listening> listening);

  boost::asio::any_io_executor loop_;
  std::function<void(Visitor)> on_visitor_;
  std::shared_ptr<Listening> listening_;  // null: closed
};

}  // namespace sluice::handoff
