// What ManualClient and BackendSide have in common: the bytes that one side sends in the hands of a test, and
// what a side takes while it reads.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "proxy/base/task.hpp"
#include "suspension.hpp"

namespace sluice::exchange {

inline constexpr auto kNever = std::chrono::hours(10'000);

// The bytes that one side of a tunnel sends, until the other takes them.
class TunnelBytes {
 public:
  TunnelBytes(net::Poller& poller, net::TimerWheel& wheel) : reading_(poller, wheel) {}
  void say(std::string_view bytes) {
    said_.append(bytes);
    reading_.wake();
  }
  void finish() {
    finished_ = true;
    reading_.wake();
  }
  void lose() {
    lost_ = true;
    reading_.wake();
  }
  void cancel() { reading_.cancel_wait(); }
  void set_timeout(std::chrono::milliseconds idle) {
    if (reading_.waiting()) reading_.forever(idle);
  }
  Task<StreamStatus> take(std::string_view& bytes, std::chrono::milliseconds idle) {
    while (said_.empty() && !finished_ && !lost_) {
      reading_.forever(idle);
      const auto status = co_await reading_;
      if (status != StreamStatus::ok) co_return status;
    }
    if (lost_) co_return StreamStatus::reset;
    if (said_.empty()) co_return StreamStatus::ended;
    taken_ = std::exchange(said_, {});
    bytes = taken_;
    co_return StreamStatus::ok;
  }

 private:
  Suspension reading_;
  std::string said_, taken_;
  bool finished_ = false, lost_ = false;
};

// Where a fake puts what it is sent, as long as it reads.
class Taker {
 public:
  Taker(net::Poller& poller, net::TimerWheel& wheel) : writing_(poller, wheel) {}
  std::string got;
  void stop_reading() { reading_ = false; }
  void read_again() {
    reading_ = true;
    writing_.wake();
  }
  bool reading() const { return reading_; }
  void lose() {
    lost_ = true;
    writing_.wake();
  }
  void cancel() { writing_.cancel_wait(); }
  Task<StreamStatus> give(std::string_view bytes, std::chrono::milliseconds idle) {
    while (!reading_ && !lost_) {
      writing_.forever(idle);
      const auto status = co_await writing_;
      if (status != StreamStatus::ok) co_return status;
    }
    if (lost_) co_return StreamStatus::reset;
    got.append(bytes);
    co_return StreamStatus::ok;
  }

 private:
  Suspension writing_;
  bool reading_ = true, lost_ = false;
};

}  // namespace sluice::exchange
