// The configuration file read again (T2): everything or nothing.
#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>

#include "control/change/control_impl.hpp"
#include "control/change/replies.hpp"
#include "control/health/eligibility.hpp"
#include "control/state/merge.hpp"
#include "proxy/config/load.hpp"
#include "proxy/config/notes.hpp"

namespace sluice::change {
namespace {

std::string lines_of(const std::vector<config::Complaint>& complaints) {
  std::string text;
  for (const auto& complaint : complaints) text += (text.empty() ? "" : "\n") + complaint.text();
  return text;
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

std::vector<std::string> services_of(const state::State& before, const state::State& after) {
  std::vector<std::string> names;
  for (const auto& service : after.services) {
    const auto* was = before.service(service.name);
    if (!was || !(*was == service)) names.push_back(service.name);
  }
  for (const auto& service : before.services)
    if (!after.service(service.name)) names.push_back(service.name);
  return names;
}

}  // namespace

asio::awaitable<Result<Changed>> Control::Impl::reload(Request request) {
  const io::AsyncMutex::Held held = co_await turn.take();
  if (!readiness.ready)
    co_return refuse(request, "reload", protocol::refused("this daemon is " + readiness.why));
  if (options.config_file.empty())
    co_return refuse(request, "reload",
                     protocol::refused("this daemon was started without a configuration file"));
  const auto& expected = request.options.if_generation;
  if (expected && *expected != state.generation)
    co_return refuse(request, "reload", protocol::generation_moved(*expected, state.generation));
  auto loaded = config::load_file(options.config_file);
  if (!loaded.spec) {
    ++counters.reloads_failed;
    const std::string what = lines_of(loaded.complaints);
    events.add("reload", "", "the configuration was refused: " + what);
    co_return refuse(request, "reload", protocol::invalid_config(what));
  }
  config::Spec next = std::move(*loaded.spec);
  auto reply = co_await adopt_spec(request, std::move(next));
  if (!request.options.dry_run) ++(reply ? counters.reloads_ok : counters.reloads_failed);
  co_return reply;
}

// Listeners first: a port that cannot be had is found before anything is changed.
asio::awaitable<Result<Changed>> Control::Impl::adopt_spec(Request request, config::Spec next) {
  const auto started = io::Clock::now();
  const std::vector<std::string> later = keep_what_needs_a_restart(next);
  auto merged = state::merge(state, next);
  const bool changed = merged.changed || !(next == spec);
  if (changed && !merged.changed) merged.state.generation = state.generation + 1;
  const auto services = services_of(state, merged.state);
  Changed reply;
  reply.generation = state.generation;
  reply.changed = changed;
  reply.dry_run = request.options.dry_run;
  reply.before = shares_json(state, services);
  reply.after = shares_json(merged.state, services);
  reply.more["conflicts"] = array_of(merged.conflicts);
  reply.more["changes"] = array_of(merged.changes);
  reply.more["warnings"] = array_of(later);
  for (const auto& note : config::notes(next)) reply.more["warnings"].as_array().emplace_back(note.text());
  if (!changed || reply.dry_run) {
    if (!reply.dry_run) {
      audit_line(request, "reload", {}, "unchanged");
      spdlog::info("reload by {}: unchanged", to_string(request.actor));
    }
    co_return reply;
  }

  if (auto problem = prepare_for(next)) co_return refuse(request, "reload", std::move(*problem));
  follow_names_by(next.resolve);
  co_await resolver.resolve(addresses_of(merged.state));
  const config::Spec former = std::exchange(spec, std::move(next));
  route::SnapshotPtr made = publisher.build(spec, merged.state, snapshot.get());
  const state::Edit edit = edit_for(request, merged.state, "reload");
  const auto back = state::undo(merged.state, state, {to_string(request.actor), unix_milliseconds(), false});
  const auto published = co_await put_in_force(edit, std::move(merged.state), std::move(made),
                                               request.options.force, taking_prepared());
  if (!published) {
    const config::Spec refused = std::exchange(spec, former);
    forget_prepared(refused);
    co_return refuse(request, "reload", published.error());
  }
  for (const auto& conflict : merged.conflicts) spdlog::warn("{}", conflict);
  for (const auto& note : config::notes(spec)) spdlog::warn("{}", note.text());
  for (const auto& warning : expiry_warnings(spec, unix_milliseconds() / 1000)) {
    spdlog::warn("{}", warning);
    reply.more["warnings"].as_array().emplace_back(warning);
  }
  lasting_warnings = later;
  lasting_warnings.insert(lasting_warnings.end(), merged.conflicts.begin(), merged.conflicts.end());
  reply.generation = edit.generation;
  reply.durable = published->durable;
  // What the configuration brought or took away does not come back by a command.
  if (back && back->changed)
    reply.undo = "sluicectl undo --to-generation " + std::to_string(edit.generation - 1);
  reply.took_ms = std::chrono::duration<double, std::milli>(io::Clock::now() - started).count();
  audit_line(request, "reload", {edit.before, edit.after}, reply.durable ? "done" : "done, not durable");
  tell(request, edit, reply.took_ms);
  follow_drains(std::nullopt);
  co_return reply;
}

// Whatever can fail is done here: ports, files, the admin's doors. Nothing is in force yet.
std::optional<Problem> Control::Impl::prepare_for(const config::Spec& next) {
  std::string error = workers.prepare_listeners(next.listeners);
  if (error.empty()) error = workers.listen();
  if (!error.empty()) return protocol::refused(std::move(error));
  if (doors && !(next.admin == spec.admin)) error = doors->prepare(next.admin);
  if (error.empty() && !(next.access_log == spec.access_log)) error = workers.set_access_log(next.access_log);
  if (error.empty()) return std::nullopt;
  workers.forget_listeners();
  if (doors) doors->forget();
  return protocol::refused(std::move(error));
}

// Not a lambda of the coroutine, which g++ 12 would take for something of its frame.
std::function<void()> Control::Impl::taking_prepared() {
  return [this] {
    workers.take_listeners();
    if (doors) doors->take();
  };
}

void Control::Impl::follow_names_by(const config::ResolveSpec& how) {
  if (!options.look_up) dns.use(how.servers);
  resolver.limits(how.min, how.max);
}

void Control::Impl::forget_prepared(const config::Spec& next) {
  follow_names_by(spec.resolve);
  workers.forget_listeners();
  if (doors) doors->forget();
  if (!(next.access_log == spec.access_log)) workers.set_access_log(spec.access_log);
}

// What is in force stays in `next`; a sentence for each difference.
std::vector<std::string> Control::Impl::keep_what_needs_a_restart(config::Spec& next) const {
  std::vector<std::string> later;
  if (options.state_dir) next.state_dir = *options.state_dir;
  if (next.state_dir != spec.state_dir) later.push_back("state_dir takes effect with a restart");
  if (next.workers != spec.workers) later.push_back("workers takes effect with a restart");
  next.state_dir = spec.state_dir;
  next.workers = spec.workers;
  return later;
}

}  // namespace sluice::change
