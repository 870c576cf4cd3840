#include "control/change/notice_of.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <utility>

namespace sluice::change {
namespace {

using notify::Notice;
using notify::NoticeKind;

std::string text_in(const Event& event, std::string_view key) {
  const auto* value = event.detail.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number_in(const Event& event, std::string_view key) {
  const auto* value = event.detail.if_contains(key);
  boost::json::error_code failed;
  const auto number = value && value->is_number() ? value->to_number<std::uint64_t>(failed) : 0;
  return failed ? 0 : number;
}

std::vector<std::string> services_in(const Event& event) {
  std::vector<std::string> all;
  const auto* list = event.detail.if_contains("services");
  if (list && list->is_array())
    for (const auto& one : list->get_array())
      if (one.is_string()) all.emplace_back(one.get_string());
  if (all.empty() && !event.service.empty()) all.push_back(event.service);
  return all;
}

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

// "api blue=100% green=0%": of all that a change says, without what became of rollouts and confirmations.
std::string shares_in(std::string_view said) {
  constexpr std::string_view kBetween = "; ";
  std::string shares;
  while (!said.empty()) {
    const auto end = std::min(said.find(kBetween), said.size());
    const auto piece = said.substr(0, end);
    if (piece.find('=') != std::string_view::npos)
      shares.append(shares.empty() ? "" : kBetween).append(piece);
    said.remove_prefix(std::min(end + kBetween.size(), said.size()));
  }
  return shares;
}

Notice made_of(NoticeKind kind, const Event& event, std::uint64_t generation) {
  Notice notice;
  notice.kind = kind;
  notice.time = std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch()).count();
  notice.services = services_in(event);
  notice.pool = text_in(event, "pool");
  notice.backend = text_in(event, "backend");
  notice.generation = generation;
  notice.text = event.text;
  notice.subject = event.service;
  if (!notice.pool.empty()) notice.subject += "/" + notice.pool;
  if (!notice.backend.empty()) notice.subject += "/" + notice.backend;
  if (!event.service.empty()) notice.next = "sluicectl status " + event.service;
  notice.detail = event.detail;
  return notice;
}

// Of changes: the ways back, and a rollout's end.
std::optional<Notice> of_change(const Event& event, std::uint64_t generation) {
  const std::string verb = text_in(event, "verb");
  const bool done = verb == "rollout done";
  const bool back =
      verb == "rollout back" || verb == "rollout abort" || verb == "rollback" || verb == "revert";
  if (!done && !back) return std::nullopt;
  Notice notice = made_of(done ? NoticeKind::rollout_done : NoticeKind::rolled_back, event, generation);
  notice.actor = text_in(event, "actor");
  notice.reason = text_in(event, "reason");
  notice.undo = text_in(event, "undo");
  const std::string services = joined(notice.services);
  notice.subject = services;
  notice.text = (done ? "the rollout of " + services + " is done" : services + " went back") + ", by " +
                notice.actor + (notice.reason.empty() ? "" : ": " + notice.reason);
  if (const auto now = shares_in(text_in(event, "after")); !now.empty()) notice.text += "; now " + now;
  const bool of_rollout = verb.starts_with("rollout");
  if (!notice.services.empty())
    notice.next = (of_rollout ? "sluicectl rollout status " : "sluicectl history ") + notice.services.front();
  return notice;
}

std::optional<Notice> of_rollout(const Event& event, std::uint64_t generation) {
  if (text_in(event, "gate").empty()) return std::nullopt;
  Notice notice = made_of(NoticeKind::gate_failed, event, generation);
  notice.actor = "rollout";
  notice.reason = text_in(event, "why");
  notice.text = "a gate of " + event.service + " failed: " + notice.reason;
  notice.next = "sluicectl rollout status " + event.service;
  return notice;
}

std::optional<Notice> of_drain(const Event& event, std::uint64_t generation) {
  const auto forced = number_in(event, "forced");
  if (forced == 0) return std::nullopt;
  Notice notice = made_of(NoticeKind::drain_forced, event, generation);
  notice.reason = std::to_string(forced) + " of " + std::to_string(forced + number_in(event, "clean")) +
                  " requests or tunnels had not finished in time and were closed";
  notice.undo = "sluicectl ready " + notice.subject;
  return notice;
}

// Up is what was down or ejected; whether it was told so is known elsewhere.
std::optional<Notice> of_health(const Event& event, std::uint64_t generation) {
  const std::string health = text_in(event, "health"), was = text_in(event, "was");
  const bool down = health == "down" && text_in(event, "admin") == "ready";
  const bool lifted = !text_in(event, "lifted").empty();
  const bool up = lifted || ((health == "up" || health == "unknown") && (was == "down" || was == "ejected"));
  if (!down && !up) return std::nullopt;
  Notice notice = made_of(down ? NoticeKind::backend_down : NoticeKind::backend_up, event, generation);
  notice.reason = lifted ? text_in(event, "lifted") : text_in(event, "error");
  notice.text = notice.subject + (down ? " is down" : " is up again") +
                (notice.reason.empty() ? "" : ": " + notice.reason);
  return notice;
}

Notice of_ejection(const Event& event, std::uint64_t generation) {
  Notice notice = made_of(NoticeKind::backend_down, event, generation);
  notice.reason = std::to_string(number_in(event, "errors")) + " requests in a row failed";
  notice.undo = "sluicectl ready " + notice.subject;
  return notice;
}

std::optional<Notice> of_retention(const Event& event, std::uint64_t generation) {
  if (text_in(event, "ended").empty()) return std::nullopt;
  Notice notice = made_of(NoticeKind::retain_over, event, generation);
  notice.reason = text_in(event, "ended") == "over" ? "the time is over"
                                                    : "another shift came after the one that left it";
  return notice;
}

std::optional<Notice> of_way_back(const Event& event, std::uint64_t generation) {
  const auto* ready = event.detail.if_contains("ready");
  const bool lost = ready && *ready == false;
  Notice notice = made_of(lost ? NoticeKind::rollback_lost : NoticeKind::rollback_ready, event, generation);
  notice.reason = text_in(event, "text");
  return notice;
}

// An order that went well is no news; one that failed is the end's beginning.
std::optional<Notice> of_certificate(const Event& event, std::uint64_t generation) {
  const std::string result = text_in(event, "result");
  if (result == "issued") return std::nullopt;
  Notice notice = made_of(NoticeKind::certificate_ending, event, generation);
  if (result == "failed") {
    notice.subject = "listener " + text_in(event, "listener");
    notice.reason = event.text;
    notice.next = "sluicectl status";  // when the next order is
    return notice;
  }
  notice.subject = text_in(event, "certificate");
  notice.reason = text_in(event, "left");
  notice.next = "sluicectl reload";  // once it is renewed
  return notice;
}

}  // namespace

std::optional<Notice> notice_of(const Event& event, std::uint64_t generation) {
  if (event.type == "change") return of_change(event, generation);
  if (event.type == "rollout") return of_rollout(event, generation);
  if (event.type == "drained") return of_drain(event, generation);
  if (event.type == "health") return of_health(event, generation);
  if (event.type == "ejected") return of_ejection(event, generation);
  if (event.type == "retain") return of_retention(event, generation);
  if (event.type == "rollback") return of_way_back(event, generation);
  if (event.type == "certificate") return of_certificate(event, generation);
  return std::nullopt;
}

}  // namespace sluice::change
