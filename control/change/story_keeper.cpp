#include "control/change/story_keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "control/state/differences.hpp"
#include "proxy/config/dump.hpp"
#include "proxy/observe/metric.hpp"
#include "proxy/route/query.hpp"

namespace sluice::change {
namespace {

constexpr char kEnding[] = ".json";
constexpr std::chrono::seconds kBetweenWrites{10};

// A file's name: what is no letter, digit, '-' or '_' is written as %2F.
std::string file_name(const std::string& service) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : service) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// "api.41.json" is "api" and 41; nothing for what is no story's name.
std::optional<std::pair<std::string, std::uint64_t>> story_name(std::string_view name) {
  if (!name.ends_with(kEnding)) return std::nullopt;
  name.remove_suffix(std::size(kEnding) - 1);
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::uint64_t id = 0;
  const char* end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + dot + 1, end, id);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return std::pair(std::string(name.substr(0, dot)), id);
}

report::Counted counted(const route::Service& service, const std::string& name) {
  const route::Pool* pool = find_pool(service, name);
  if (!pool) return {};
  using observe::PoolCounters;
  const auto sum = [pool](observe::Counter PoolCounters::*counter) {
    return observe::sum_over(pool->live->per_worker,
                             [counter](const PoolCounters& worker) { return (worker.*counter).get(); });
  };
  return {sum(&PoolCounters::requests), sum(&PoolCounters::errors), sum(&PoolCounters::rescued)};
}

report::Look counts_now(const route::Service& service, const state::Rollout& rollout) {
  report::Look look;
  look.time = unix_milliseconds();
  look.canary = counted(service, rollout.to);
  look.stable = counted(service, rollout.from);
  for (const auto& pool : service.pools) look.all += counted(service, pool.name).requests;
  return look;
}

// What users are told apart by: "header:X-User-Id, ip".
std::string keys_of(const config::Spec& spec, const std::string& service) {
  std::string keys;
  for (const auto& one : spec.services)
    if (one.name == service && one.sticky)
      for (const auto& key : one.sticky->keys) keys += (keys.empty() ? "" : ", ") + config::to_string(key);
  return keys;
}

report::Change change_of(const state::EditHead& edit) {
  report::Change change;
  change.generation = edit.generation;
  change.time = edit.time;
  change.actor = edit.actor.name;
  change.verb = edit.verb;
  change.before = edit.before;
  change.after = edit.after;
  change.reason = edit.reason;
  return change;
}

std::string in_format(const report::Document& document, const std::string& format) {
  return format == "html" ? to_html(document) : to_markdown(document);
}

}  // namespace

void StoryKeeper::open(const std::string& state_dir) {
  folder_ = state_dir + "/reports";
  const auto names = files_.list(folder_);
  if (!names) return spdlog::error("the stories of rollouts cannot be read: {}", names.error().message());
  for (const auto& name : *names) {
    const auto story = story_name(name);
    const auto& services = in_force_.state.services;
    if (story && std::ranges::none_of(
                     services, [&story](const auto& one) { return file_name(one.name) == story->first; }))
      files_.remove(folder_ + "/" + name);
  }
}

void StoryKeeper::looked(const std::string& service, const state::Rollout& rollout,
                         const rollout::Evidence& evidence) {
  const route::Service* routed = in_force_.routed(service);
  if (folder_.empty() || stopped_ || !routed) return;
  Kept& one = kept(service, rollout);
  report::Look look = counts_now(*routed, rollout);
  look.judgements = &evidence.judgements;
  one.witness.look(rollout, look);
  one.dirty = true;
}

void StoryKeeper::about_to(const state::State& next) {
  if (folder_.empty() || stopped_) return;
  each_difference(in_force_.state, next,
                  [this](const state::ServiceState* was, const state::ServiceState* is) {
                    if (!is || !is->rollout || !is->rollout->active()) return;
                    const auto& rollout = *is->rollout;
                    if (was && was->rollout && was->rollout->id == rollout.id &&
                        was->rollout->step_began == rollout.step_began)
                      return;
                    const route::Service* routed = in_force_.routed(is->name);
                    if (routed) kept(is->name, rollout).witness.expect(rollout, counts_now(*routed, rollout));
                  });
}

void StoryKeeper::changed(const state::Edit& edit, const std::string& actor, double took_ms) {
  if (folder_.empty() || stopped_) return;
  for (const auto& name : edit.gone) forget(name);
  for (const auto& service : edit.services) {
    if (!service.rollout) continue;
    report::Change change = change_of(edit);
    if (change.actor.empty()) change.actor = actor;
    change.took_ms = took_ms;
    if (const auto head = recorder_.audit_head()) change.audit = head->number;
    Kept& one = kept(service.name, *service.rollout);
    if (service.rollout->id == edit.generation) forget_oldest(service.name);
    const route::Service* routed = in_force_.routed(service.name);
    if (routed && !service.rollout->active()) one.witness.settle(counts_now(*routed, *service.rollout));
    one.witness.change(*service.rollout, std::move(change));
    write(one);
    if (!service.rollout->active()) active_.erase(service.name);
  }
}

void StoryKeeper::tick() {
  const auto now = io::Clock::now();
  for (auto& [service, one] : active_)
    if (one.dirty && now - one.written >= kBetweenWrites) write(one);
}

void StoryKeeper::flush() {
  for (auto& [service, one] : active_)
    if (one.dirty) write(one);
}

void StoryKeeper::stop() {
  if (!stopped_) flush();
  stopped_ = true;
}

void StoryKeeper::leave() { stopped_ = true; }

// --- files

std::string StoryKeeper::path_of(const std::string& service, std::uint64_t id) const {
  return folder_ + "/" + file_name(service) + "." + std::to_string(id) + kEnding;
}

StoryKeeper::Kept& StoryKeeper::kept(const std::string& service, const state::Rollout& rollout) {
  const auto found = active_.find(service);
  if (found != active_.end() && found->second.witness.story().id == rollout.id) return found->second;
  auto story = read(service, rollout.id);
  if (!story) story = report::Witness::begun(service, keys_of(in_force_.spec, service), rollout);
  return active_.insert_or_assign(service, Kept{report::Witness(std::move(*story))}).first->second;
}

std::optional<report::Story> StoryKeeper::read(const std::string& service, std::uint64_t id) const {
  const auto path = path_of(service, id);
  if (!files_.exists(path)) return std::nullopt;
  const auto text = files_.read(path);
  auto story = text ? report::story_in(*text) : std::nullopt;
  if (!story || story->service != service || story->id != id) {
    spdlog::warn("{} cannot be read: what was recorded of the rollout until now is lost for its report",
                 path);
    return std::nullopt;
  }
  return story;
}

void StoryKeeper::write(Kept& one) {
  const auto& story = one.witness.story();
  const std::string path = path_of(story.service, story.id), made = path + ".tmp";
  one.dirty = false;
  one.written = io::Clock::now();
  state::Error error = files_.make_folder(folder_);
  auto file = error ? state::Io<std::unique_ptr<state::File>>(error) : files_.create(made);
  error = file ? (*file)->append(report::to_text(story)) : file.error();
  if (!error) error = files_.rename(made, path);
  if (error && !failed_) spdlog::error("the story of a rollout is not written: {}", error.message());
  failed_ = static_cast<bool>(error);
}

StoryKeeper::Names StoryKeeper::names_of(const std::string& service) const {
  Names found;
  const auto names = files_.list(folder_);
  if (!names) return found;
  for (const auto& name : *names)
    if (const auto story = story_name(name); story && story->first == file_name(service))
      found.emplace_back(story->second, name);
  std::ranges::sort(found);
  return found;
}

void StoryKeeper::forget_oldest(const std::string& service) {
  const Names names = names_of(service);
  for (std::size_t i = 0; i + kKept <= names.size(); ++i) files_.remove(folder_ + "/" + names[i].second);
}

void StoryKeeper::forget(const std::string& service) {
  active_.erase(service);
  for (const auto& [id, name] : names_of(service)) files_.remove(folder_ + "/" + name);
}

// --- reports

std::optional<report::Story> StoryKeeper::story(const std::string& service, std::uint64_t id) const {
  const auto found = active_.find(service);
  if (found != active_.end() && found->second.witness.story().id == id) return found->second.witness.story();
  return read(service, id);
}

Result<std::string> StoryKeeper::report(const protocol::GetReport& message) const {
  if (auto problem = state::missing_service(in_force_.state, message.service)) return *problem;
  if (message.since) return report_of_span(message);
  return report_of_rollout(message);
}

Result<std::string> StoryKeeper::report_of_rollout(const protocol::GetReport& message) const {
  const auto& last = in_force_.state.service(message.service)->rollout;
  const std::uint64_t id = message.rollout > 0 ? message.rollout : last ? last->id : 0;
  if (id == 0)
    return protocol::not_found(
        "service '" + message.service + "' never had a rollout",
        "sluicectl report " + message.service + " --since 24h tells of its other shifts");
  auto story = this->story(message.service, id);
  if (!story && last && last->id == id) story = report::Witness::begun(message.service, {}, *last);
  const auto rollout = story ? state::rollout_from_json(story->rollout) : std::nullopt;
  if (!rollout) {
    std::string kept;
    for (const auto& [other, name] : names_of(message.service))
      kept += (kept.empty() ? "" : ", ") + std::to_string(other);
    return protocol::not_found(
        "nothing is kept of a rollout " + std::to_string(id) + " of service '" + message.service + "'",
        kept.empty() ? "sluicectl history " + message.service : "kept are " + kept);
  }
  const std::int64_t now = unix_milliseconds();
  const auto summary = summary_of(*story, *rollout, now);
  if (message.format == "json") return json_of(*story, *rollout, summary);
  return in_format(document_of(*story, *rollout, summary, now), message.format);
}

std::string StoryKeeper::report_of_span(const protocol::GetReport& message) const {
  constexpr std::size_t kMostChanges = 1000;
  report::Span span;
  span.service = message.service;
  span.to = unix_milliseconds();
  span.from = span.to - message.since->count();
  for (const state::PastEdit* edit : committer_.history().latest(message.service, kMostChanges))
    if (edit->time >= span.from) span.changes.push_back(change_of(*edit));
  for (const auto& [id, name] : names_of(message.service)) {
    const auto story = this->story(message.service, id);
    const auto rollout = story ? state::rollout_from_json(story->rollout) : std::nullopt;
    if (!rollout || (!rollout->active() && rollout->ended < span.from)) continue;
    span.rollouts.push_back(summary_of(*story, *rollout, span.to));
    span.ids.push_back(id);
  }
  if (message.format == "json") return json_of(span);
  return in_format(document_of(span), message.format);
}

}  // namespace sluice::change
