// A connection whose PROXY header is still to come. The header is looked at without taking it off the socket,
// then taken off to the byte: whatever follows, TLS or HTTP, begins where its reader expects it. Worker only.
#pragma once

#include <chrono>
#include <functional>

#include "proxy/net/poller.hpp"
#include "proxy/net/proxy_protocol.hpp"
#include "proxy/net/timer_wheel.hpp"

namespace sluice::net {

class ProxyHeaderReader : private Poller::Entry, private Deadline {
 public:
  // Takes `fd`. `done` is called once, and may destroy this: with what the header said and the descriptor, or
  // with -1 when the connection was refused and closed.
  using Done = std::function<void(int fd, const PeerInfo& caller)>;
  ProxyHeaderReader(Poller& poller, TimerWheel& wheel, int fd, IpPort peer, std::chrono::milliseconds limit,
                    Done done);
  ~ProxyHeaderReader() override;

 private:
  void on_events(std::uint32_t events) override;
  void on_deferred() override {}
  void expired() override { refuse(); }
  void look(bool ended);
  void refuse();

  Poller& poller_;
  int fd_;
  const IpPort peer_;
  Done done_;
};

}  // namespace sluice::net
