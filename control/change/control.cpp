#include "control/change/control.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "control/change/control_impl.hpp"
#include "control/health/eligibility.hpp"
#include "control/state/merge.hpp"
#include "proxy/config/notes.hpp"

namespace sluice::change {
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

void warn_of(const config::Spec& spec) {
  for (const auto& warning : expiry_warnings(spec, unix_milliseconds() / 1000)) spdlog::warn("{}", warning);
  for (const auto& note : config::notes(spec)) spdlog::warn("{}", note.text());
}

}  // namespace

std::string to_string(const Actor& actor) {
  if (!actor.token.empty()) return "token " + actor.token;
  if (!actor.uid) return actor.name.empty() ? "unknown" : actor.name;
  std::string text = "uid " + std::to_string(*actor.uid);
  if (actor.pid) text += " pid " + std::to_string(*actor.pid);
  return actor.name.empty() ? text : actor.name + " (" + text + ")";
}

state::Actor actor_of(const Actor& actor) {
  state::Actor made;
  made.uid = actor.uid.value_or(0);
  made.pid = static_cast<std::int32_t>(actor.pid.value_or(0));
  made.name = !actor.token.empty() ? "token " + actor.token : actor.name;
  return made;
}

std::int64_t unix_milliseconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// --- Impl: the start

Control::Impl::Impl(asio::io_context& io, Workers& the_workers, std::unique_ptr<state::Store> the_store,
                    config::Spec the_spec, Options the_options)
    : loop(io.get_executor()),
      workers(the_workers),
      store(std::move(the_store)),
      spec(std::move(the_spec)),
      options(with_defaults(std::move(the_options))),
      registry(the_workers.count()),
      dns(loop, spec.resolve.servers),
      resolver(
          loop, options.look_up
                    ? options.look_up
                    : [this](io::NameQuestion question,
                             io::Answered answered) { dns.ask(std::move(question), std::move(answered)); }),
      publisher(registry, resolver, options.random),
      health_registry(loop),
      prober(loop, health_registry, options.random),
      outliers(loop, health_registry, options.random),
      drains(loop, the_workers),
      events(loop),
      turn(loop),
      rollout_wakeup(loop),
      upkeep_timer(loop) {
  if (options.state_dir) spec.state_dir = *options.state_dir;
  listen_to_backends();
  listen_to_names();
}

void Control::Impl::listen_to_backends() {
  workers.on_suspect = [this](std::uint32_t id) { outliers.consider(id); };
  health_registry.on_flip = [this](const health::MonitoredBackend& backend, observe::Health from) {
    const std::string text = health::to_string(backend) + " is " +
                             std::string(health::to_string(backend.live->health.load())) + ", was " +
                             std::string(health::to_string(from)) +
                             (backend.probed.error.empty() ? "" : " (" + backend.probed.error + ")");
    spdlog::info("{}", text);
    events.add("health", backend.service, text);
  };
  outliers.on_ejected = [this](const health::MonitoredBackend& backend, std::chrono::milliseconds time) {
    ++counters.ejections;
    const std::string text = to_string(backend) + " is ejected for " + duration_text(time) + " after " +
                             std::to_string(backend.outlier.consecutive_errors) + " errors in a row";
    spdlog::warn("{}", text);
    events.add("ejected", backend.service, text);
  };
  outliers.on_lifted = [this](const health::MonitoredBackend& backend, const std::string& why) {
    const std::string text = to_string(backend) + " is no longer ejected: " + why;
    spdlog::info("{}", text);
    events.add("health", backend.service, text);
  };
  health_registry.on_cleared = [this](std::uint32_t id, const std::string& why) { outliers.lift(id, why); };
  drains.on_finished = [this](const Drain& drain) {
    counters.drains_clean += drain.clean();
    counters.drains_forced += drain.forced;
    const std::string text = protocol::to_string(drain.target) +
                             " is drained: " + std::to_string(drain.clean()) + " finished, " +
                             std::to_string(drain.forced) + " closed, " + duration_text(drain.took);
    spdlog::info("{}", text);
    events.add("drained", drain.target.service, text, protocol::to_json(drain.result()));
  };
}

asio::awaitable<std::string> Control::Impl::open(std::shared_ptr<Impl>) {
  const auto loaded = std::make_shared<io::AsyncResult<state::Store::Loaded>>(loop);
  store->load([loaded](state::Store::Loaded result) { loaded->open(std::move(result)); });
  auto [failure, found] = co_await loaded->wait();
  if (!failure.empty()) co_return failure;
  for (const auto& warning : found) spdlog::warn("{}", warning);
  lasting_warnings = std::move(found);
  audit.emplace(*options.files, spec.state_dir + "/audit.log");
  judgements.emplace(*options.files, spec.state_dir + "/judgements.log");
  warn_of(spec);
  if (std::string error = open_preview_key(); !error.empty()) co_return error;
  if (std::string error = co_await begin_with(store->history().state()); !error.empty()) co_return error;
  snapshot = std::make_shared<const route::Snapshot>();
  co_return workers.prepare_listeners(spec.listeners);
}

// What is kept, brought together with the configuration, is the state; when that differs, it is kept too.
asio::awaitable<std::string> Control::Impl::begin_with(const state::State& kept) {
  const bool first_start = store->history().empty();
  auto merged = state::merge(kept, spec);
  state = first_start ? state::from_spec(spec) : std::move(merged.state);
  if (!first_start && !merged.changed) co_return std::string();
  for (const auto& conflict : merged.conflicts) {
    spdlog::warn("{}", conflict);
    lasting_warnings.push_back(conflict);
  }
  state::Edit edit = state::edit_between(kept, state, "start");
  edit.time = unix_milliseconds();
  edit.actor.name = "daemon";
  const auto appended = std::make_shared<io::AsyncResult<std::string>>(loop);
  store->append(std::move(edit), [appended](std::string error) { appended->open(std::move(error)); });
  co_return co_await appended->wait();
}

// Whoever asks for a change meanwhile waits his turn. Clients may come when all is there to serve them.
asio::awaitable<std::string> Control::Impl::start(std::shared_ptr<Impl> self) {
  const io::AsyncMutex::Held held = co_await turn.take();
  if (std::string error = workers.set_access_log(spec.access_log); !error.empty()) co_return error;
  open_tickets();
  co_await resolver.resolve(addresses_of(state));
  auto made = co_await publisher.build_at_leisure(spec, state, loop);
  if (std::string error = workers.listen(); !error.empty()) co_return error;
  snapshot = std::move(made);
  publisher.install(*snapshot);
  workers.take_listeners();
  workers.start(snapshot);
  adopt(snapshot);
  follow_drains(std::nullopt);
  for (const auto& service : snapshot->services)
    if (!service.disabled.empty())
      spdlog::warn("service {} is set aside: {}", service.spec.name, service.disabled);
  asio::co_spawn(loop, drive(self), asio::detached);
  asio::co_spawn(loop, follow_names(self), asio::detached);
  asio::co_spawn(loop, upkeep(std::move(self)), asio::detached);
  readiness = {true, "ready"};
  co_return std::string();
}

void Control::Impl::adopt(route::SnapshotPtr made) {
  resolver.keep(addresses_of(state));
  health_registry.adopt(std::move(made));
  prober.adopt();
  outliers.adopt();
  rollout_wakeup.notify();
}

void Control::Impl::stop() {
  stopped = true;
  upkeep_timer.cancel();
  resolver.changed().notify();
  rollout_wakeup.notify();
  events.close();
}

// --- Control

Control::Control(asio::io_context& loop, Workers& workers, std::unique_ptr<state::Store> store,
                 config::Spec spec, Options options)
    : impl_(std::make_shared<Impl>(loop, workers, std::move(store), std::move(spec), std::move(options))) {}

Control::~Control() {
  impl_->workers.on_suspect = impl_->workers.on_unreachable = nullptr;
  impl_->stop();
}

asio::awaitable<std::string> Control::open() {
  const auto self = impl_;
  co_return co_await self->open(self);
}

asio::awaitable<std::string> Control::start() {
  const auto self = impl_;
  co_return co_await self->start(self);
}

asio::awaitable<std::size_t> Control::shut_down() {
  const auto self = impl_;
  self->readiness = {false, "shutting down"};
  self->events.add("shutdown", "", "shutting down");
  asio::steady_timer timer(self->loop, self->spec.lame_duck);
  if (self->spec.lame_duck.count() > 0) co_await timer.async_wait(asio::use_awaitable);
  const auto gate = std::make_shared<io::AsyncResult<std::size_t>>(self->loop);
  self->workers.shut_down(self->spec.shutdown_timeout, [gate](std::size_t closed) { gate->open(closed); });
  co_return co_await gate->wait();
}

void Control::turned_away(const Actor& actor, const std::string& what, const std::string& why) {
  impl_->turn_away(actor, what, why);
}

void Control::reopen_logs() {
  impl_->workers.reopen_access_log();
  if (impl_->audit) impl_->audit->reopen();
  if (impl_->judgements) impl_->judgements->reopen();
}

// The start holds the turn until it is over.
asio::awaitable<void> Control::started() {
  const auto self = impl_;
  if (self->readiness.why != "starting") co_return;
  const io::AsyncMutex::Held held = co_await self->turn.take();
}

void Control::set_admin_listeners(AdminListeners* doors) { impl_->doors = doors; }

Readiness Control::readiness() const { return impl_->readiness; }
ControlCounters Control::counters() const { return impl_->counters; }
EventLog& Control::events() { return impl_->events; }
const config::Spec& Control::spec() const { return impl_->spec; }
route::SnapshotPtr Control::snapshot() const { return impl_->snapshot; }
std::uint64_t Control::generation() const { return impl_->state.generation; }
Workers& Control::workers() { return impl_->workers; }

}  // namespace sluice::change
