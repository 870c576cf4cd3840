#include "control/change/recorder.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/json/array.hpp>

namespace sluice::change {

namespace json = boost::json;

void Recorder::open_audit_log(state::FileSystem& files, std::string path, std::uint64_t generation) {
  audit_.emplace(files, std::move(path));
  state::Attempt start;
  start.time = unix_milliseconds();
  start.actor = {::geteuid(), ::getpid(), "daemon"};
  start.generation = generation;
  const auto told = audit_->go_on(std::move(start));
  audit_failed_ = told.has_error();
  if (!told)
    spdlog::error("the audit log is not written: {}", told.error().message());
  else if (!told->empty())
    warn("warning", "", "the audit log: " + *told);
}

void Recorder::reopen_audit_log() {
  if (audit_) audit_->reopen();
}

void Recorder::share_audit_log() {
  if (audit_) audit_->share();
}

std::optional<protocol::AuditHead> Recorder::audit_head() const {
  const auto& place = audit_ ? audit_->place() : std::nullopt;
  if (!place || place->head.number == 0) return std::nullopt;
  return protocol::AuditHead{place->head.number, place->head.hash};
}

void Recorder::audit(const Invocation& invocation, const std::string& verb, const state::Texts& texts,
                     const std::string& result) {
  state::Attempt attempt;
  attempt.time = unix_milliseconds();
  attempt.actor = actor_of(invocation.actor);
  attempt.verb = verb;
  attempt.before = texts.before;
  attempt.after = texts.after;
  attempt.generation = in_force_.state.generation;
  attempt.reason = invocation.options.reason;
  attempt.result = result;
  const state::Error error = audit_->write(attempt);
  // Once is enough: the disk is full for longer than one change.
  if (error && !audit_failed_) spdlog::error("the audit log is not written: {}", error.message());
  audit_failed_ = static_cast<bool>(error);
}

protocol::Problem Recorder::refuse(const Invocation& invocation, const std::string& verb,
                                   protocol::Problem problem) {
  ++counters.refused;
  if (!invocation.options.dry_run) audit(invocation, verb, {}, "refused: " + problem.detail);
  spdlog::info("{} by {} refused: {}", verb, to_string(invocation.actor), problem.detail);
  return problem;
}

void Recorder::access_denied(const Actor& actor, const std::string& what, const std::string& why) {
  constexpr std::uint32_t kLinesAMinute = 60;
  ++counters.refused;
  const auto now = io::Clock::now();
  std::string result = "refused: " + why;
  if (now - denied_since_ >= std::chrono::minutes(1)) {
    if (denied_ > kLinesAMinute)
      result += " (and " + std::to_string(denied_ - kLinesAMinute) + " more were refused before)";
    denied_since_ = now;
    denied_ = 0;
  }
  if (++denied_ > kLinesAMinute) return;
  Invocation invocation;
  invocation.actor = actor;
  audit(invocation, what, {}, result);
  spdlog::warn("{} by {} refused: {}", what, to_string(actor), why);
}

void Recorder::log_change(const Invocation& invocation, const state::Edit& edit, double took_ms,
                          const std::string& undo) {
  ++counters.changes;
  const bool settings_only = edit.before.empty() && edit.after.empty();  // a reload
  const std::string text = edit.verb + (settings_only ? "" : ": " + edit.before + " -> " + edit.after);
  spdlog::info("generation {}, {}, by {}, {:.1f} ms", edit.generation, text, to_string(invocation.actor),
               took_ms);
  json::array services;
  for (const auto& service : edit.services) services.emplace_back(service.name);
  json::object detail{{"generation", edit.generation},
                      {"verb", edit.verb},
                      {"before", edit.before},
                      {"after", edit.after},
                      {"reason", edit.reason},
                      {"actor", to_string(invocation.actor)},
                      {"services", std::move(services)},
                      {"undo", undo},
                      {"took_ms", took_ms}};
  events.add("change", edit.services.size() == 1 ? edit.services.front().name : "", text, std::move(detail));
  if (on_change) on_change(edit, to_string(invocation.actor), took_ms);
}

void Recorder::info(std::string type, std::string service, std::string text, json::object detail) {
  spdlog::info("{}", text);
  events.add(std::move(type), std::move(service), std::move(text), std::move(detail));
}

void Recorder::warn(std::string type, std::string service, std::string text, json::object detail) {
  spdlog::warn("{}", text);
  events.add(std::move(type), std::move(service), std::move(text), std::move(detail));
}

}  // namespace sluice::change
