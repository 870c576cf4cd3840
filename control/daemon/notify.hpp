// What the service manager is told (sd_notify) and what it hands over (LISTEN_FDS), by hand: the protocols
// are a datagram and a few variables. Main thread.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

namespace sluice::daemon {

// Sends "READY=1", "STATUS=...", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=..." and the like to
// $NOTIFY_SOCKET; nothing without one. The manager listens to the one process that is the service.
class Notify {
 public:
  // `socket` as in $NOTIFY_SOCKET: a path, or "@" and an abstract name; empty: nobody listens. `watchdog`:
  // within what time the manager wants to hear, 0: it does not say.
  explicit Notify(std::string socket, std::chrono::microseconds watchdog = {});
  static Notify from_environment();  // and takes the variables out of it

  bool somebody_listens() const { return !socket_.empty(); }
  std::chrono::microseconds watchdog_limit() const { return watchdog_; }

  void ready(const std::string& status) const;
  void reloading() const;
  void stopping(const std::string& status) const;
  void status(const std::string& status) const;
  void alive() const;  // for its watchdog
  // It keeps copies of these descriptors under that name, for the process that it starts when this one died;
  // until `forget`.
  void keep(const std::string& name, std::span<const int> descriptors) const;
  void forget(const std::string& name) const;

  // Another process still is the service; until be_the_service() nothing is said.
  bool is_the_service() const { return !silent_; }
  void wait_to_be_the_service() { silent_ = true; }
  void be_the_service() { silent_ = false; }
  // Another process is it from here on.
  void hand_over(int pid);
  // For that process: the variables that from_environment() took away.
  std::vector<std::string> environment() const;

 private:
  void say(const std::string& message, std::span<const int> descriptors = {}) const;
  void send(const std::string& message, std::span<const int> descriptors = {}) const;
  std::string socket_;
  std::chrono::microseconds watchdog_;
  bool silent_ = false;
};

// A descriptor that the service manager has passed: of a socket unit, or one that Notify::keep() gave it.
struct Passed {
  std::string name;  // $LISTEN_FDNAMES
  int descriptor;    // of the caller's
};
// Takes the variables out of the environment. Nothing when they were meant for another process (LISTEN_PID).
std::vector<Passed> passed_descriptors();

}  // namespace sluice::daemon
