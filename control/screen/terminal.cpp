#include "control/screen/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace sluice::screen {

namespace {

using std::chrono::milliseconds;

// Alternate screen (xterm, 1049), cursor away; and back. The colours are reset first: a repaint may have been
// cut.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
constexpr char kLeave[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

// What the signal handlers need. They may come at any time while a Terminal lives, and only then.
struct Taken {
  termios before{}, while_taken{};
  bool keyboard = false;
};
Taken taken;
volatile std::sig_atomic_t resized = 0;

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr int kOurs[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};

// Async-signal-safe, as all that follows up to the class: write() and tcsetattr() only (signal-safety(7)).
bool write_all(const char* data, std::size_t size) {
  while (size > 0) {
    const auto written = ::write(STDOUT_FILENO, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      if (::poll(&ready, 1, 1000) == 1) continue;
    }
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

void take_over() {
  if (taken.keyboard) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &taken.while_taken);
  write_all(kEnter, sizeof kEnter - 1);
}

void give_back() {
  write_all(kLeave, sizeof kLeave - 1);
  if (taken.keyboard) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &taken.before);
}

// Dies of the signal, as a shell expects of what it interrupts: it is blocked here, and comes when this
// returns.
void on_end(int number) {
  give_back();
  std::signal(number, SIG_DFL);
  ::raise(number);
}

void on_stop(int) {
  const int error = errno;
  give_back();
  ::kill(::getpid(), SIGSTOP);
  take_over();  // it goes on
  resized = 1;
  errno = error;
}

void on_resize(int) { resized = 1; }

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigfillset(&action.sa_mask);  // one of them at a time
  ::sigaction(number, &action, nullptr);
}

void handle_signals() {
  for (const int number : kEnding) handle(number, on_end);
  handle(SIGTSTP, on_stop);
  handle(SIGWINCH, on_resize);
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value(environment(name));
    if (value.empty()) continue;
    std::transform(value.begin(), value.end(), value.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

bool can_be_painted(int descriptor) {
  const auto kind = environment("TERM");
  return ::isatty(descriptor) == 1 && !kind.empty() && kind != "dumb";
}

Paper paper_of(int descriptor, bool color) {
  Paper paper;
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    paper.columns = size.ws_col;
    paper.rows = size.ws_row;
  }
  paper.color = color;
  paper.utf8 = speaks_utf8();
  return paper;
}

Terminal::Terminal(bool color)
    : color_(color),
      has_keyboard_(::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &taken.before) == 0) {
  taken.keyboard = has_keyboard_;
  taken.while_taken = taken.before;
  // Keys come one by one and unseen. Ctrl-C and Ctrl-Z stay signals.
  taken.while_taken.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  taken.while_taken.c_cc[VMIN] = 1;
  taken.while_taken.c_cc[VTIME] = 0;
  handle_signals();
  take_over();
}

Terminal::~Terminal() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, &before);
  give_back();
  for (const int number : kOurs) std::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

Paper Terminal::paper() const { return paper_of(STDOUT_FILENO, color_); }

// Each line is cleared behind its end: no flicker, nothing of the former picture stays. One that is full is
// not, since the cursor stands on its last character then, and there is nothing behind it.
bool Terminal::paint(const Lines& lines) {
  const auto now = paper();
  std::string out = "\x1b[H";
  for (std::size_t i = 0; i < lines.size() && i < now.rows; ++i) {
    if (i > 0) out += "\r\n";
    out += lines[i].painted(now);
    if (lines[i].width() < now.columns) out += "\x1b[K";
  }
  if (lines.size() < now.rows) out += "\r\n\x1b[J";
  if (!write_all(out.data(), out.size())) gone_ = true;
  return !gone_;
}

Terminal::Input Terminal::wait(milliseconds limit) {
  constexpr milliseconds kRestOfKey{30};  // an escape sequence comes at once, the Escape key alone
  Input input;
  input.gone = gone_;
  const auto bound = pending_.empty() ? limit : std::min(limit, kRestOfKey);
  const timespec time{bound.count() / 1000, bound.count() % 1000 * 1'000'000};
  pollfd keyboard{STDIN_FILENO, POLLIN, 0};
  sigset_t winch, before;
  ::sigemptyset(&winch);
  ::sigaddset(&winch, SIGWINCH);
  ::sigprocmask(SIG_BLOCK, &winch, &before);  // it may come only while ppoll() waits, which it ends
  const bool waits = resized == 0;
  const timespec none{};
  const int ready = ::ppoll(&keyboard, has_keyboard_ ? 1 : 0, waits ? &time : &none, &before);
  input.resized = resized != 0;
  resized = 0;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (ready > 0) {
    char bytes[256];
    const auto got = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (got > 0) pending_.append(bytes, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) input.gone = gone_ = true;
  }
  input.keys = decode(pending_, ready == 0);
  return input;
}

}  // namespace sluice::screen
