// Which backends were told to be down, so that one that comes and goes is not told again and again: down is
// told once until it is up, and up only of what was told. What is taken back after an ejection's time is over
// is up when it has stayed for a while; nobody knows before that it is well. Pure: the time comes in. Control
// thread only.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/notify/outbox.hpp"

namespace sluice::notify {

class BackendsTold {
 public:
  static constexpr std::chrono::minutes kQuiet{1};  // without another ejection

  // True when it is to be told.
  bool down(const std::string& backend);
  bool up(const std::string& backend);
  // It may be up: `notice` is to be told when it has stayed so.
  void perhaps_up(const std::string& backend, Notice notice, Clock::time_point now);
  // Those that have.
  std::vector<Notice> settled(Clock::time_point now);
  // Forgets those that are gone.
  template <class IsThere>
  void keep_only(IsThere is_there) {
    std::erase_if(told_, [&is_there](const auto& entry) { return !is_there(entry.first); });
  }
  bool empty() const { return told_.empty(); }

 private:
  struct Waiting {
    Notice notice;
    Clock::time_point until;
  };
  std::map<std::string, std::optional<Waiting>> told_;  // down, by name; perhaps up again
};

}  // namespace sluice::notify
