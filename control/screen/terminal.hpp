// The terminal that this process has: whether it can be painted on, and one that is taken over until it is
// given back. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "control/screen/keys.hpp"
#include "control/screen/line.hpp"

namespace sluice::screen {

// From the environment: LC_ALL, else LC_CTYPE, else LANG names UTF-8.
bool speaks_utf8();
// It is a terminal on which the cursor can be moved: TERM is set, and not "dumb".
bool can_be_painted(int descriptor);
// The size of the terminal; 80 by 24 where it does not say. `color` as the caller decided it.
Paper paper_of(int descriptor, bool color);

// The whole screen of stdout, and the keyboard, while the object lives. What was on it comes back (alternate
// screen), on whatever way the process ends: by the destructor, SIGINT, SIGTERM, SIGHUP, SIGQUIT (it dies of
// them as it would have), and while it is stopped (SIGTSTP). At most one at a time.
class Terminal {
 public:
  // Requires: can_be_painted(STDOUT_FILENO).
  explicit Terminal(bool color);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool has_keyboard() const { return has_keyboard_; }
  Paper paper() const;
  // False when the terminal is gone.
  bool paint(const Lines& lines);

  struct Input {
    std::vector<Key> keys;
    bool resized = false;  // or it came back from a stop: paint anew
    bool gone = false;     // the terminal was closed
  };
  // Waits for at most `limit`, or until there is something.
  Input wait(std::chrono::milliseconds limit);

 private:
  bool color_;
  bool has_keyboard_;
  bool gone_ = false;
  std::string pending_;  // bytes of a key that is not whole
};

}  // namespace sluice::screen
