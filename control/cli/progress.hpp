// Shows how far a verb is while its answer is awaited: on a terminal a line that is painted again, elsewhere
// a line in a while, on stderr in either case. Nothing of what is over within a second, and nothing with -o
// json.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "control/cli/client.hpp"
#include "control/cli/print.hpp"
#include "control/screen/progress.hpp"

namespace sluice::cli {

// What is said at this moment; the status is as fresh as can be had. Nothing: there is nothing to say.
using Watch = std::function<std::optional<screen::Progress>(const protocol::Status&,
                                                            std::chrono::milliseconds running)>;

// While it lives, `client` shows the progress whenever it waits for an answer.
class ShownProgress {
 public:
  ShownProgress(Client& client, const Globals& globals, Output& output, Watch watch);
  ~ShownProgress();
  ShownProgress(const ShownProgress&) = delete;
  ShownProgress& operator=(const ShownProgress&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  void look();
  void paint(const screen::Progress& progress);
  void clear();

  Client& client_;
  Client other_;  // asks for the status meanwhile
  Output& output_;
  Watch watch_;
  const bool paints_;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point next_look_;
  bool painted_ = false;
};

// `what`, and nobody knows for how long.
Watch watch_of(const std::string& what);
inline Watch waits_for_daemon() { return watch_of(std::string("waits for the daemon")); }
// What each verb waits for that waits for something of its own.
Watch watch_of(const protocol::Drain& message);
Watch watch_of(const protocol::Remove& message);
Watch watch_of(const protocol::Add& message);
Watch watch_of(const protocol::Cutover& message);
Watch watch_of(const protocol::Wait& message);
Watch watch_of(const protocol::Upgrade& message);
template <class Message>
Watch watch_of(const Message&) {
  return waits_for_daemon();
}

}  // namespace sluice::cli
