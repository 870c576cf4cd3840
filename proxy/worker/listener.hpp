// A listening socket of one worker: accepts what is there, hands it over, pauses when descriptors run out (X7). Worker only.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "proxy/session/session.hpp"
#include "proxy/worker/worker.hpp"

namespace sluice::worker {

class Worker::Listener {
 public:
  Listener(Worker& worker, std::shared_ptr<const session::ListenerInfo> info, int fd);
  ~Listener();

  void wait();
  void update(std::shared_ptr<const session::ListenerInfo> info) { info_ = std::move(info); }
  const std::string& name() const { return info_->name; }

 private:
  struct Ready;   // handlers; they hold a token that outlives the listener
  void accept_all();
  void pause();

  Worker& worker_;
  std::shared_ptr<const session::ListenerInfo> info_;
  asio::basic_socket_acceptor<Tcp, Executor> acceptor_;
  asio::steady_timer pause_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice::worker
