// Control: the one place where the routing state changes. Every verb goes the same way (C3): check, journal,
// publish, wait for all workers, reply. One change at a time; a second caller waits its turn. Control thread
// only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/change/events.hpp"
#include "control/change/status.hpp"
#include "control/change/workers.hpp"
#include "control/io/resolver.hpp"
#include "control/protocol/messages.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/traffic.hpp"
#include "control/state/file.hpp"
#include "control/state/store.hpp"
#include "proxy/config/spec.hpp"
#include "proxy/route/snapshot.hpp"

namespace sluice::change {

template <class T>
using Result = boost::system::result<T, protocol::Problem>;

// Who asks, for the audit line (T4) and `history`.
struct Actor {
  std::optional<std::uint32_t> uid, pid;  // of the peer on the unix socket
  std::string token;                      // the name of the token file on admin.http; never the token itself
  std::string name;                       // "signal", "daemon" ... when it is neither
  config::Role role = config::Role::admin;  // what it may do
};
// "uid 1000 pid 4711", "token admin.token", "signal".
std::string to_string(const Actor& actor);

// What every change carries beside its own message.
struct Request {
  Actor actor;
  protocol::ChangeOptions options;
};

// How `wait` and `drain --wait` ended.
struct Waited {
  protocol::Target target;
  std::chrono::milliseconds took{0};
  std::optional<protocol::Drained> drained;  // for drained
};

// One accepted change.
struct HistoryEntry {
  std::uint64_t generation = 0;
  std::chrono::system_clock::time_point time;
  std::string actor, verb, reason;
  std::vector<std::string> services;
  std::string change;  // "api: blue 100% -> 0%, green 0% -> 100%"
};

struct Options {
  std::string config_file;                // for reload(); empty: there is none
  std::optional<std::string> state_dir;   // instead of the configuration's
  std::string version;                    // for status
  std::function<std::uint64_t()> random;  // 64 random bits; the default asks the kernel
  state::FileSystem* files = nullptr;  // for logs and keys in the state folder; the default is the real one
  io::LookUp look_up;                  // of names; the default asks name servers
};

// Where the operator comes in, as a reload changes it: what is new is opened by prepare(), an error text or
// empty, and then it takes effect or is forgotten.
class AdminListeners {
 public:
  virtual ~AdminListeners() = default;
  virtual std::string prepare(const config::AdminSpec& next) = 0;
  virtual void take() = 0;
  virtual void forget() = 0;
};

class Control {
 public:
  // `workers` outlives Control. Requires: a store, not loaded yet.
  Control(boost::asio::io_context& loop, Workers& workers, std::unique_ptr<state::Store> store,
          config::Spec spec, Options options);
  ~Control();

  // Loads the state, merges what is found with the configuration (T1, T2), and binds the listeners. An error
  // text, or empty. From here on all that only looks has an answer.
  boost::asio::awaitable<std::string> open();
  // Builds the first snapshot, lets clients come, starts the workers and the probes. After open(). An error
  // text, or empty. The loop has its turns meanwhile.
  boost::asio::awaitable<std::string> start();
  boost::asio::awaitable<void> started();           // returns when start() has
  void set_admin_listeners(AdminListeners* doors);  // they outlive it; null: a reload leaves them as they are

  // The verbs. Each returns when every worker routes by the new generation. Once begun they run to their end:
  // what waits for one may go, the coroutine may not be cancelled.
  boost::asio::awaitable<Result<protocol::Changed>> split(Request request, protocol::Split message);
  boost::asio::awaitable<Result<protocol::Changed>> cutover(Request request, protocol::Cutover message);
  boost::asio::awaitable<Result<protocol::Changed>> rollback(Request request, protocol::Rollback message);
  boost::asio::awaitable<Result<protocol::Changed>> undo(Request request, protocol::Undo message);
  boost::asio::awaitable<Result<protocol::Changed>> redo(Request request, protocol::Redo message);
  boost::asio::awaitable<Result<protocol::Changed>> drain(Request request, protocol::Drain message);
  boost::asio::awaitable<Result<protocol::Changed>> ready(Request request, protocol::Target target);
  // First seen well while it is still out of the traffic, by fresh probes or, where nothing probes, by a
  // connection. Not in time: nothing was changed.
  boost::asio::awaitable<Result<protocol::Changed>> ready_when_healthy(Request request,
                                                                       protocol::Target target,
                                                                       std::chrono::milliseconds timeout);
  boost::asio::awaitable<Result<protocol::Changed>> maint(Request request, protocol::Target target);
  boost::asio::awaitable<Result<protocol::Changed>> weight(Request request, protocol::Weight message);
  boost::asio::awaitable<Result<protocol::Changed>> add(Request request, protocol::Add message);
  boost::asio::awaitable<Result<protocol::Changed>> remove(Request request, protocol::Remove message);
  boost::asio::awaitable<Result<protocol::Changed>> reload(Request request);
  boost::asio::awaitable<Result<protocol::Changed>> rollout_start(Request request,
                                                                  protocol::RolloutStart message);
  boost::asio::awaitable<Result<protocol::Changed>> rollout_act(Request request,
                                                                protocol::RolloutAct message);
  boost::asio::awaitable<Result<protocol::Changed>> confirm(Request request, protocol::Confirm message);
  boost::asio::awaitable<Result<protocol::Changed>> pause(Request request, protocol::Pause message);
  boost::asio::awaitable<Result<protocol::Changed>> resume(Request request, protocol::Resume message);
  boost::asio::awaitable<Result<protocol::Changed>> stop(Request request, protocol::Stop message);
  boost::asio::awaitable<Result<protocol::Changed>> set_flag(Request request, protocol::SetFlag message);
  boost::asio::awaitable<Result<protocol::Changed>> remove_flag(Request request,
                                                                protocol::RemoveFlag message);
  boost::asio::awaitable<Result<protocol::Changed>> mirror(Request request, protocol::SetMirror message);
  // No change of the state: a token that works until it expires, with an audit line.
  boost::asio::awaitable<Result<protocol::PreviewToken>> preview(Request request,
                                                                 protocol::MintPreview message);

  // A problem `timed_out` when the time is over; the drain or the probing goes on.
  boost::asio::awaitable<Result<Waited>> wait(protocol::Wait message);

  // SIGUSR1: access log and audit log are opened anew.
  // Somebody may not ask for `what`: an audit line and the count of what was refused.
  void turned_away(const Actor& actor, const std::string& what, const std::string& why);
  void reopen_logs();
  // D6: /readyz fails, lame_duck, the workers drain. How many requests and tunnels had to be closed.
  boost::asio::awaitable<std::size_t> shut_down();

  // Blockers of running drains are asked of the workers.
  boost::asio::awaitable<StatusView> status();
  StatusView status_now() const;  // without blockers; for the metrics
  Readiness readiness() const;
  ControlCounters counters() const;
  std::vector<HistoryEntry> history(const std::string& service, std::size_t limit) const;  // the latest first
  // not_found, with a suggestion, unless there is one of that name or it is empty.
  std::optional<protocol::Problem> missing_service(const std::string& service) const;
  Result<RolloutView> rollout(const std::string& service) const;  // not_found when it never had one
  EventLog& events();
  const config::Spec& spec() const;     // the configuration in force
  config::Spec effective_spec() const;  // with what was changed at run time; for `config show`
  // {"FLAG":{"SERVICE":{"enabled_for":"10%","config":{...}}}}
  boost::json::object flags() const;
  route::SnapshotPtr snapshot() const;  // in force; for explain and the metrics
  std::uint64_t generation() const;
  Workers& workers();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the coroutines under way
};

}  // namespace sluice::change
