// Control: all that the daemon may be asked. Every change goes the same way (Committer, C3):
// check, journal, publish, wait for all workers, reply. What it is made of stands in control.cpp. Control
// thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "control/change/committer.hpp"
#include "control/change/events.hpp"
#include "control/change/invocation.hpp"
#include "control/change/knowledge.hpp"
#include "control/change/messages.hpp"
#include "control/change/options.hpp"
#include "control/change/reloader.hpp"
#include "control/change/sampler.hpp"
#include "control/change/status_writer.hpp"
#include "control/change/upgrades.hpp"
#include "control/change/waits.hpp"
#include "control/state/store.hpp"
#include "proxy/worker/workers.hpp"

namespace sluice::change {

class Control {
 public:
  // `workers` outlives Control. Requires: a store, not loaded yet.
  Control(boost::asio::io_context& loop, worker::Workers& workers, std::unique_ptr<state::Store> store,
          config::Spec spec, Options options);
  ~Control();

  // Loads the state, merges what is found with the configuration (T1, T2), and binds the listeners. An error
  // text, or empty. From here on all that only looks has an answer.
  boost::asio::awaitable<std::string> open();
  // Builds the first snapshot, lets clients come, starts the workers and the probes. After open(). An error
  // text, or empty. The loop has its turns meanwhile.
  boost::asio::awaitable<std::string> start();
  boost::asio::awaitable<void> started();  // returns when start() has
  // They outlive Control; null: a reload leaves them as they are.
  void set_admin_listeners(AdminListeners* listeners);
  // Called when a reload has put another set of listeners in force, the admin's included.
  void set_on_listeners(std::function<void()> taken);
  // Outlives Control; null: an upgrade is refused.
  void set_upgrades(Upgrades* upgrades);

  // Done when every worker routes by the new generation. Once begun it runs to its end: the caller may go,
  // the coroutine may not be cancelled.
  boost::asio::awaitable<Result<protocol::Changed>> change(Invocation invocation, Message message);
  // No change of the state: a token that works until it expires, with an audit line.
  boost::asio::awaitable<Result<protocol::PreviewToken>> preview(Invocation invocation,
                                                                 protocol::MintPreview message);
  // No change either: a message to one or all targets of notices. A problem when one did not take it.
  boost::asio::awaitable<Result<protocol::NotifyTested>> notify_test(Invocation invocation,
                                                                     protocol::NotifyTest message);
  // A problem `timed_out` when the time is over; the drain or the probing goes on.
  boost::asio::awaitable<Result<protocol::Waited>> wait(protocol::Wait message);

  // Whether the audit log is whole, as it is when this is called; a problem when it cannot be read.
  boost::asio::awaitable<Result<protocol::AuditVerified>> verify_audit();

  // `what` was asked for without the right to it: an audit line, and it counts as refused.
  void access_denied(const Actor& actor, const std::string& what, const std::string& why);
  // SIGUSR1: access log, audit log and judgement log are opened anew.
  void reopen_logs();
  // D6: /readyz fails, lame_duck, the workers drain. How many requests and tunnels had to be closed.
  boost::asio::awaitable<std::size_t> shut_down();

  // For a process that takes over. Nothing changes while the result lives: whoever asks waits. A problem when
  // that cannot be now.
  boost::asio::awaitable<Result<Committer::Lock>> freeze();
  // What was done to this process, for the audit log; and what was not, as a problem that was told there.
  void audit(const Invocation& invocation, const std::string& verb, const std::string& what);
  protocol::Problem refuse(const Invocation& invocation, const std::string& verb, protocol::Problem problem);
  // What only one daemon can hold; -1: nothing. Stays ours.
  int lock_descriptor() const;
  // The other process failed, and may have written to the state folder.
  void doubt_the_disk();
  // What this process knows beyond the state folder. The descriptors stay ours.
  Knowledge knowledge() const;
  // What the process knew whose place this one takes; its descriptors are copied. Before start(), which then
  // waits for the first probes where nothing is known of a backend's health.
  void take_over(Knowledge knowledge);
  // The other process has it all: whoever waits for a change is told so, nothing happens by itself any more.
  void hand_over();
  // After hand_over(): the other process made changes, by which the requests that are left here are routed as
  // well. Requires: what its Upgrades::tell_predecessor() was given; else nothing is done.
  boost::asio::awaitable<void> follow(std::string news);
  // What is under way here, for set_elsewhere() there; and what it says of itself, null when it has ended.
  boost::json::object under_way() const;
  void set_under_way_elsewhere(const boost::json::value& said);
  // The workers drain, without a word about it: nobody comes here any more. As shut_down().
  boost::asio::awaitable<std::size_t> leave();

  // With the blockers of running drains; of this service only, unless the name is empty.
  boost::asio::awaitable<StatusView> status(std::string service = {});
  // The story of a rollout, or of a span, as the document that is wanted.
  Result<std::string> report(const protocol::GetReport& message) const;
  const StatusWriter& views() const;  // all else that only looks
  const Sampler& samples() const;
  Readiness readiness() const;
  ControlCounters counters() const;
  EventLog& events();
  const config::Spec& spec() const;     // in force
  route::SnapshotPtr snapshot() const;  // in force; for explain and the metrics
  std::uint64_t generation() const;
  worker::Workers& workers();

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;  // shared with the coroutines under way
};

}  // namespace sluice::change
