// The one way of a change (C3): check, build, refuse, journal, publish, wait for all workers, reply. One
// change at a time, in the order of asking. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/change/drains.hpp"
#include "control/change/forecaster.hpp"
#include "control/change/in_force.hpp"
#include "control/change/invocation.hpp"
#include "control/change/proposal.hpp"
#include "control/change/publisher.hpp"
#include "control/change/recorder.hpp"
#include "control/health/health_registry.hpp"
#include "control/io/notifier.hpp"
#include "control/io/resolver.hpp"
#include "control/state/store.hpp"
#include "proxy/worker/workers.hpp"

namespace sluice::change {

class Committer {
 public:
  using Lock = io::AsyncMutex::Held;

  // What a change acts on beside the store. All of them outlive the committer.
  struct Collaborators {
    InForce& in_force;
    Publisher& publisher;
    worker::Workers& workers;
    io::Resolver& resolver;
    const health::HealthRegistry& health_registry;
    Drains& drains;
    Recorder& recorder;
  };
  Committer(boost::asio::any_io_executor loop, std::unique_ptr<state::Store> store, Collaborators others);

  // Loads the state from the store. An error text, or empty. Requires: called once, before anything else.
  boost::asio::awaitable<std::string> load();
  // The loaded state, merged with the configuration, is in force (T1, T2); when the merge changed it, it is
  // journaled. An error text, or empty. Requires: load().
  boost::asio::awaitable<std::string> merge_with_configuration();
  // The first snapshot; the workers do not have it yet.
  void begin_with(route::SnapshotPtr first);

  // `proposal` in force, or a problem and nothing changed. A dry run says what would be, and of a shift what
  // is foretold of it.
  boost::asio::awaitable<Result<protocol::Changed>> commit(Invocation invocation, Proposal proposal);

  // For changes that are no proposals: a reload, other addresses of a name. Whoever holds the lock changes
  // what is in force, alone; put_in_force() and publish() require it.
  boost::asio::awaitable<Lock> lock() { return mutex_.take(); }
  std::optional<Lock> lock_if_free() { return mutex_.take_if_free(); }
  // Of `next`, and with the configuration in force or another. Nothing is visible yet.
  route::SnapshotPtr build(const state::State& next) const;
  route::SnapshotPtr build(const config::Spec& spec, const state::State& next) const;
  // Journals and publishes `next`, which is checked; every worker has it when this returns. `durable` is
  // false when the disk failed and `without_disk` allowed to go on; a problem when it did not.
  // `before_publish` is done when the change is in the journal and before it is published.
  struct Published {
    bool durable = true;
  };
  boost::asio::awaitable<Result<Published>> put_in_force(state::Edit edit, state::State next,
                                                         route::SnapshotPtr made, bool without_disk,
                                                         std::function<void()> before_publish = nullptr);
  // The state of another process, which took this one's place, and made the changes that led to it.
  boost::asio::awaitable<void> follow(state::State next);
  // Publishes at the same generation: nothing that an operator asked for has changed.
  boost::asio::awaitable<void> publish(route::SnapshotPtr made);
  // C7: what the disk did not take is tried again, unless a change is under way, which does the same.
  boost::asio::awaitable<void> try_the_disk();

  state::Edit edit_for(const Invocation& invocation, const state::State& next, const std::string& verb) const;
  const state::History& history() const { return store_->history(); }
  bool durable() const { return store_->durable(); }
  state::Store& store() { return *store_; }
  // Another process has the state: every change is refused from here on, and those that wait.
  void retire() { retired_ = true; }

  // A state is in the journal and about to be in force; what routes by it elsewhere does when this is done.
  // May be null.
  std::function<boost::asio::awaitable<void>(const state::State& next)> tell_first;
  std::function<void()> on_published;  // there is another snapshot in force
  // A proposal was put in force; `before` was the state until then.
  std::function<void(const state::State& before, const std::string& verb)> on_committed;
  Forecaster* forecaster = nullptr;  // of dry runs; null: nothing is foretold

 private:
  // `of_dry_run`: what is to be foretold, which is done when others may go on.
  boost::asio::awaitable<Result<protocol::Changed>> commit_alone(
      Invocation invocation, Proposal proposal, std::shared_ptr<Forecaster::Questions> of_dry_run);
  boost::asio::awaitable<Result<protocol::Changed>> commit_locked(
      Invocation invocation, Proposal proposal, std::shared_ptr<Forecaster::Questions> of_dry_run);
  boost::asio::awaitable<void> resolve_for(const Proposal& proposal);
  std::optional<protocol::Problem> refuse_unsafe(const Proposal& proposal, const state::Change& change,
                                                 const route::Snapshot& made) const;
  boost::asio::awaitable<Result<Published>> keep_edit(state::Edit edit, bool without_disk);
  boost::asio::awaitable<std::string> append(state::Edit edit);

  boost::asio::any_io_executor loop_;
  const std::unique_ptr<state::Store> store_;
  InForce& in_force_;
  Publisher& publisher_;
  worker::Workers& workers_;
  io::Resolver& resolver_;
  const health::HealthRegistry& health_registry_;
  Drains& drains_;
  Recorder& recorder_;
  io::AsyncMutex mutex_;
  bool retired_ = false;
};

}  // namespace sluice::change
