// `sluiced demo --story`: a rollout that fails and one that succeeds, played by a thread that speaks to the
// daemon as an operator's script would, and tells in plain lines what happens and what to look at.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/demo/backend.hpp"
#include "control/protocol/status.hpp"

namespace sluice::demo {

struct StorySetting {
  std::string socket;  // of the admin API
  std::string ctl;     // how sluicectl is called from here
  std::string page;    // the URL of the page
  double pace = 1;     // so many times as fast
};

class Story {
 public:
  using Counts =
      std::function<std::pair<std::uint64_t, std::uint64_t>()>;  // requests of the clients, failures

  // `green` are the backends that fail in it; they, and what `counts` asks, outlive it. `over` is called
  // once, on the story's thread, when it is told to its end or cannot go on; its argument says whether all
  // went as it should.
  Story(StorySetting setting, std::vector<TinyBackend*> green, Counts counts, std::function<void(bool)> over);
  // Stops telling, at once.
  ~Story();

 private:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;
  using Condition = std::function<bool(const protocol::ServiceStatus&)>;

  bool tell();
  bool tell_of_failure();
  bool tell_of_success();
  bool goes_wrong(const std::string& why);
  bool begin_rollout(const char* reason);
  // Waits, in the story's time. False when it is to end.
  bool pause(Seconds seconds);
  // Looks until `condition` holds, telling of each step that is reached; false when it is to end, or never
  // holds.
  bool until(const Condition& condition);
  std::optional<protocol::ServiceStatus> look();
  void tell_step(const protocol::ServiceStatus& service);
  void say(const std::string& text) const;
  void say_what_users_saw(const std::pair<std::uint64_t, std::uint64_t>& before) const;

  const StorySetting setting_;
  const std::vector<TinyBackend*> green_;
  const Counts counts_;
  const Clock::time_point began_ = Clock::now();
  std::uint64_t step_told_ = 0;  // story's thread, as the next
  bool wrong_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;  // guarded by mutex_
  std::thread thread_;
};

// "step 2 of 4: 25% of the users are on green, for at least 15s". Pure.
std::string step_sentence(const protocol::RolloutStatus& rollout);

}  // namespace sluice::demo
