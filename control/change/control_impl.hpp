// What Control is made of. The rooms of its house: commit.cpp (the one way of a change), verbs.cpp,
// reload.cpp, traffic_verbs.cpp, waiting.cpp, status.cpp, upkeep.cpp. Control thread only.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/change/control.hpp"
#include "control/change/drains.hpp"
#include "control/change/publisher.hpp"
#include "control/change/recent.hpp"
#include "control/change/registry.hpp"
#include "control/health/health_registry.hpp"
#include "control/health/outlier_detector.hpp"
#include "control/health/prober.hpp"
#include "control/rollout/transitions.hpp"
#include "control/rollout_driver/judgement_log.hpp"
#include "control/rollout_driver/rollout_watch.hpp"
#include "control/rollout_driver/verify.hpp"
#include "control/state/apply.hpp"
#include "control/state/audit.hpp"
#include "control/state/store.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace json = boost::json;
using protocol::Changed;
using protocol::Problem;
using protocol::Target;

// How the backends of a target are to be drained.
struct DrainWish {
  Target target;
  worker::TunnelPolicy tunnels;
  bool removing = false;
};

// A change that an operator asks for, as commit() needs it.
struct Verb {
  std::string name;
  std::function<state::Result<state::Change>(const state::State&)> change;
  std::function<json::value(const state::State&)> view;  // before and after, for the reply
  bool without_disk = false;  // C7: published even when the journal cannot be written
  std::optional<DrainWish> drain;
  std::vector<std::pair<std::string, std::string>> must_serve;  // C5 also for these, whatever share they get
};

// What is not the configuration's may have the daemon run a command, or read a file, only for an admin; and
// the files must be there. `own` has nothing but what is one's own.
std::optional<Problem> own_commands(const Actor& actor, const config::PlanSpec& own);

// A service with an active rollout, as the driver looks at it.
struct Driven {
  std::string name;
  state::Rollout rollout;
  std::shared_ptr<rollout_driver::RolloutWatch> watch;
};

// A sentence for every certificate that has expired or will within 30 days; `now` in seconds since 1970.
std::vector<std::string> expiry_warnings(const config::Spec& spec, std::int64_t now);

struct Control::Impl : std::enable_shared_from_this<Control::Impl> {
  Impl(asio::io_context& io, Workers& the_workers, std::unique_ptr<state::Store> the_store,
       config::Spec the_spec, Options the_options);

  // --- commit.cpp
  asio::awaitable<Result<Changed>> commit(Request request, Verb verb);
  asio::awaitable<Result<Changed>> commit_in_turn(Request request, Verb verb);
  // Journals and publishes `next`, which is checked; every worker has it when this returns. `durable` is
  // false when the disk failed and `without_disk` allowed to go on; a problem when it did not. `between` is
  // done when it is in the journal and before it is published.
  struct Published {
    bool durable = true;
  };
  asio::awaitable<Result<Published>> put_in_force(state::Edit edit, state::State next,
                                                  route::SnapshotPtr made, bool without_disk,
                                                  std::function<void()> between = nullptr);
  asio::awaitable<void> publish(route::SnapshotPtr made);
  asio::awaitable<Result<Published>> keep_edit(state::Edit edit, bool without_disk);
  state::Edit edit_for(const Request& request, const state::State& next, const std::string& verb) const;
  Problem refuse(const Request& request, const std::string& verb, Problem problem);
  void turn_away(const Actor& actor, const std::string& what, const std::string& why);
  void audit_line(const Request& request, const std::string& verb, const state::Texts& texts,
                  const std::string& result);
  void tell(const Request& request, const state::Edit& edit, double took_ms);
  // C5: what the change would take the last eligible backend of, or the way back. Nothing: it may be made.
  std::optional<Problem> refuse_losses(const route::Snapshot& made, const state::State& next) const;
  bool needs_force(const route::Snapshot& made, const std::vector<state::ServiceDiff>& moved) const;
  // Drains begin for what the state drains and end for what it does not.
  void follow_drains(const std::optional<DrainWish>& wish);

  // --- verbs.cpp
  Verb split_verb(protocol::Split message);
  Verb cutover_verb(protocol::Cutover message);
  Verb rollback_verb(protocol::Rollback message);
  Verb undo_verb(const Request& request, protocol::Undo message);
  Verb redo_verb(const Request& request);
  // The backends that the change would bring back are to be resolved before it is published.
  asio::awaitable<void> resolve_for(const Verb& verb);
  Verb drain_verb(Target target, std::chrono::milliseconds timeout, protocol::Websockets websockets,
                  bool removing);
  Verb admin_verb(std::string name, Target target, observe::Admin admin);
  Verb weight_verb(protocol::Weight message);
  Verb add_verb(protocol::Add message);
  Verb remove_verb(Target target);
  // Why no backend of this pool may be taken away: it is kept as the way back. Empty when it is not.
  std::optional<Problem> kept_back(const Target& target) const;

  // --- retention.cpp: the pools that a shift left, while they are kept
  std::chrono::milliseconds retain_of(const std::string& service) const;  // after a shift to one pool
  // What was said to be kept before and is not now: an event, a log line and the service's hook.
  void tell_released(const state::State& before, const std::string& ended);
  asio::awaitable<void> run_retain_hook(std::shared_ptr<Impl> self, std::string service, std::string pool,
                                        std::string ended, std::string command);
  // Those whose time is over by now; when the next one will be.
  asio::awaitable<std::optional<std::int64_t>> end_retentions();

  // --- rollout_verbs.cpp
  Verb start_verb(rollout::Start start);
  Verb confirm_verb(protocol::Confirm message);

  // --- rollouts.cpp: rollouts and unconfirmed changes, as they go on by themselves
  asio::awaitable<void> drive(std::shared_ptr<Impl> self);
  asio::awaitable<bool> beat();
  // Those that were started together move in step.
  asio::awaitable<void> drive_group(std::vector<std::string> names);
  std::vector<Driven> driven(const std::vector<std::string>& names);
  std::string left_the_group(const state::Rollout& rollout) const;
  rollout::Decision look_at(const Driven& one, io::Clock::time_point now);
  asio::awaitable<void> act(std::vector<Driven> group, rollout::Together together);
  asio::awaitable<void> revert(std::uint64_t generation);
  void note(const std::string& name, const state::Rollout& rollout, const rollout::Evidence& evidence);
  void ask_outside(rollout_driver::RolloutWatch& watch);
  asio::awaitable<void> ask_one(std::shared_ptr<rollout_driver::OutsideGate> gate);
  void begin_verify(const std::string& name, const state::Rollout& rollout,
                    rollout_driver::RolloutWatch& watch);
  std::optional<RolloutView> rollout_view(const state::ServiceState& service) const;
  std::optional<RolloutView> rollout_of_group(const state::ServiceState& service) const;
  // --- checks.cpp: before the first user
  rollout_driver::Verification verification_of(const std::string& service, const std::string& pool,
                                               std::vector<config::VerifySpec> checks) const;
  // `verb` when all checks passed, or a problem; nothing is held up meanwhile.
  asio::awaitable<Result<Verb>> after_checks(Request request, Verb verb, protocol::StringPairs services,
                                             std::vector<config::VerifySpec> checks);
  // --- traffic_verbs.cpp
  asio::awaitable<Result<Changed>> pause(std::shared_ptr<Impl> self, Request request,
                                         protocol::Pause message);
  asio::awaitable<Result<Changed>> resume(Request request, protocol::Resume message);
  asio::awaitable<Result<Changed>> stop_service(std::shared_ptr<Impl> self, Request request,
                                                protocol::Stop message);
  Verb flag_verb(protocol::SetFlag message);
  Verb unflag_verb(protocol::RemoveFlag message);
  Verb mirror_verb(protocol::SetMirror message);
  std::string service_of_flag(const std::string& flag) const;
  asio::awaitable<bool> wait_until_quiet(std::string service, io::Clock::time_point limit);
  asio::awaitable<void> announce_quiet(std::shared_ptr<Impl> self, std::string service);
  std::uint64_t under_way(const std::string& service) const;

  // --- preview_key.cpp
  std::string open_preview_key();  // an error text, or empty; no key is no error
  asio::awaitable<Result<protocol::PreviewToken>> preview(Request request, protocol::MintPreview message);
  std::optional<Problem> make_preview_key();

  // --- reload.cpp
  asio::awaitable<Result<Changed>> reload(Request request);
  asio::awaitable<Result<Changed>> adopt_spec(Request request, config::Spec loaded);
  std::optional<Problem> prepare_for(const config::Spec& next);
  std::function<void()> taking_prepared();
  void forget_prepared(const config::Spec& next);
  void follow_names_by(const config::ResolveSpec& how);
  std::vector<std::string> keep_what_needs_a_restart(config::Spec& next) const;

  // --- waiting.cpp
  asio::awaitable<Result<Waited>> wait(protocol::Wait message);
  // By BackendLive::id, how many results of probes there were when the wait began to look, the one under way
  // counted.
  using ProbeMarks = std::map<std::uint32_t, std::uint64_t>;
  bool is_healthy(const route::Backend& backend, ProbeMarks& marks) const;
  asio::awaitable<bool> wait_until_healthy(Target target, io::Clock::time_point limit);
  asio::awaitable<bool> wait_until_drained(Target target, io::Clock::time_point limit);
  asio::awaitable<bool> wait_while_draining(Target target);
  asio::awaitable<bool> wait_until_idle(std::vector<std::pair<std::string, std::string>> pools,
                                        io::Clock::time_point limit);
  std::vector<const route::Backend*> backends_of(const Target& target) const;
  bool is_drained(const route::Backend& backend) const;
  bool is_left(const Target& target) const;
  Problem not_reached(const protocol::Wait& message, std::chrono::milliseconds took) const;
  protocol::Drained drained_sum(const Target& target) const;
  std::uint64_t in_flight_of(const std::vector<std::pair<std::string, std::string>>& pools) const;

  // --- ready.cpp
  // Ends the ejections of what was made ready; a sentence for each, and for each that cannot be used yet.
  std::vector<std::string> welcome(const Target& target, const std::string& by);
  std::string troubles_of(const Target& target) const;
  asio::awaitable<bool> wait_until_reachable(Target target, io::Clock::time_point limit);
  asio::awaitable<bool> all_take_connections(Target target);

  // --- status.cpp
  StatusView status_now() const;
  ServiceView service_view(const state::ServiceState& service, io::Clock::time_point now) const;
  TrafficView traffic_view(const state::ServiceState& service, const route::Service* routed) const;
  PoolView pool_view(const route::Service* service, const state::PoolState& pool,
                     io::Clock::time_point now) const;
  BackendView backend_view(const state::BackendState& backend) const;
  BackendView backend_view(const route::Pool& pool, const route::Backend& routed,
                           const state::BackendState& backend) const;
  DrainView drain_view(const Drain& drain) const;
  void add_traffic(PoolView& view, const route::Service& service, const route::Pool& pool,
                   io::Clock::time_point now) const;
  std::vector<std::string> warnings() const;
  asio::awaitable<worker::Blockers> blockers_of(std::uint32_t id);

  // --- tickets.cpp
  void open_tickets();
  void keep_tickets();

  // --- upkeep.cpp: once a second
  asio::awaitable<void> upkeep(std::shared_ptr<Impl> self);
  asio::awaitable<void> try_the_disk();

  // --- follow_names.cpp: names that stand for other addresses than before (H4)
  void listen_to_names();
  asio::awaitable<void> follow_names(std::shared_ptr<Impl> self);
  asio::awaitable<void> publish_names();
  void tell_moves(const route::Snapshot& before, const route::Snapshot& after);
  // The members whose addresses are gone have no admin state any more; nothing when there is none.
  std::optional<state::State> without_gone_members() const;
  // There is no such address now.
  std::optional<Problem> missing_member(const Target& target) const;

  // --- control.cpp
  asio::awaitable<std::string> open(std::shared_ptr<Impl> self);
  asio::awaitable<std::string> begin_with(const state::State& kept);
  asio::awaitable<std::string> start(std::shared_ptr<Impl> self);
  void adopt(route::SnapshotPtr made);
  void listen_to_backends();
  void stop();
  const state::ServiceState* state_of(const std::string& service) const { return state.service(service); }

  asio::any_io_executor loop;
  Workers& workers;
  const std::unique_ptr<state::Store> store;  // never null
  config::Spec spec;
  Options options;  // constant, with its defaults filled in
  io::Clock::time_point started_at = io::Clock::now();

  Registry registry;
  io::Dns dns;
  io::Resolver resolver;
  Publisher publisher;
  health::HealthRegistry health_registry;
  health::Prober prober;
  health::OutlierDetector outliers;
  Drains drains;
  Recent recent;
  EventLog events;
  io::AsyncMutex turn;

  std::optional<state::AuditLog> audit;                    // set by open()
  std::optional<rollout_driver::JudgementLog> judgements;  // set by open()
  state::State state;                                      // what is in force, as `snapshot`
  route::SnapshotPtr snapshot;                             // without services before start()
  AdminListeners* doors = nullptr;                         // null: there are none
  ControlCounters counters;
  std::vector<std::string> lasting_warnings;  // from the start and the last reload
  Readiness readiness{false, "starting"};
  bool audit_failed = false, judgements_failed = false;
  io::Clock::time_point door_minute{};  // since when those turned away at the door are counted
  std::uint32_t turned_away = 0;        // in this minute
  std::map<std::string, std::shared_ptr<rollout_driver::RolloutWatch>>
      watches;                                                     // by service, of active rollouts
  std::map<std::string, std::set<std::string>> warnings_of_gates;  // that were told, by service
  io::Notifier rollout_wakeup;                                     // there may be something to drive
  std::set<std::string> announcing;  // paused services whose last request has not ended yet
  bool stopped = false;
  asio::steady_timer upkeep_timer;
  std::uint64_t kept_tickets = 0;  // the turn of the keys that are in the state folder; 0: none
};

state::Actor actor_of(const Actor& actor);
std::int64_t unix_milliseconds();

}  // namespace sluice::change
