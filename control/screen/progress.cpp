#include "control/screen/progress.hpp"

#include <algorithm>
#include <cstdint>

#include "control/screen/figures.hpp"
#include "control/screen/marks.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::BackendStatus;
using protocol::milliseconds;
using protocol::Target;

namespace {

std::string left_text(const Progress& progress) {
  switch (progress.kind) {
    case Progress::Left::unknown:
      return "time left unknown";
    case Progress::Left::at_most:
      return "at most " + countdown_text(progress.left) + " more";
    case Progress::Left::at_least:
      return "at least " + countdown_text(progress.left) + " more";
    case Progress::Left::about:
      return "about " + countdown_text(progress.left) + " more";
  }
  return {};
}

// visit(backend) for each that the target names.
template <class Visit>
void each_of(const protocol::Status& status, const Target& target, Visit visit) {
  for (const auto& service : status.services)
    for (const auto& pool : service.pools) {
      if (service.name != target.service || (pool.name != target.pool && !target.pool.empty())) continue;
      for (const auto& backend : pool.backends)
        if (target.backend.empty() || backend.name == target.backend || backend.group == target.backend)
          visit(backend);
    }
}

}  // namespace

// What may be long stands last.
Line progress_line(const Progress& progress, const Paper& paper) {
  const std::size_t columns = std::clamp<std::size_t>(paper.columns / 5, 8, 30);
  Line line(progress.what);
  if (progress.part) line.add("  ").add(bar(*progress.part, columns, Fill::solid, paper.utf8), Ink::busy);
  if (!progress.part) line.add("  since " + countdown_text(progress.running));
  line.add("  " + left_text(progress), Ink::strong);
  return progress.detail.empty() ? line : line.add("  " + progress.detail);
}

std::string progress_text(const Progress& progress) {
  return progress.what + (progress.detail.empty() ? "" : ": " + progress.detail) + ", since " +
         countdown_text(progress.running) + ", " + left_text(progress);
}

std::optional<Progress> drain_progress(const protocol::Status& status, const Target& target) {
  Progress progress;
  DrainProgress sum;
  std::size_t draining = 0;
  bool bounded = true;
  const BackendStatus* oldest = nullptr;
  const protocol::PaceStatus* pace = nullptr;  // all of them have the same, unless they were drained apart
  each_of(status, target, [&](const BackendStatus& backend) {
    if (!backend.drain || backend.drain->finished) return;
    const auto& drain = *backend.drain;
    ++draining;
    const auto one = progress_of(drain);
    sum.left += one.left;
    sum.all += one.all;
    if (drain.left)
      progress.left = std::max(progress.left, *drain.left);
    else
      bounded = false;
    progress.running = std::max(progress.running, drain.running);
    if (drain.pace) pace = &*drain.pace;
    if (drain.oldest && (!oldest || *drain.oldest > *oldest->drain->oldest)) oldest = &backend;
  });
  if (draining == 0) return std::nullopt;
  progress.what = to_string(target) + " drains";
  progress.part = sum.part();
  progress.kind = bounded ? Progress::Left::at_most : Progress::Left::unknown;
  progress.detail = std::to_string(sum.left) + " of " + std::to_string(sum.all) + " left";
  if (pace) {
    progress.detail += "; " + pace_words(*pace);
    return progress;
  }
  if (oldest)
    progress.detail += ", the oldest " +
                       (oldest->drain->oldest_path.empty() ? "" : oldest->drain->oldest_path + " ") +
                       countdown_text(*oldest->drain->oldest);
  return progress;
}

Progress healthy_progress(const protocol::Status& status, const Target& target, milliseconds running,
                          std::optional<milliseconds> timeout) {
  std::size_t all = 0, well = 0;
  std::string first;
  each_of(status, target, [&](const BackendStatus& backend) {
    ++all;
    const bool up = backend.health == "up";
    well += up;
    if (!up && first.empty())
      first = backend.name + " is " + backend.health +
              (backend.last_error.empty() ? "" : ", " + backend.last_error);
  });
  Progress progress;
  progress.what = to_string(target) + " gets healthy";
  progress.part = all > 0 ? static_cast<double>(well) / static_cast<double>(all) : 0;
  progress.detail =
      std::to_string(well) + " of " + std::to_string(all) + " up" + (first.empty() ? "" : "; " + first);
  progress.running = running;
  if (timeout) progress.kind = Progress::Left::at_most;
  if (timeout) progress.left = std::max(*timeout - running, milliseconds(0));
  return progress;
}

void put_into_rolling(Progress& of_one, const Rolling& rolling) {
  const std::size_t all = rolling.done + rolling.left;
  of_one.detail = of_one.what + (of_one.detail.empty() ? "" : ", " + of_one.detail);
  of_one.what = rolling.pool + " " + std::to_string(rolling.done) + "/" + std::to_string(all) + " renewed";
  of_one.part = all > 0 ? static_cast<double>(rolling.done) / static_cast<double>(all) : 0;
  of_one.running = rolling.since;
  of_one.kind = rolling.done > 0 ? Progress::Left::about : Progress::Left::unknown;
  if (rolling.done == 0) return;
  const milliseconds for_the_others =
      rolling.took * static_cast<std::int64_t>(rolling.left) / static_cast<std::int64_t>(rolling.done);
  of_one.left = std::max(for_the_others - (rolling.since - rolling.took), milliseconds(0));
}

std::optional<Progress> rollout_progress(const protocol::RolloutStatus& rollout) {
  if (!rollout.active) return std::nullopt;
  Progress progress;
  progress.what = rollout.name.empty() ? "to " + rollout.to : rollout.name + " to " + rollout.to;
  if (rollout.step)
    progress.detail = "step " + std::to_string(*rollout.step) + " of " + std::to_string(rollout.steps);
  milliseconds all{0}, done{0};
  for (std::size_t i = 0; i < rollout.plan_steps.size(); ++i) {
    all += rollout.plan_steps[i].hold;
    if (rollout.step && i + 1 < *rollout.step) done += rollout.plan_steps[i].hold;
  }
  if (rollout.hold && rollout.in_step) done += std::min(*rollout.hold, *rollout.in_step);
  if (all.count() > 0) progress.part = static_cast<double>(done.count()) / static_cast<double>(all.count());
  progress.running = rollout.in_step.value_or(milliseconds(0));
  if (const auto least = least_time_left(rollout)) {
    progress.kind = Progress::Left::at_least;
    progress.left = *least;
  }
  return progress;
}

}  // namespace sluice::screen
