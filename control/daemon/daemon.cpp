#include "control/daemon/daemon.hpp"

#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <utility>

#include "control/admin/server.hpp"
#include "control/daemon/log.hpp"
#include "control/daemon/notify.hpp"
#include "control/daemon/place.hpp"
#include "control/daemon/socket_store.hpp"
#include "control/daemon/upgrader.hpp"
#include "control/daemon/watchdog.hpp"
#include "control/io/notifier.hpp"
#include "control/protocol/version.hpp"
#include "control/state/journal_store.hpp"
#include "proxy/base/signal_mask.hpp"
#include "proxy/net/bind.hpp"
#include "proxy/worker/runtime.hpp"

namespace sluice::daemon {
namespace {

constexpr int kCouldNotStart = 1;

// A connection is a descriptor on either side: all that the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    spdlog::warn("the limit of descriptors stays at {}", limit.rlim_cur);
}

worker::Runtime::PostToControl post_to(boost::asio::io_context& loop) {
  return [&loop](std::function<void()> work) { boost::asio::post(loop, std::move(work)); };
}

// The memory holds private keys, tokens and other people's requests: no core dump, and no other process of
// the same user may read it. Not under AddressSanitizer, whose leak check traces its own process.
void keep_memory_private() {
#if !defined(__SANITIZE_ADDRESS__)
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

std::vector<worker::ListeningSockets> sockets_in(handoff::Parcel& parcel) {
  std::vector<worker::ListeningSockets> all;
  for (auto& sockets : parcel.listeners)
    all.push_back({sockets.descriptors.release(), sockets.name, sockets.bind, sockets.lent});
  return all;
}

std::vector<admin::ListeningSocket> admin_sockets_in(handoff::Parcel& parcel) {
  std::vector<admin::ListeningSocket> all;
  for (auto& sockets : parcel.admin)
    for (const int fd : sockets.descriptors.release()) all.push_back({sockets.name, sockets.bind, fd});
  return all;
}

// The descriptors stay the parcel's.
change::Knowledge knowledge_in(handoff::Parcel& parcel) {
  return {std::move(parcel.knowledge), parcel.memories.all()};
}

int lock_in(handoff::Parcel& parcel) {
  const auto lock = parcel.lock.release();
  return lock.empty() ? -1 : lock.front();
}

// Where this process was started from.
std::string own_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

handoff::Program program_of(const DaemonOptions& options, const handoff::Parcel& parcel) {
  return {parcel.program.empty() ? own_path() : parcel.program, options.arguments, {}};
}

worker::RuntimeOptions runtime_options(const config::Spec& spec, handoff::Parcel& parcel) {
  worker::RuntimeOptions options;
  options.workers = spec.workers > 0 ? spec.workers : std::max(1u, std::thread::hardware_concurrency());
  options.access_log = spec.access_log;
  options.inherited = sockets_in(parcel);
  return options;
}

change::Options control_options(const DaemonOptions& options) {
  change::Options made;
  made.config_file = options.config_file;
  made.state_dir = options.state_dir;
  made.version = protocol::kVersion;
  return made;
}

std::unique_ptr<state::Store> store_of(const DaemonOptions& options, state::FileSystem& files) {
  return std::make_unique<state::JournalStore>(files, options.state_dir.value_or(options.spec.state_dir));
}

// The process before this one goes on, with the same sockets and the same journal: nothing here may be closed
// in order, which would close it there as well.
void give_up(const std::string& why) {
  spdlog::error("this process is not to take over: {}", why);
  stop_log();
  ::_exit(kCouldNotStart);
}

// Everything that runs, in the order in which it has to begin, and in reverse to end.
class Daemon {
 public:
  // `predecessor` outlives it; null: this process takes nobody's place, and the parcel has what the service
  // manager passed.
  Daemon(DaemonOptions options, handoff::Predecessor* predecessor, handoff::Parcel parcel);
  int run();

 private:
  boost::asio::awaitable<void> live();
  boost::asio::awaitable<std::string> start();
  void be_the_service();
  void tell_alive();
  void keep_sockets();
  void open_door();
  void warn_of_unused_sockets() const;
  boost::asio::awaitable<void> serve_signals();
  boost::asio::awaitable<void> reload();
  void upgrade();
  boost::asio::awaitable<void> leave();
  boost::asio::awaitable<void> shut_down();
  boost::asio::awaitable<void> predecessor_ended();
  void watch_for_a_second_signal();
  std::string status_line() const;

  DaemonOptions options_;
  handoff::Predecessor* const predecessor_;
  handoff::Parcel parcel_;  // what is left of it
  const std::unique_ptr<state::FileSystem> files_;
  Notify notify_ = Notify::from_environment();
  SocketStore store_;
  boost::asio::io_context loop_{1};
  boost::asio::signal_set signals_{loop_, SIGTERM, SIGINT};
  worker::Runtime workers_;
  change::Control control_;
  admin::Server admin_;
  Upgrader upgrader_;
  handoff::Door door_;
  std::uint64_t told_generation_ = 0;  // to the service manager
  int exit_code_ = 0;
};

Daemon::Daemon(DaemonOptions options, handoff::Predecessor* predecessor, handoff::Parcel parcel)
    : options_(std::move(options)),
      predecessor_(predecessor),
      parcel_(std::move(parcel)),
      files_(state::posix_files_with(lock_in(parcel_))),
      store_(notify_, inventory_of(parcel_)),
      workers_(post_to(loop_), runtime_options(options_.spec, parcel_)),
      control_(loop_, workers_, store_of(options_, *files_), options_.spec, control_options(options_)),
      admin_(loop_, control_),
      upgrader_({loop_, control_, admin_, workers_, notify_}, program_of(options_, parcel_),
                !options_.config_file.empty(), parcel_.upgrades),
      door_(loop_.get_executor(), [this](handoff::Visitor visitor) {
        boost::asio::co_spawn(loop_, upgrader_.give_way(std::move(visitor)), boost::asio::detached);
      }) {
  options_.spec = config::Spec();  // control has its own, which reloads replace
  if (predecessor_) notify_.wait_to_be_the_service();
  signals_.add(SIGHUP);
  signals_.add(SIGUSR1);
  signals_.add(SIGUSR2);
  control_.set_admin_listeners(&admin_);
  control_.set_on_listeners([this] {
    keep_sockets();
    open_door();
  });
  control_.set_upgrades(&upgrader_);
  upgrader_.follow(predecessor_);
  if (predecessor_) control_.take_over(knowledge_in(parcel_));
  parcel_.memories = {};
  if (predecessor_) predecessor_->on_refused = give_up;
  upgrader_.on_handed_over = [this] {
    door_.close(false);
    signals_.cancel();
  };
}

int Daemon::run() {
  boost::asio::co_spawn(loop_, live(), boost::asio::detached);
  loop_.run();
  // What was closed at the end is told so while all of this still stands.
  loop_.restart();
  loop_.poll();
  return exit_code_;
}

boost::asio::awaitable<void> Daemon::live() {
  const std::string error = co_await start();
  if (error.empty()) {
    co_await serve_signals();
    if (upgrader_.handed_over())
      co_await leave();
    else
      co_await shut_down();
  } else {
    spdlog::error("{}", error);
    if (predecessor_) predecessor_->tell_failed(error);
    exit_code_ = kCouldNotStart;
  }
  door_.close(true);
  admin_.close();
  loop_.stop();
}

boost::asio::awaitable<std::string> Daemon::start() {
  if (std::string error = co_await control_.open(); !error.empty()) co_return error;
  // Before the first client is served: who asks is told that it starts. While another process serves, it is
  // that one who answers.
  std::string error;
  if (!predecessor_) error = admin_.open(control_.spec().admin, admin_sockets_in(parcel_));
  if (error.empty()) error = co_await control_.start();
  if (error.empty() && predecessor_) error = admin_.open(control_.spec().admin, admin_sockets_in(parcel_));
  if (!error.empty()) co_return error;
  spdlog::info("{}", status_line());
  warn_of_unused_sockets();
  if (notify_.somebody_listens())
    boost::asio::co_spawn(loop_,
                          watch_workers(loop_.get_executor(), workers_,
                                        watchdog_pace(notify_.watchdog_limit()), [this] { tell_alive(); }),
                          boost::asio::detached);
  if (predecessor_) {
    spdlog::info("takes over from process {}", parcel_.from);
    predecessor_->tell_ready();
    auto let_go = [this] { be_the_service(); };
    boost::asio::co_spawn(loop_, predecessor_->follow(loop_.get_executor(), let_go), boost::asio::detached);
  } else {
    be_the_service();
  }
  if (options_.on_ready) options_.on_ready(control_, admin_.http_port());
  co_return std::string();
}

// The service manager listens to this process from here on.
void Daemon::be_the_service() {
  notify_.be_the_service();
  notify_.ready(status_line());
  keep_sockets();
  open_door();
  tell_alive();
}

void Daemon::open_door() {
  if (const auto error = door_.open(control_.spec().upgrade.socket); !error.empty())
    spdlog::error("{}; no other container can take this daemon's place", error);
}

void Daemon::tell_alive() {
  notify_.alive();
  const std::uint64_t generation = control_.generation();
  if (std::exchange(told_generation_, generation) != generation) notify_.status(status_line());
}

// For the process that is started should this one die. Sockets of the manager's own units it has anyway.
void Daemon::keep_sockets() {
  if (!notify_.is_the_service()) return;
  std::vector<KeptSockets> wanted;
  for (const auto& one : workers_.listening())
    if (!one.lent) wanted.push_back({name_to_keep(Owner::listener, one.name, one.bind), one.fds});
  for (const auto& one : admin_.listening())
    wanted.push_back({name_to_keep(Owner::admin, one.key, one.bind), {one.fd}});
  store_.keep(wanted);
}

// Clients who connect to such a socket wait for nobody.
void Daemon::warn_of_unused_sockets() const {
  for (const auto& one : workers_.listening())
    if (one.lent && one.bind.empty())
      spdlog::warn(
          "no listener uses the socket {} of the service manager (port {}): FileDescriptorName= is to be a "
          "listener's name, or ListenStream= its address",
          one.name.empty() ? "without a name" : one.name, net::port_of(one.fds.front()));
}

// Until one says that it is over.
boost::asio::awaitable<void> Daemon::serve_signals() {
  while (!upgrader_.handed_over()) {
    const auto [failure, number] =
        co_await signals_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (failure) co_return;
    if (number == SIGHUP) {
      co_await reload();
    } else if (number == SIGUSR1) {
      control_.reopen_logs();
    } else if (number == SIGUSR2) {
      upgrade();
    } else {
      spdlog::info("signal {}: shutting down", number);
      co_return;
    }
  }
}

boost::asio::awaitable<void> Daemon::reload() {
  notify_.reloading();
  change::Message message = protocol::Reload{};
  const auto reply = co_await control_.change(change::invocation_of("signal"), std::move(message));
  if (!reply) spdlog::error("the configuration stays as it was: {}", reply.error().detail);
  notify_.ready(status_line());
}

// Its end is a signal's end as well: serve_signals() goes on meanwhile.
void Daemon::upgrade() {
  const auto report = [](const std::exception_ptr&, const change::Result<protocol::Changed>& done) {
    if (!done) spdlog::error("upgrade: {}", done.error().detail);
  };
  boost::asio::co_spawn(loop_, upgrader_.upgrade(change::invocation_of("signal"), {}), report);
}

// Another process has everything but the clients that are here.
boost::asio::awaitable<void> Daemon::leave() {
  watch_for_a_second_signal();
  std::optional<std::size_t> closed;
  boost::asio::co_spawn(loop_, control_.leave(),
                        [&closed](const std::exception_ptr&, std::size_t count) { closed = count; });
  co_await upgrader_.stand_by([&closed] { return !closed; });
  co_await upgrader_.outlive_successor();
  spdlog::info("replaced and stopped, {} requests or tunnels had to be closed", *closed);
}

boost::asio::awaitable<void> Daemon::shut_down() {
  notify_.stopping("draining");
  door_.close(true);
  store_.keep({});  // who connects is refused, and asks elsewhere
  watch_for_a_second_signal();
  const std::size_t closed = co_await control_.shut_down();
  if (predecessor_) co_await predecessor_ended();
  spdlog::info("stopped, {} requests or tunnels had to be closed", closed);
}

// It has clients left, and systemd would kill it when this process has ended.
boost::asio::awaitable<void> Daemon::predecessor_ended() {
  boost::asio::steady_timer timer(loop_);
  const auto limit = io::Clock::now() + control_.spec().shutdown_timeout;
  while (predecessor_->status() && io::Clock::now() < limit) {
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

// Whoever asks twice does not want to wait.
void Daemon::watch_for_a_second_signal() {
  signals_.async_wait([this](boost::system::error_code failure, int number) {
    if (failure) return;
    if (number == SIGHUP || number == SIGUSR1 || number == SIGUSR2) return watch_for_a_second_signal();
    if (upgrader_.pass_on_termination()) return watch_for_a_second_signal();
    spdlog::warn("signal {} again: not waiting any longer", number);
    loop_.stop();
  });
}

std::string Daemon::status_line() const {
  const change::StatusView view = control_.views().status_now();
  std::string line = "generation " + std::to_string(view.generation) + ", " + std::to_string(view.workers) +
                     " workers, " + std::to_string(view.services.size()) + " services";
  for (const auto& listener : view.listeners)
    line += ", " + listener.name + " on " + listener.bind +
            (listener.bind.ends_with(":0") ? " (port " + std::to_string(listener.port) + ")" : "");
  return line;
}

}  // namespace

int run_daemon(DaemonOptions options) {
  auto predecessor = handoff::Predecessor::from_environment();
  if (predecessor) predecessor->detach();
  start_log(options.log_level);
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  keep_memory_private();
  int exit_code = kCouldNotStart;
  handoff::Parcel parcel;
  if (!predecessor) parcel = parcel_of(passed_descriptors());
  const std::string error =
      predecessor ? predecessor->receive(parcel)
                  : ask_for_a_place(options.spec.upgrade.socket,
                                    options.state_dir.value_or(options.spec.state_dir), predecessor, parcel);
  if (!error.empty()) {
    spdlog::error("{}", error);
    if (predecessor) predecessor->tell_failed(error);
    stop_log();
    return exit_code;
  }
  try {
    std::optional<SignalsBlocked> blocked(std::in_place);  // for the threads that are started here
    Daemon daemon(std::move(options), predecessor ? &*predecessor : nullptr, std::move(parcel));
    blocked.reset();
    exit_code = daemon.run();
  } catch (const std::exception& failure) {
    spdlog::error("{}", failure.what());
  }
  stop_log();
  return exit_code;
}

}  // namespace sluice::daemon
