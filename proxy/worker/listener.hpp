// A listening socket of one worker: accepts what is there, hands it over, pauses when descriptors run out
// (X7). Worker only.
#pragma once

#include <list>
#include <memory>

#include "proxy/client/connection.hpp"
#include "proxy/net/proxy_header_reader.hpp"
#include "proxy/worker/worker.hpp"

namespace sluice::worker {

class Worker::Listener : private net::Poller::Entry, private net::Deadline {
 public:
  // Takes `fd`, a listening non-blocking socket. `id` is of all workers' sockets of one listener.
  Listener(Worker& worker, std::uint64_t id, std::shared_ptr<const client::ListenerInfo> info, int fd);
  ~Listener() override;

  void update(std::shared_ptr<const client::ListenerInfo> info) { info_ = std::move(info); }
  std::uint64_t id() const { return id_; }
  // Accepts what has come so far, so that no client is lost with the socket. Then it may be destroyed, or
  // goes on for those whose handshakes are under way and destroys itself (Leave::linger).
  void leave(Leave how);
  // Another process has the socket; what is left are the connections whose PROXY headers have not come yet.
  void close_socket();
  std::size_t awaits() const { return header_readers_.size(); }

 private:
  enum class State : std::uint8_t { open, paused, leaving };

  void on_events(std::uint32_t) override {
    if (state_ != State::paused) accept_some();
  }
  void on_deferred() override { accept_some(); }
  void expired() override;
  void accept_some();
  bool accept_next();
  void pause();
  void accept_one(int fd, const IpPort& peer);
  void await_header(int fd, const IpPort& peer);

  Worker& worker_;
  const std::uint64_t id_;
  State state_ = State::open;
  std::shared_ptr<const client::ListenerInfo> info_;
  int fd_;
  std::list<std::unique_ptr<net::ProxyHeaderReader>> header_readers_;  // wait for their PROXY headers
  bool starved_ = false;                                               // of descriptors, at the last try
};

}  // namespace sluice::worker
