// What control's own connections to backends have in common (probes, verify requests): their address for
// Asio, and a time limit. Control thread only.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "proxy/route/snapshot.hpp"

namespace sluice::core {

boost::asio::ip::tcp::endpoint to_asio(const route::Endpoint& endpoint);

// Closes the socket when the time is over; whatever is under way on it then fails. `socket` outlives it.
class SocketLimit {
 public:
  SocketLimit(boost::asio::ip::tcp::socket& socket, std::chrono::milliseconds time);
  // The callback may be queued already: it must not touch a socket that is gone.
  ~SocketLimit() { *expired_ = true; }
  bool expired() const { return *expired_; }

 private:
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> expired_;
};

}  // namespace sluice::core
