// What the service manager is told (sd_notify) and what it hands over (LISTEN_FDS), by hand: the protocols
// are a datagram and three variables. Main thread.
#pragma once

#include <string>
#include <vector>

#include "proxy/worker/runtime.hpp"

namespace sluice::daemon {

// Sends "READY=1", "STATUS=...", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=..." to $NOTIFY_SOCKET; nothing
// without one.
class Notify {
 public:
  // `socket` as in $NOTIFY_SOCKET: a path, or "@" and an abstract name; empty: nobody listens.
  explicit Notify(std::string socket);
  static Notify from_environment();  // and takes the variable out of it

  void ready(const std::string& status) const;
  void reloading() const;
  void stopping(const std::string& status) const;
  void status(const std::string& status) const;
  // Another process is the service from here on.
  void main_pid(int pid) const;
  // For that process: the variable that from_environment() took away.
  std::vector<std::string> environment() const;

 private:
  void send(const std::string& message) const;
  std::string socket_;
};

// The sockets that were passed to this process, and takes the variables out of the environment. Empty when
// they were meant for another (LISTEN_PID).
std::vector<worker::ListeningSockets> inherited_sockets();

}  // namespace sluice::daemon
