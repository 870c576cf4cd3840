// What control's own connections have in common: how they are opened, and a time limit. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "proxy/route/snapshot.hpp"

namespace sluice::io {

using Socket = boost::asio::generic::stream_protocol::socket;

// Opens and connects `socket`, which outlives it.
boost::asio::awaitable<boost::system::error_code> connect(Socket& socket, route::Endpoint to);

// Closes the socket when the time is over; whatever is under way on it then fails. `socket` outlives it.
class SocketLimit {
 public:
  SocketLimit(Socket& socket, std::chrono::milliseconds time);
  // The callback may be queued already: it must not touch a socket that is gone.
  ~SocketLimit() { *expired_ = true; }
  bool expired() const { return *expired_; }

 private:
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> expired_;
};

}  // namespace sluice::io
