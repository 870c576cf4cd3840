#include "control/change/control.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>
#include <type_traits>
#include <utility>

#include "control/acme/keeper.hpp"
#include "control/change/acme_host.hpp"
#include "control/change/audit_check.hpp"
#include "control/change/backend_verbs.hpp"
#include "control/change/deadlines.hpp"
#include "control/change/forecaster.hpp"
#include "control/change/maintenance.hpp"
#include "control/change/name_follower.hpp"
#include "control/change/notice_feed.hpp"
#include "control/change/pause_verbs.hpp"
#include "control/change/previews.hpp"
#include "control/change/rollout_host.hpp"
#include "control/change/shift_verbs.hpp"
#include "control/change/story_keeper.hpp"
#include "control/change/succession.hpp"
#include "control/tracing/exporter.hpp"
#include "proxy/config/notes.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace json = boost::json;
using protocol::Changed;

namespace {

std::uint64_t kernel_random() {
  static std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

Options with_defaults(Options options) {
  if (!options.random) options.random = kernel_random;
  if (!options.files) options.files = &state::posix_files();
  return options;
}

config::Spec in_folder(config::Spec spec, const Options& options) {
  if (options.state_dir) spec.state_dir = *options.state_dir;
  return spec;
}

// What name servers are asked for.
std::vector<std::string> names_in(const route::Snapshot& snapshot) {
  std::vector<std::string> names;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends)
        if (!backend.looked_up.empty()) names.push_back(backend.looked_up);
  return names;
}

bool names_may_differ(const route::Snapshot& before, const route::Snapshot& after) {
  bool may = before.routes != after.routes;
  each_change(before, after, [&may](const route::Service* was, const route::Service& is) {
    may = may || is.may_differ || (was && was->may_differ);
  });
  return may;
}

void warn_of(const config::Spec& spec) {
  for (const auto& note : config::notes(spec)) spdlog::warn("{}", note.text());
}

}  // namespace

// What lives beside the snapshots: backends and their health, drains, and who builds snapshots of them.
struct Living {
  Living(asio::any_io_executor loop, worker::Workers& workers, const io::Resolver& resolver,
         const Options& options, Recorder& recorder)
      : registry(workers.count()),
        publisher(registry, resolver, options.random),
        health(loop, options.random, recorder),
        drains(loop, workers) {}

  Registry registry;
  Publisher publisher;
  BackendHealth health;
  Drains drains;
};

// Certificates that this daemon orders by itself.
struct Ordering {
  Ordering(asio::any_io_executor loop, const InForce& in_force, Publisher& publisher,
           worker::Workers& workers, Committer& committer, Recorder& recorder, io::Resolver& resolver,
           const Options& options)
      : host(in_force, publisher, workers, committer, recorder),
        keeper(loop, host, resolver, *options.files, options.random) {}

  AcmeHost host;
  acme::Keeper keeper;
};

// The verbs that are more than a proposal.
struct Verbs {
  Verbs(asio::any_io_executor loop, const Planning& planning, io::Resolver& resolver, Committer& committer,
        Waits& waits, BackendHealth& health, Recorder& recorder, io::Background& background)
      : shifts(loop, planning, committer, waits, recorder),
        backends(planning, resolver, committer, waits, health, recorder),
        pauses(planning, committer, waits, recorder, background) {}

  ShiftVerbs shifts;
  BackendVerbs backends;
  PauseVerbs pauses;
};

// The root of control: every class of it is made here, after those that it uses. That is all it does, hence
// its many fields.
struct Control::Parts : std::enable_shared_from_this<Control::Parts> {
  Parts(asio::any_io_executor the_loop, worker::Workers& the_workers, std::unique_ptr<state::Store> store,
        config::Spec spec, Options the_options);

  asio::awaitable<std::string> open();
  asio::awaitable<std::string> start();
  void follow_snapshot();
  void record_drain(const Drain& drain);
  asio::awaitable<std::size_t> drain_workers(worker::Shutdown how);
  void stop();

  // Gives a message to the class of its verb, or the verb's proposal to the committer.
  asio::awaitable<Result<Changed>> change(Invocation invocation, Message message);
  template <class Verb>
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, Verb message) {
    Proposal proposal = propose(planning, invocation, std::move(message));
    return committer.commit(std::move(invocation), std::move(proposal));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Cutover message) {
    return verbs.shifts.cutover(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::RolloutStart message) {
    return verbs.shifts.rollout_start(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Drain message) {
    return verbs.backends.drain(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Ready message) {
    return verbs.backends.ready(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, ReadyWhenHealthy message) {
    return verbs.backends.ready_when_healthy(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Add message) {
    return verbs.backends.add(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Remove message) {
    return verbs.backends.remove(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Pause message) {
    return verbs.pauses.pause(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Resume message) {
    return verbs.pauses.resume(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Stop message) {
    return verbs.pauses.stop(std::move(invocation), std::move(message));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Reload) {
    return reloader.reload(std::move(invocation));
  }
  asio::awaitable<Result<Changed>> dispatch(Invocation invocation, protocol::Upgrade message) {
    return succession.upgrades ? succession.upgrades->upgrade(std::move(invocation), std::move(message))
                               : no_upgrade();
  }
  static asio::awaitable<Result<Changed>> no_upgrade() {
    co_return protocol::refused("this daemon cannot be replaced while it runs");
  }

  const asio::any_io_executor loop;
  worker::Workers& workers;
  const Options options;  // with its defaults filled in
  InForce in_force;
  Readiness readiness{false, "starting"};
  route::SnapshotPtr followed = std::make_shared<const route::Snapshot>();  // by follow_snapshot()
  io::Background background;
  Recorder recorder;
  Names names;
  NoticeFeed notices;
  tracing::Exporter exporter;
  Living living;
  Committer committer;
  Ordering ordering;
  const Planning planning;
  Waits waits;
  Verbs verbs;
  Previews previews;
  Reloader reloader;
  NameFollower name_follower;
  Deadlines deadlines;
  Maintenance maintenance;
  WayBackWatch way_backs;
  RolloutHost rollout_host;
  rollout_driver::RolloutDriver rollout_driver;
  StoryKeeper stories;
  Succession succession;
  Forecaster forecaster;
  StatusWriter status;
  const Sampler sampler;
};

Control::Parts::Parts(asio::any_io_executor the_loop, worker::Workers& the_workers,
                      std::unique_ptr<state::Store> store, config::Spec spec, Options the_options)
    : loop(the_loop),
      workers(the_workers),
      options(with_defaults(std::move(the_options))),
      in_force{in_folder(std::move(spec), options), {}, nullptr},
      background(loop),
      recorder(loop, in_force),
      names(loop, in_force.spec.resolve, options.look_up),
      notices(loop, in_force, names.resolver(), recorder, background),
      exporter({loop, names.resolver(), background, workers.spans()}, options.version),
      living(loop, workers, names.resolver(), options, recorder),
      committer(loop, std::move(store),
                {in_force, living.publisher, workers, names.resolver(), living.health.registry, living.drains,
                 recorder}),
      ordering(loop, in_force, living.publisher, workers, committer, recorder, names.resolver(), options),
      planning{in_force, names.resolver(), committer},
      waits(loop, in_force, names.resolver(), living.health, living.drains),
      verbs(loop, planning, names.resolver(), committer, waits, living.health, recorder, background),
      previews(in_force, living.publisher, committer, recorder, *options.files, options.random),
      reloader(options, readiness, in_force, names, workers, committer, living.drains, ordering.keeper,
               recorder),
      name_follower(in_force, names.resolver(), committer, living.drains, recorder),
      deadlines(loop, in_force, committer, recorder, background),
      maintenance(loop, in_force, committer, workers, *options.files),
      way_backs(in_force, maintenance.recent(), living.health.registry, recorder),
      rollout_host(in_force, committer, recorder, way_backs),
      rollout_driver(loop, rollout_host, names.resolver(), background),
      stories(in_force, committer, recorder, *options.files),
      succession(in_force, committer, living.publisher, living.health, rollout_driver, maintenance.recent()),
      forecaster(loop, in_force, maintenance.recent()),
      status({options, in_force, readiness, workers, names.resolver(), living.health, living.drains,
              maintenance.recent(), rollout_driver, ordering.keeper, committer, recorder, notices.notices(),
              exporter, way_backs, succession.upgrades}),
      sampler(in_force, maintenance.recent()) {
  workers.on_suspect = [this](std::uint32_t id) { living.health.outliers.consider(id); };
  name_follower.listen(living.health, workers);
  living.drains.on_finished = [this](const Drain& drain) { record_drain(drain); };
  committer.forecaster = &forecaster;
  committer.tell_first = [this](const state::State& next) {
    stories.about_to(next);
    return succession.tell_predecessor(next);
  };
  committer.on_published = [this] { follow_snapshot(); };
  maintenance.on_tick = [this] {
    notices.tick();
    way_backs.tick();
    stories.tick();
  };
  rollout_driver.on_look = [this](const std::string& service, const state::Rollout& rollout,
                                  const rollout::Evidence& evidence) {
    stories.looked(service, rollout, evidence);
  };
  recorder.on_change = [this](const state::Edit& edit, const std::string& actor, double took_ms) {
    stories.changed(edit, actor, took_ms);
  };
  committer.on_committed = [this](const state::State& before, const std::string& verb) {
    deadlines.tell_released(before, verb);
  };
}

asio::awaitable<std::string> Control::Parts::open() {
  if (std::string error = co_await committer.load(); !error.empty()) co_return error;
  recorder.open_audit_log(*options.files, in_force.spec.state_dir + "/audit.log",
                          committer.history().state().generation);
  rollout_driver.open_log(*options.files, in_force.spec.state_dir + "/judgements.log");
  warn_of(in_force.spec);
  if (std::string error = previews.open(); !error.empty()) co_return error;
  if (std::string error = co_await committer.merge_with_configuration(); !error.empty()) co_return error;
  in_force.snapshot = std::make_shared<const route::Snapshot>();
  stories.open(in_force.spec.state_dir);
  ordering.keeper.follow(in_force.spec);
  co_return workers.prepare_listeners(in_force.spec.listeners);
}

// Whoever asks for a change meanwhile waits. Clients may come when all is there to serve them.
asio::awaitable<std::string> Control::Parts::start() {
  const Committer::Lock held = co_await committer.lock();
  if (std::string error = workers.set_access_log(in_force.spec.access_log); !error.empty()) co_return error;
  workers.set_tracing(in_force.spec.tracing);
  maintenance.tickets().restore();
  co_await names.resolver().resolve(addresses_of(in_force.state));
  auto first = co_await living.publisher.build_at_leisure(in_force.spec, in_force.state, loop);
  committer.begin_with(std::move(first));
  background.keep_alive(weak_from_this());
  follow_snapshot();
  co_await succession.go_on_as_before();
  if (std::string error = workers.listen(); !error.empty()) co_return error;
  workers.take_listeners();
  workers.start(in_force.snapshot);
  living.drains.follow(in_force, std::nullopt);
  for (const auto& service : in_force.snapshot->services)
    if (!service.disabled.empty())
      spdlog::warn("service {} is set aside: {}", service.spec.name, service.disabled);
  background.spawn(rollout_driver.run());
  background.spawn(deadlines.run());
  background.spawn(name_follower.run());
  background.spawn(maintenance.run());
  background.spawn(ordering.keeper.run());
  readiness = {true, "ready"};
  co_return std::string();
}

void Control::Parts::follow_snapshot() {
  const route::SnapshotPtr before = std::exchange(followed, in_force.snapshot);
  if (names_may_differ(*before, *followed)) names.resolver().keep(names_in(*followed));
  living.health.adopt(in_force.snapshot);
  notices.follow();
  exporter.adopt(in_force.spec.tracing);
  rollout_driver.wake();
  deadlines.wake();
}

void Control::Parts::record_drain(const Drain& drain) {
  recorder.counters.drains_clean += drain.clean();
  recorder.counters.drains_forced += drain.forced;
  auto detail = protocol::to_json(drain.result());
  detail["pool"] = drain.target.pool;
  detail["backend"] = drain.target.backend;
  recorder.info("drained", drain.target.service,
                protocol::to_string(drain.target) + " is drained: " + std::to_string(drain.clean()) +
                    " finished, " + std::to_string(drain.forced) + " closed, " + duration_text(drain.took),
                std::move(detail));
}

// What is still to be told goes out meanwhile, or within a second.
asio::awaitable<std::size_t> Control::Parts::drain_workers(worker::Shutdown how) {
  constexpr std::chrono::seconds kLastNotices{1}, kLastSpans{1};
  const auto closed = std::make_shared<io::AsyncResult<std::size_t>>(loop);
  workers.shut_down(in_force.spec.shutdown_timeout, how, [closed](std::size_t count) { closed->set(count); });
  const std::size_t count = co_await closed->wait();
  co_await notices.notices().finish(kLastNotices);
  co_await exporter.finish(kLastSpans);
  co_return count;
}

void Control::Parts::stop() {
  workers.on_suspect = workers.on_unreachable = nullptr;
  rollout_driver.stop();
  deadlines.stop();
  name_follower.stop();
  maintenance.stop();
  stories.stop();
  ordering.keeper.stop();
  waits.stop();
  recorder.events.on_added = nullptr;  // another process tells what happens from now on
  recorder.events.close();
}

asio::awaitable<Result<Changed>> Control::Parts::change(Invocation invocation, Message message) {
  return std::visit([&](auto& verb) { return dispatch(std::move(invocation), std::move(verb)); }, message);
}

// --- Control: whatever suspends keeps the parts alive

Control::Control(asio::io_context& loop, worker::Workers& workers, std::unique_ptr<state::Store> store,
                 config::Spec spec, Options options)
    : parts_(std::make_shared<Parts>(loop.get_executor(), workers, std::move(store), std::move(spec),
                                     std::move(options))) {}

Control::~Control() {
  parts_->stop();
  parts_->notices.notices().stop("the daemon ends");
  parts_->exporter.stop();
}

asio::awaitable<std::string> Control::open() {
  const auto parts = parts_;
  co_return co_await parts->open();
}

asio::awaitable<std::string> Control::start() {
  const auto parts = parts_;
  co_return co_await parts->start();
}

// The start holds the lock until it is over.
asio::awaitable<void> Control::started() {
  const auto parts = parts_;
  if (parts->readiness.why != "starting") co_return;
  const Committer::Lock held = co_await parts->committer.lock();
}

asio::awaitable<Result<Changed>> Control::change(Invocation invocation, Message message) {
  const auto parts = parts_;
  auto work = parts->change(std::move(invocation), std::move(message));
  co_return co_await std::move(work);
}

asio::awaitable<Result<protocol::PreviewToken>> Control::preview(Invocation invocation,
                                                                 protocol::MintPreview message) {
  const auto parts = parts_;
  co_return co_await parts->previews.mint(std::move(invocation), std::move(message));
}

asio::awaitable<Result<protocol::NotifyTested>> Control::notify_test(Invocation invocation,
                                                                     protocol::NotifyTest message) {
  const auto parts = parts_;
  co_return co_await parts->notices.test(std::move(invocation), std::move(message));
}

asio::awaitable<Result<protocol::Waited>> Control::wait(protocol::Wait message) {
  const auto parts = parts_;
  co_return co_await parts->waits.wait(std::move(message));
}

asio::awaitable<Result<protocol::AuditVerified>> Control::verify_audit() {
  const auto parts = parts_;
  auto work = change::verify_audit(*parts->options.files, parts->recorder);
  co_return co_await std::move(work);
}

asio::awaitable<Result<Committer::Lock>> Control::freeze() {
  const auto parts = parts_;
  Committer::Lock held = co_await parts->committer.lock();
  if (!parts->readiness.ready) co_return protocol::refused("this daemon is " + parts->readiness.why);
  if (!parts->committer.durable())
    co_return protocol::refused(
        "the generation in force is not on the disk, another process would not find it",
        parts->committer.store().remedy());
  co_return std::move(held);
}

void Control::audit(const Invocation& invocation, const std::string& verb, const std::string& what) {
  parts_->recorder.audit(invocation, verb, {}, what);
}

protocol::Problem Control::refuse(const Invocation& invocation, const std::string& verb,
                                  protocol::Problem problem) {
  return parts_->recorder.refuse(invocation, verb, std::move(problem));
}

int Control::lock_descriptor() const { return parts_->committer.store().lock_descriptor(); }
void Control::doubt_the_disk() { parts_->committer.store().doubt(); }

Knowledge Control::knowledge() const {
  parts_->stories.flush();
  return parts_->succession.knowledge();
}
void Control::take_over(Knowledge knowledge) { parts_->succession.take_over(knowledge); }

asio::awaitable<void> Control::follow(std::string news) {
  const auto parts = parts_;
  co_await parts->succession.follow(std::move(news));
}

json::object Control::under_way() const { return parts_->succession.under_way(); }

void Control::set_under_way_elsewhere(const json::value& said) {
  parts_->succession.set_under_way_elsewhere(said);
}

void Control::hand_over() {
  parts_->readiness = {false, "replaced by another process"};
  parts_->committer.retire();
  parts_->recorder.share_audit_log();
  parts_->stories.leave();
  parts_->living.drains.on_finished = nullptr;  // told by the other process
  parts_->living.publisher.memory.hand_over();
  parts_->stop();
}

asio::awaitable<std::size_t> Control::leave() {
  const auto parts = parts_;
  const config::UpgradeSpec& upgrade = parts->in_force.spec.upgrade;
  const worker::Shutdown how{true, upgrade.tunnels, upgrade.tunnel_pace};
  co_return co_await parts->drain_workers(how);
}

asio::awaitable<std::size_t> Control::shut_down() {
  const auto parts = parts_;
  parts->readiness = {false, "shutting down"};
  parts->recorder.events.add("shutdown", "", "shutting down");
  asio::steady_timer timer(parts->loop, parts->in_force.spec.lame_duck);
  if (parts->in_force.spec.lame_duck.count() > 0) co_await timer.async_wait(asio::use_awaitable);
  co_return co_await parts->drain_workers(worker::Shutdown());
}

asio::awaitable<StatusView> Control::status(std::string service) {
  const auto parts = parts_;
  co_return co_await parts->status.status(parts->loop, std::move(service));
}

void Control::access_denied(const Actor& actor, const std::string& what, const std::string& why) {
  parts_->recorder.access_denied(actor, what, why);
}

void Control::reopen_logs() {
  parts_->workers.reopen_access_log();
  parts_->recorder.reopen_audit_log();
  parts_->rollout_driver.reopen_log();
}

void Control::set_admin_listeners(AdminListeners* listeners) {
  parts_->reloader.set_admin_listeners(listeners);
}

void Control::set_on_listeners(std::function<void()> taken) {
  parts_->reloader.on_listeners = std::move(taken);
}

void Control::set_upgrades(Upgrades* upgrades) { parts_->succession.upgrades = upgrades; }

Result<std::string> Control::report(const protocol::GetReport& message) const {
  return parts_->stories.report(message);
}

const StatusWriter& Control::views() const { return parts_->status; }
const Sampler& Control::samples() const { return parts_->sampler; }
Readiness Control::readiness() const { return parts_->readiness; }
ControlCounters Control::counters() const { return parts_->recorder.counters; }
EventLog& Control::events() { return parts_->recorder.events; }
const config::Spec& Control::spec() const { return parts_->in_force.spec; }
route::SnapshotPtr Control::snapshot() const { return parts_->in_force.snapshot; }
std::uint64_t Control::generation() const { return parts_->in_force.state.generation; }
worker::Workers& Control::workers() { return parts_->workers; }

}  // namespace sluice::change
