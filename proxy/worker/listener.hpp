// A listening socket of one worker: accepts what is there, hands it over, pauses when descriptors run out
// (X7). Worker only.
#pragma once

#include <list>
#include <memory>

#include "proxy/session/session.hpp"
#include "proxy/worker/proxy_intake.hpp"
#include "proxy/worker/worker.hpp"

namespace sluice::worker {

class Worker::Listener : private net::Poller::Entry, private net::Deadline {
 public:
  // Takes `fd`, a listening non-blocking socket.
  Listener(Worker& worker, std::shared_ptr<const session::ListenerInfo> info, int fd);
  ~Listener() override;

  void update(std::shared_ptr<const session::ListenerInfo> info) { info_ = std::move(info); }
  const std::string& name() const { return info_->name; }

 private:
  void on_events(std::uint32_t) override {
    if (!set()) accept_some();  // not in a pause
  }
  void on_deferred() override { accept_some(); }
  void expired() override { accept_some(); }  // the pause is over
  void accept_some();
  void accept_one(int fd, const IpPort& peer);
  void await_header(int fd, const IpPort& peer);

  Worker& worker_;
  std::shared_ptr<const session::ListenerInfo> info_;
  int fd_;
  std::list<std::unique_ptr<ProxyIntake>> intakes_;  // wait for their PROXY headers
  bool starved_ = false;                             // of descriptors, at the last try
};

}  // namespace sluice::worker
