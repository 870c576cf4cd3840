#include "control/io/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <memory>
#include <optional>

#include "control/io/spawn.hpp"
#include "proxy/base/values.hpp"

namespace sluice::io {
// The spawned group; nothing of it outlives this. (Not in the namespace below: a coroutine's frame holds it.)
class ProcessGroup {
 public:
  explicit ProcessGroup(pid_t leader) : leader_(leader) {}
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;
  ~ProcessGroup() { end(); }

  void kill_all() const { ::kill(-leader_, SIGKILL); }
  // Waits for the leader, which has ended or was killed, and takes what it left behind with it.
  int end() {
    if (ended_) return status_;
    kill_all();
    while (::waitpid(leader_, &status_, 0) < 0 && errno == EINTR) continue;
    // As process 1 of a container this one is now the parent of whom the leader left.
    while (::waitpid(-leader_, nullptr, 0) > 0 || errno == EINTR) continue;
    ended_ = true;
    return status_;
  }

 private:
  const pid_t leader_;
  bool ended_ = false;
  int status_ = 0;
};

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto kCommandToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMostOutput = 2048;

// Its own group, and no descriptor of ours but the pipe.
int spawn_shell(std::string command, const Environment& more, int output, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, 1);
  posix_spawn_file_actions_adddup2(&files, output, 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  Spawn shell{"/bin/sh", {"sh", "-c", std::move(command)}, {}, true};
  for (const auto& [name, value] : more) shell.environment.push_back(name + "=" + value);
  return spawn(std::move(shell), files, pid);
}

CommandResult not_started(const char* step, int failure) {
  CommandResult result;
  result.output = std::string(step) + ": " + std::strerror(failure);
  return result;
}

void keep_the_end(std::string& output, std::string_view more) {
  output.append(more);
  if (output.size() > kMostOutput) output.erase(0, output.size() - kMostOutput);
}

std::string printable(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return text;
}

// What it says until it closes its output; the pipe breaks when the group is killed.
asio::awaitable<std::string> read_output(asio::posix::stream_descriptor& pipe) {
  std::string output;
  char piece[4096];
  while (true) {
    const auto [failure, n] = co_await pipe.async_read_some(asio::buffer(piece), kCommandToken);
    if (failure) break;
    keep_the_end(output, {piece, n});
  }
  co_return printable(std::move(output));
}

CommandResult ended(int status, bool timed_out) {
  CommandResult result;
  if (timed_out) {
    result.end = CommandResult::End::timed_out;
  } else if (WIFEXITED(status)) {
    result.end = CommandResult::End::exited;
    result.code = WEXITSTATUS(status);
  } else {
    result.end = CommandResult::End::killed_by_signal;
    result.code = WTERMSIG(status);
  }
  return result;
}

}  // namespace

std::string CommandResult::text() const {
  const std::string said = output.empty() ? "" : ": " + output;
  switch (end) {
    case End::exited:
      return "exit " + std::to_string(code) + said;
    case End::killed_by_signal:
      return "killed by signal " + std::to_string(code) + said;
    case End::timed_out:
      return "no end within " + duration_text(limit) + ", it was killed" + said;
    case End::not_started:
      return "it could not be started" + said;
  }
  return {};
}

asio::awaitable<CommandResult> run_command(asio::any_io_executor loop, std::string command, Environment more,
                                           std::chrono::milliseconds limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) co_return not_started("pipe", errno);
  asio::posix::stream_descriptor pipe(loop, ends[0]);
  pid_t pid = 0;
  const int failure = spawn_shell(command, more, ends[1], pid);
  ::close(ends[1]);
  if (failure != 0) co_return not_started("spawn", failure);
  ProcessGroup group(pid);
  const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) co_return not_started("pidfd_open", errno);
  asio::posix::stream_descriptor process(loop, descriptor);

  // Both waits share what came first: the end of the command, or of its time.
  const auto timed_out = std::make_shared<std::optional<bool>>();
  asio::steady_timer timer(loop, limit);
  timer.async_wait([timed_out, pid](error_code cancelled) {
    if (cancelled || timed_out->has_value()) return;
    timed_out->emplace(true);
    ::kill(-pid, SIGKILL);
  });
  process.async_wait(asio::posix::stream_descriptor::wait_read, [timed_out, pid](error_code) {
    if (timed_out->has_value()) return;
    timed_out->emplace(false);
    ::kill(-pid, SIGKILL);  // what it left running would keep the pipe open
  });
  std::string output = co_await read_output(pipe);
  // It may have closed its output and go on.
  if (!timed_out->has_value())
    co_await process.async_wait(asio::posix::stream_descriptor::wait_read, kCommandToken);
  const bool late = timed_out->value_or(false);
  const int status = group.end();
  timed_out->emplace(late);
  timer.cancel();
  CommandResult result = ended(status, late);
  result.limit = limit;
  result.output = std::move(output);
  co_return result;
}

}  // namespace sluice::io
