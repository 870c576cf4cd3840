#include "control/rollout/way_back.hpp"

#include <algorithm>
#include <cmath>

#include "control/rollout/format.hpp"

namespace sluice::rollout {
namespace {

std::string whole_percent(double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; }

std::string backends_text(const WayBack& way) {
  return "has " + std::to_string(way.up) + " of " + std::to_string(way.backends) +
         (way.backends == 1 ? " backend" : " backends") + " up" +
         (way.trouble.empty() ? "" : " (" + way.trouble + ")");
}

// What each backend would get, of the most that one had; nothing where that is not known or hardly anything.
std::optional<double> peak_ratio(const WayBack& way) {
  if (way.up == 0 || way.peak_per_backend <= 0) return std::nullopt;
  const double each = way.rate / static_cast<double>(way.up);
  if (each < kTrifle) return std::nullopt;
  return each / way.peak_per_backend;
}

std::optional<double> in_flight_ratio(const WayBack& way) {
  if (way.up == 0 || way.capacity == 0) return std::nullopt;
  return way.in_flight / static_cast<double>(way.capacity);
}

// Why it is not ready, a clause each.
protocol::Strings reasons_of(const WayBack& way, const protocol::RollbackStatus& status) {
  protocol::Strings reasons;
  const bool too_much = status.peak_ratio && *status.peak_ratio > kMostOfPeak;
  const bool full = status.in_flight_ratio && *status.in_flight_ratio > 1;
  const bool each_unknown =
      !status.peak_ratio && way.rate / static_cast<double>(std::max<std::size_t>(way.up, 1)) >= kTrifle;
  if (way.up == 0 || (way.up < way.backends && (too_much || full || each_unknown)))
    reasons.push_back(backends_text(way));
  if (too_much)
    reasons.push_back("would run at " + whole_percent(*status.peak_ratio) +
                      " of yesterday's peak per backend");
  if (full)
    reasons.push_back("would have " + whole_percent(*status.in_flight_ratio) + " of max_in_flight in flight");
  if (way.up > 0 && way.unprobed == way.up) reasons.push_back("was not probed yet");
  if (!way.certificate.empty()) reasons.push_back(way.certificate);
  return reasons;
}

std::string text_of(const WayBack& way, const protocol::RollbackStatus& status) {
  if (!status.ready) {
    std::string text = "not ready: " + way.pool + " ";
    for (std::size_t i = 0; i < status.reasons.size(); ++i) text += (i == 0 ? "" : ", ") + status.reasons[i];
    return text;
  }
  std::string text = "ready";
  if (way.up < way.backends)
    text += ", with " + std::to_string(way.up) + " of " + std::to_string(way.backends) + " backends up";
  if (status.peak_ratio)
    text += std::string(way.up < way.backends ? "" : ",") + " at " + whole_percent(*status.peak_ratio) +
            " of yesterday's peak per backend";
  return text;
}

}  // namespace

protocol::RollbackStatus status_of(const WayBack& way) {
  protocol::RollbackStatus status;
  status.pool = way.pool;
  status.up = way.up;
  status.backends = way.backends;
  status.idle_connections = way.idle_connections;
  status.left = way.left;
  status.peak_ratio = peak_ratio(way);
  status.in_flight_ratio = in_flight_ratio(way);
  status.reasons = reasons_of(way, status);
  status.ready = status.reasons.empty();
  status.text = text_of(way, status);
  return status;
}

Judgement judge_way_back(const config::GateSpec& gate,
                         const std::optional<protocol::RollbackStatus>& status) {
  Judgement judgement;
  judgement.gate = gate_name(gate, LimitKind::max);
  judgement.verdict = status && status->ready ? Verdict::pass : Verdict::insufficient;
  judgement.why = status ? status->text : "nothing is known of the way back yet";
  return judgement;
}

Debounce::Told Debounce::look(bool ready, std::chrono::steady_clock::time_point now) {
  if (ready != lost_) {  // as it was told
    differs_since_.reset();
    return Told::nothing;
  }
  if (!differs_since_) differs_since_ = now;
  if (now - *differs_since_ < (ready ? kBack : kLost)) return Told::nothing;
  differs_since_.reset();
  lost_ = !ready;
  return lost_ ? Told::lost : Told::back;
}

}  // namespace sluice::rollout
