#include "control/change/reloader.hpp"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <boost/asio/use_awaitable.hpp>

#include "control/change/certificates.hpp"
#include "control/change/config_file.hpp"
#include "control/change/replies.hpp"
#include "control/state/differences.hpp"
#include "control/state/left_pools.hpp"
#include "control/state/merge.hpp"
#include "proxy/config/load.hpp"
#include "proxy/config/notes.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace json = boost::json;
using protocol::Changed;
using protocol::Problem;

namespace {

json::array array_of(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts) array.emplace_back(text);
  return array;
}

std::vector<std::string> texts_of(const std::vector<config::Complaint>& notes) {
  std::vector<std::string> texts;
  for (const auto& note : notes) texts.push_back(note.text());
  return texts;
}

std::vector<std::string> services_of(const state::State& before, const state::State& after) {
  std::vector<std::string> names;
  state::each_difference(before, after, [&](const auto* was, const auto* is) {
    if (is && (!was || !(*was == *is))) names.push_back(is->name);
  });
  state::each_difference(before, after, [&](const auto* was, const auto* is) {
    if (!is) names.push_back(was->name);
  });
  return names;
}

}  // namespace

Reloader::Reloader(const Options& options, const Readiness& readiness, InForce& in_force, Names& names,
                   worker::Workers& workers, Committer& committer, Drains& drains, acme::Keeper& certificates,
                   Recorder& recorder)
    : options_(options),
      readiness_(readiness),
      in_force_(in_force),
      names_(names),
      workers_(workers),
      committer_(committer),
      drains_(drains),
      certificates_(certificates),
      recorder_(recorder) {}

asio::awaitable<Result<Changed>> Reloader::reload(Invocation invocation) {
  const Committer::Lock held = co_await committer_.lock();
  if (auto problem = refuse_to_begin(invocation))
    co_return recorder_.refuse(invocation, "reload", std::move(*problem));
  auto loaded = config::load_file(options_.config_file);
  if (!loaded.spec) {
    ++recorder_.counters.reloads_failed;
    const std::string what = config::text_of(loaded.complaints);
    recorder_.events.add("reload", "", "the configuration was refused: " + what);
    co_return recorder_.refuse(invocation, "reload", protocol::invalid_config(what));
  }
  config::Spec next = std::move(*loaded.spec);
  auto reply = co_await adopt(invocation, std::move(next));
  auto& counters = recorder_.counters;
  if (!invocation.options.dry_run && reply) certificates_.hurry();
  if (!invocation.options.dry_run) ++(reply ? counters.reloads_ok : counters.reloads_failed);
  ::malloc_trim(0);  // half of what it needed, with 10,000 services 45 MB, is whole pages that nobody uses
  co_return reply;
}

std::optional<Problem> Reloader::refuse_to_begin(const Invocation& invocation) const {
  if (!readiness_.ready) return protocol::refused("this daemon is " + readiness_.why);
  if (options_.config_file.empty())
    return protocol::refused("this daemon was started without a configuration file");
  const auto& expected = invocation.options.if_generation;
  if (expected && *expected != in_force_.state.generation)
    return protocol::generation_moved(*expected, in_force_.state.generation);
  return std::nullopt;
}

// Listeners first: a port that cannot be had is found before anything is changed.
asio::awaitable<Result<Changed>> Reloader::adopt(Invocation invocation, config::Spec next) {
  const auto started = io::Clock::now();
  const state::State& state = in_force_.state;
  const std::vector<std::string> later = keep_what_needs_a_restart(next);
  auto merged = state::merge(state, next);
  const bool changed = merged.changed || !(next == in_force_.spec);
  if (changed && !merged.changed) merged.state.generation = state.generation + 1;
  const auto services = services_of(state, merged.state);
  Changed reply;
  reply.generation = state.generation;
  reply.changed = changed;
  reply.dry_run = invocation.options.dry_run;
  reply.before = shares_json(state, services);
  reply.after = shares_json(merged.state, services);
  reply.more["conflicts"] = array_of(merged.conflicts);
  reply.more["changes"] = array_of(merged.changes);
  reply.more["warnings"] = array_of(later);
  const auto notes = texts_of(config::notes(next));
  add_warnings(reply, notes);
  if (!changed) reply.more["why"] = why_unchanged(options_.config_file);
  if (auto note = note_of_mount(options_.config_file, !changed); !note.empty()) {
    spdlog::warn("{}", note);  // who sent a signal reads no reply
    add_warnings(reply, {std::move(note)});
  }
  if (!changed || reply.dry_run) {
    if (!reply.dry_run) {
      recorder_.audit(invocation, "reload", {}, "unchanged");
      spdlog::info("reload by {}: unchanged, {}", to_string(invocation.actor),
                   why_unchanged(options_.config_file));
    }
    co_return reply;
  }

  if (auto problem = prepare_for(next)) co_return recorder_.refuse(invocation, "reload", std::move(*problem));
  names_.ask_as(next.resolve);
  co_await names_.resolver().resolve(addresses_of(merged.state));
  state::remember_left(state, merged.state, next, unix_milliseconds());
  route::SnapshotPtr made = committer_.build(next, merged.state);
  const state::Edit edit = committer_.edit_for(invocation, merged.state, "reload");
  const auto back =
      state::undo(merged.state, state, {to_string(invocation.actor), unix_milliseconds(), false});
  // Not a lambda in the awaited call, which g++ 12 would take for something of its frame.
  std::function<void()> take = [this, &next] {
    in_force_.spec = std::move(next);
    workers_.take_listeners();
    workers_.set_tracing(in_force_.spec.tracing);
    certificates_.follow(in_force_.spec);
    if (admin_listeners_) admin_listeners_->take();
    if (on_listeners) on_listeners();
  };
  const auto published = co_await committer_.put_in_force(edit, std::move(merged.state), std::move(made),
                                                          invocation.options.force, std::move(take));
  if (!published) {
    forget_prepared(next);
    co_return recorder_.refuse(invocation, "reload", published.error());
  }
  for (const auto& conflict : merged.conflicts) spdlog::warn("{}", conflict);
  for (const auto& note : notes) spdlog::warn("{}", note);
  const auto expiring = expiry_warnings(in_force_.spec, unix_milliseconds() / 1000);
  for (const auto& warning : expiring) spdlog::warn("{}", warning);
  add_warnings(reply, expiring);
  recorder_.standing_warnings = later;
  recorder_.standing_warnings.insert(recorder_.standing_warnings.end(), merged.conflicts.begin(),
                                     merged.conflicts.end());
  reply.generation = edit.generation;
  reply.durable = published->durable;
  // What the configuration brought or took away does not come back by a command.
  if (back && back->changed)
    reply.undo = "sluicectl undo --to-generation " + std::to_string(edit.generation - 1);
  reply.took_ms = std::chrono::duration<double, std::milli>(io::Clock::now() - started).count();
  recorder_.audit(invocation, "reload", {edit.before, edit.after},
                  reply.durable ? "done" : "done, not durable");
  recorder_.log_change(invocation, edit, reply.took_ms, reply.undo);
  drains_.follow(in_force_, std::nullopt);
  co_return reply;
}

// Whatever can fail is done here: ports, files, the admin's listeners. Nothing is in force yet.
std::optional<Problem> Reloader::prepare_for(const config::Spec& next) {
  const config::Spec& spec = in_force_.spec;
  std::string error = workers_.prepare_listeners(next.listeners);
  if (error.empty()) error = workers_.listen();
  if (!error.empty()) return protocol::refused(std::move(error));
  if (admin_listeners_ && !(next.admin == spec.admin)) error = admin_listeners_->prepare(next.admin);
  if (error.empty() && !(next.access_log == spec.access_log))
    error = workers_.set_access_log(next.access_log);
  if (error.empty()) return std::nullopt;
  workers_.forget_listeners();
  if (admin_listeners_) admin_listeners_->forget();
  return protocol::refused(std::move(error));
}

void Reloader::forget_prepared(const config::Spec& next) {
  names_.ask_as(in_force_.spec.resolve);
  workers_.forget_listeners();
  if (admin_listeners_) admin_listeners_->forget();
  if (!(next.access_log == in_force_.spec.access_log)) workers_.set_access_log(in_force_.spec.access_log);
}

// What is in force stays in `next`; a sentence for each difference.
std::vector<std::string> Reloader::keep_what_needs_a_restart(config::Spec& next) const {
  std::vector<std::string> later;
  if (options_.state_dir) next.state_dir = *options_.state_dir;
  if (next.state_dir != in_force_.spec.state_dir) later.push_back("state_dir takes effect with a restart");
  if (next.workers != in_force_.spec.workers) later.push_back("workers takes effect with a restart");
  next.state_dir = in_force_.spec.state_dir;
  next.workers = in_force_.spec.workers;
  return later;
}

}  // namespace sluice::change
