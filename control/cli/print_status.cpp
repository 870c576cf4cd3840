#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "control/cli/print.hpp"
#include "control/cli/print_rollout.hpp"
#include "control/screen/figures.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::BackendStatus;
using protocol::PoolStatus;
using protocol::ServiceStatus;
using protocol::Status;

namespace {

// "-" where there is nothing to say: no request in the window.
std::string formatted(const std::optional<double>& number, const char* format) {
  if (!number) return "-";
  char text[64];
  std::snprintf(text, sizeof text, format, *number);
  return text;
}

std::optional<double> times(std::optional<double> number, double factor) {
  if (number) *number *= factor;
  return number;
}

std::string latency(const std::optional<double>& value) {
  return formatted(value, value && *value < 10 ? "%.1f" : "%.0f");
}

std::string whole(std::uint64_t number) { return std::to_string(number); }

std::string paint_health(const std::string& health, const Style& style) {
  if (health == "up") return style.good(health);
  if (health == "down" || health == "ejected") return style.bad(health);
  return health;
}

std::string paint_admin(const std::string& admin, const Style& style) {
  return admin == "ready" ? admin : style.busy(admin);
}

// "3/3 up", "1/2 up, api-2 draining"; "ready" where no probe says that they are up.
std::string health_text(const std::vector<BackendStatus>& backends, const Style& style) {
  std::size_t eligible = 0, up = 0;
  std::string rest;
  for (const auto& backend : backends) {
    if (backend.eligible) {
      ++eligible;
      up += backend.health == "up";
      continue;
    }
    rest += ", " + backend.name + " " + (backend.admin == "ready" ? backend.health : backend.admin);
  }
  const auto counts =
      std::to_string(eligible) + "/" + std::to_string(backends.size()) + (up == eligible ? " up" : " ready");
  return (eligible == backends.size() && eligible ? style.good(counts)
          : eligible                              ? style.busy(counts)
                                                  : style.bad(counts)) +
         rest;
}

std::string pools_table(const ServiceStatus& service, const Style& style) {
  Table table({"POOL", ">SHARE", ">MEASURED", ">REQ/S", ">ERR %", ">P50 MS", ">P95 MS", ">P99 MS",
               ">IN FLIGHT", "BACKENDS"});
  for (const auto& pool : service.pools)
    table.add({pool.name + (pool.name == service.stable ? " (stable)" : ""), format_share(pool.share),
               formatted(times(pool.share_measured, 100), "%.1f%%"),
               formatted(pool.requests_per_second, "%.1f"), formatted(times(pool.error_rate, 100), "%.2f"),
               latency(pool.p50_ms), latency(pool.p95_ms), latency(pool.p99_ms), whole(pool.in_flight),
               health_text(pool.backends, style)});
  return table.render(style);
}

// A name that can no longer be looked up keeps its addresses; since when is what an operator has to know.
std::string trouble_of(const BackendStatus& backend) {
  std::string trouble = backend.last_error;
  if (backend.stale_since.empty() || backend.resolved_since.empty()) return trouble;
  return (trouble.empty() ? "" : trouble + "; ") + "address kept since " + backend.stale_since + ", " +
         backend.resolve_error;
}

std::string backends_table(const ServiceStatus& service, const Style& style) {
  Table table(
      {"POOL", "BACKEND", "ADMIN", "HEALTH", ">WEIGHT", ">REQUESTS", ">ERRORS", ">IN FLIGHT", "LAST ERROR"});
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends)
      table.add({pool.name, backend.name, paint_admin(backend.admin, style),
                 paint_health(backend.health, style), formatted(backend.weight, "%.4g"),
                 whole(backend.requests), whole(backend.errors), whole(backend.in_flight),
                 trouble_of(backend)});
  return table.empty() ? "" : "\n" + table.render(style);
}

// D5: what keeps each drain from being done.
std::string drain_lines(const ServiceStatus& service, const Style& style) {
  std::string out;
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      const auto& drain = backend.drain;
      if (!drain || drain->finished) continue;
      out += style.busy("drain") + " " + service.name + "/" + pool.name + "/" + backend.name + ": " +
             whole(drain->requests) + " requests and " + whole(drain->tunnels) + " tunnels left";
      if (!drain->oldest_path.empty())
        out += ", the oldest " + drain->oldest_path + " since " +
               duration_text(drain->oldest.value_or(std::chrono::milliseconds(0)));
      if (drain->left) out += ", closed in " + duration_text(*drain->left);
      if (drain->pace) out += "; " + screen::pace_words(*drain->pace);
      out += "\n";
    }
  return out;
}

// "retained: blue for another 59m" after a shift that keeps the way back.
std::string retained_line(const ServiceStatus& service) {
  if (!service.retained) return {};
  std::string names;
  for (const auto& pool : service.retained->pools) names += (names.empty() ? "" : ", ") + pool;
  return "retained: " + names + " for another " + duration_text(service.retained->left) + "\n";
}

// "way back: ready, at 80 % of yesterday's peak per backend"; nothing for a service without one.
std::string way_back_line(const ServiceStatus& service, const Style& style) {
  if (!service.rollback) return {};
  const std::string& text = service.rollback->text;
  return "way back to " + service.rollback->pool + ": " +
         (service.rollback->ready ? style.good(text) : style.bad(text)) + "\n";
}

// "paused: 12 held, nothing in flight"; nothing for a service that is open.
std::string traffic_line(const ServiceStatus& service, const Style& style) {
  const auto& traffic = service.traffic;
  if (traffic.state == "open" && traffic.held == 0) return {};
  std::string out = traffic.state == "open" ? style.busy("resuming") : style.bad(traffic.state);
  if (!traffic.message.empty()) out += " '" + traffic.message + "'";
  if (traffic.state != "stopped") out += ": " + whole(traffic.held) + " held";
  if (traffic.state != "open")
    out += traffic.in_flight > 0 ? ", " + whole(traffic.in_flight) + " in flight" : ", nothing in flight";
  return out + "\n";
}

// "flags: a 10%, b 100%" and "mirror: 10% to green (12 answered, 0 failed, 0 dropped)".
std::string flag_and_mirror_lines(const ServiceStatus& service) {
  std::string out;
  for (const auto& [name, share] : service.flags)
    out += (out.empty() ? "flags: " : ", ") + name + " " + format_share(share);
  if (!out.empty()) out += "\n";
  if (!service.mirror) return out;
  const auto& mirror = *service.mirror;
  return out + "mirror: " + format_share(mirror.share) + " to " + mirror.pool + " (" +
         whole(mirror.counts.answered) + " answered, " + whole(mirror.counts.failed) + " failed, " +
         whole(mirror.counts.dropped) + " dropped)\n";
}

// "assets: of blue's missing files 12 came from another pool, 1 from none"
std::string asset_lines(const ServiceStatus& service) {
  std::string out;
  for (const auto& pool : service.pools) {
    if (!pool.assets_elsewhere || *pool.assets_elsewhere + pool.assets_missing.value_or(0) == 0) continue;
    out += "assets: of " + pool.name + "'s missing files " + whole(*pool.assets_elsewhere) +
           " came from another pool, " + whole(pool.assets_missing.value_or(0)) + " from none\n";
  }
  return out;
}

}  // namespace

// Of an upgrade that is not over yet.
static std::string predecessor_line(const Status& status, const Style& style) {
  if (!status.predecessor) return {};
  const auto& before = *status.predecessor;
  std::string out = style.busy("predecessor:") + " process " + whole(before.pid) + " has " +
                    whole(before.connections) + " connections left";
  if (before.requests > 0)
    out += ", " + whole(before.requests) + " requests, the oldest " + before.oldest_path + " " +
           duration_text(before.oldest);
  return out + "\n";
}

// Of those that the daemon orders itself: "certificate: web a.test until TIME, next order TIME". What is
// wrong with one stands among the warnings.
static std::string certificate_lines(const Status& status, const Style& style) {
  std::string out;
  for (const auto& one : status.certificates) {
    if (!one.acme) continue;
    std::string names;
    for (const auto& domain : one.domains) names += (names.empty() ? "" : ", ") + domain;
    out += (one.not_after.empty() ? style.bad("certificate:") : "certificate:") + " " + one.listener + ", " +
           names;
    out += one.not_after.empty() ? ", none yet" : ", until " + one.not_after;
    out += one.ordering ? ", is ordered now\n" : ", next order " + one.next_order + "\n";
  }
  return out;
}

std::string render_warnings(const Status& status, const Style& style) {
  std::string out = predecessor_line(status, style) + certificate_lines(status, style);
  for (const auto& warning : status.warnings) out += style.bad("warning:") + " " + warning + "\n";
  return out;
}

std::string render_status(const Status& status, const std::string& wanted, const Style& style) {
  std::string out;
  for (const auto& service : status.services) {
    if (!wanted.empty() && service.name != wanted) continue;
    out += style.strong(service.name) + "   stable " + service.stable + ", generation " +
           whole(status.generation) + "\n";
    if (!service.set_aside.empty()) out += style.bad("set aside:") + " " + service.set_aside + "\n";
    if (service.rollout && service.rollout->active)
      out += style.busy("rollout") + " " + rollout_summary(*service.rollout) + "\n";
    if (service.unconfirmed)
      out += style.busy("unconfirmed:") + " reverts in " + duration_text(service.unconfirmed->left) +
             ", sluicectl confirm " + service.name + "\n";
    out += retained_line(service);
    out += way_back_line(service, style);
    out += traffic_line(service, style);
    out += flag_and_mirror_lines(service);
    out += asset_lines(service);
    out += pools_table(service, style);
    if (!wanted.empty()) out += backends_table(service, style);
    out += drain_lines(service, style) + "\n";
  }
  if (!out.empty()) out.pop_back();  // the empty line stands between services
  return out + render_warnings(status, style);
}

std::string render_state_lines(const Status& status, const std::string& wanted) {
  std::string out;
  for (const auto& service : status.services) {
    if (!wanted.empty() && service.name != wanted) continue;
    out += service.name + ":";
    for (const auto& pool : service.pools)
      out +=
          " " + pool.name + " " + format_share(pool.share) + " (" + health_text(pool.backends, Style{}) + ")";
    if (service.traffic.state != "open") out += ", " + service.traffic.state;
    out += ", stable " + service.stable + ", generation " + whole(status.generation) + "\n";
  }
  return out;
}

}  // namespace sluice::cli
