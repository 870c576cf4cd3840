#include "control/handoff/successor.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "control/handoff/predecessor.hpp"
#include "control/io/spawn.hpp"
#include "proxy/base/values.hpp"

namespace sluice::handoff {

namespace asio = boost::asio;

namespace {

constexpr int kChannel = 3;  // its number there

// No descriptor of ours but the three and the channel.
int spawn(const Program& program, int channel, pid_t& pid) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, channel, kChannel);
  posix_spawn_file_actions_addclosefrom_np(&files, kChannel + 1);
  io::Spawn what{program.path, {program.path}, program.environment};
  what.words.insert(what.words.end(), program.arguments.begin(), program.arguments.end());
  what.environment.push_back(std::string(kChannelVariable) + "=" + std::to_string(kChannel));
  return io::spawn(std::move(what), files, pid);
}

std::string failed(const char* what, int error) { return std::string(what) + ": " + std::strerror(error); }

}  // namespace

boost::system::result<std::unique_ptr<Successor>, std::string> Successor::start(asio::any_io_executor loop,
                                                                                const Program& program,
                                                                                const Parcel& parcel) {
  auto ends = Channel::pair();
  if (!ends) return failed("no channel", errno);
  // Before it runs: what the channel holds waits for it.
  if (!send(ends->first, parcel)) return failed("the listening sockets cannot be handed over", errno);
  pid_t pid = 0;
  if (const int failure = spawn(program, ends->second.descriptor(), pid))
    return failed(("cannot start " + program.path).c_str(), failure);
  Descriptors process({::pidfd_open(pid, 0)});
  if (process.all().front() < 0) {
    const int failure = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failed("the new process cannot be watched", failure);
  }
  return std::unique_ptr<Successor>(
      new Successor(loop, std::move(ends->first), pid, std::move(process), true));
}

boost::system::result<std::unique_ptr<Successor>, std::string> Successor::welcome(asio::any_io_executor loop,
                                                                                  Channel channel, int pid,
                                                                                  Descriptors process,
                                                                                  const Parcel& parcel) {
  if (!send(channel, parcel)) return std::string("the listening sockets cannot be handed over");
  return std::unique_ptr<Successor>(new Successor(loop, std::move(channel), pid, std::move(process), false));
}

Successor::Successor(asio::any_io_executor loop, Channel channel, int pid, Descriptors process, bool started)
    : loop_(loop),
      channel_(std::move(channel)),
      readable_(loop, copy_of(channel_.descriptor())),
      pid_(pid),
      process_(std::move(process)),
      started_(started),
      is_child_(started) {}

Successor::~Successor() {
  if (!own_) return;
  end("the running daemon goes on");
  why_it_ended();
}

// A signal would not reach a process of another container.
void Successor::end(const std::string& why) {
  if (!started_) return static_cast<void>(channel_.send(kRefused + why));
  ::pidfd_send_signal(process_.all().front(), SIGKILL, nullptr, 0);
}

void Successor::terminate() const { ::pidfd_send_signal(process_.all().front(), SIGTERM, nullptr, 0); }

// It goes on as another process, and the one that was started is over. False: we have no descriptor left for
// it.
bool Successor::follow(Channel::Message detached) {
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
  is_child_ = false;
  pid_ = std::atoi(detached.text.c_str() + std::strlen(kDetached));
  if (detached.descriptors.all().empty()) return ::kill(pid_, SIGKILL), false;
  process_ = std::move(detached.descriptors);
  return true;
}

asio::awaitable<std::string> Successor::ready(std::chrono::milliseconds limit) {
  asio::steady_timer timer(loop_, limit);
  timer.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) readable_.cancel();
  });
  for (;;) {
    const auto [failure] = co_await readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                         asio::as_tuple(asio::use_awaitable));
    if (failure) {
      const std::string why = "it was not ready within " + duration_text(limit);
      end(why + ", the running daemon goes on");
      why_it_ended();
      co_return started_ ? why + ", and was killed" : why;
    }
    auto message = channel_.receive(std::chrono::milliseconds(0));
    if (message && message->text == kReady) co_return std::string();
    if (message && message->text.starts_with(kDetached) && !follow(std::move(*message)))
      co_return "it cannot be watched: no descriptors left";
    if (message && message->text.starts_with(kFailed)) {
      why_it_ended();
      co_return message->text.substr(std::strlen(kFailed));
    }
    if (channel_.is_over()) co_return why_it_ended();
  }
}

asio::awaitable<std::optional<std::string>> Successor::hear() {
  for (;;) {
    const auto [failure] = co_await readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                         asio::as_tuple(asio::use_awaitable));
    if (failure) co_return std::nullopt;
    auto message = channel_.receive(std::chrono::milliseconds(0));
    if (message) co_return std::move(message->text);
    if (channel_.is_over()) co_return std::nullopt;
  }
}

// Waits for the end of one that was started.
std::string Successor::why_it_ended() {
  own_ = false;
  if (!started_) return "it has ended or does not answer, its log says why";
  pollfd over{process_.all().front(), POLLIN, 0};
  while (::poll(&over, 1, -1) < 0 && errno == EINTR) continue;
  int status = 0;
  if (!is_child_ || ::waitpid(pid_, &status, 0) < 0) return "it has ended, its log says why";
  if (WIFEXITED(status))
    return "it exited with " + std::to_string(WEXITSTATUS(status)) + ", its log says why";
  return "it was killed by signal " + std::to_string(WTERMSIG(status));
}

bool Successor::has_ended() const {
  pollfd over{process_.all().front(), POLLIN, 0};
  return ::poll(&over, 1, 0) > 0;
}

}  // namespace sluice::handoff
