#include "control/change/refusals.hpp"

#include <algorithm>
#include <utility>

#include "control/change/pace.hpp"
#include "control/change/targets.hpp"
#include "control/health/eligibility.hpp"
#include "control/rollout/transitions.hpp"
#include "proxy/base/tunnel_pace.hpp"
#include "proxy/config/gate_files.hpp"

namespace sluice::change {

using protocol::Problem;

namespace {

constexpr const char* kNoWayBack = "repeat it with --force if there is to be no way back";

}  // namespace

// A slip is no outage: the last eligible backend of a pool with a share, or of one that is the way back, is
// not taken away by the way.
std::optional<Problem> refuse_losses(const InForce& now, const route::Snapshot& made,
                                     const state::State& next,
                                     const health::HealthRegistry& health_registry) {
  const auto lost = health::lost_pools(*now.snapshot, made);
  if (!lost.empty()) return refuse_loss(lost.front(), made, next, health_registry);
  const auto time = unix_milliseconds();
  std::optional<Problem> refused;
  each_change(*now.snapshot, made, [&](const route::Service* before, const route::Service& service) {
    const auto* kept = next.service(service.spec.name);
    for (const auto& pool : service.pools) {
      const route::Pool* was = before ? find_pool(*before, pool.name) : nullptr;
      if (refused || !was || eligible_count(*was) == 0 || eligible_count(pool) > 0) continue;
      const auto why = kept ? rollout::kept_for_rollback(*kept, pool.name, time) : std::string();
      if (!why.empty())
        refused = protocol::refused(
            service.spec.name + "/" + pool.name + " would have no eligible backend any more, but " + why,
            kNoWayBack);
    }
  });
  return refused;
}

bool needs_force(const InForce& now, const route::Snapshot& made,
                 const std::vector<state::ServiceDiff>& moved,
                 const health::HealthRegistry& health_registry) {
  auto back = moved;
  for (auto& diff : back)
    for (auto& pool : diff.pools) std::swap(pool.before, pool.after);
  return health::refuse_unservable(made, back, health_registry) ||
         !health::lost_pools(made, *now.snapshot).empty();
}

std::optional<Problem> refuse_kept_back(const state::State& now, const protocol::Target& target) {
  const auto* service = now.service(target.service);
  if (!service || !service->pool(target.pool)) return std::nullopt;
  const auto kept = rollout::kept_for_rollback(*service, target.pool, unix_milliseconds());
  if (kept.empty()) return std::nullopt;
  return protocol::refused(protocol::to_string(target) + " stays: " + kept, kNoWayBack);
}

std::optional<Problem> refuse_slow_pace(const InForce& now, const protocol::Target& target,
                                        const protocol::Websockets& websockets,
                                        std::chrono::milliseconds timeout) {
  if (websockets.kind != protocol::Websockets::Kind::paced) return std::nullopt;
  std::uint64_t open = 0;
  for (const route::Backend* backend : backends_of(now, target))
    open += observe::sum_over(backend->live->per_worker, [](const auto& one) { return one.tunnels.get(); });
  const auto why = too_slow(websockets.rate, open, timeout);
  if (!why) return std::nullopt;
  const auto needed =
      std::chrono::ceil<std::chrono::seconds>(time_at(websockets.rate, open)) + std::chrono::seconds(30);
  const std::uint64_t seconds =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(timeout.count()) / 1000);
  return protocol::refused(
      *why + "; nothing was changed",
      "--timeout " + format_duration(needed) + ", or --websockets " +
          pace_text(static_cast<std::uint32_t>(std::min<std::uint64_t>(kFastestPace, open / seconds + 1))) +
          ", or --force: what is left at the timeout is closed at once");
}

std::optional<Problem> refuse_own_commands(const Actor& actor, const config::PlanSpec& own) {
  const bool admin = actor.role >= config::Role::admin;
  const auto runs = [](const auto& one) { return !one.exec.empty(); };
  if (!admin && (std::ranges::any_of(own.gates, runs) || std::ranges::any_of(own.verify, runs)))
    return protocol::forbidden("a command of one's own (exec) needs the role admin: the daemon would run it",
                               "a plan of the configuration may have it");
  for (const auto& gate : own.gates)
    if (!(gate.reach == config::ReachSpec{}) && !admin)
      return protocol::forbidden(
          "files of one's own (ca, password_file, bearer_file) need the role admin: the daemon would read "
          "them",
          "a plan of the configuration may have them");
  const auto complaints = config::check_gate_files(own, std::string("the plan"), config::FileNames::whole);
  if (complaints.empty()) return std::nullopt;
  return protocol::invalid_config(complaints.front().text());
}

}  // namespace sluice::change
