// A status of many services: a line each.
#include <cstdio>

#include "control/cli/print.hpp"
#include "control/cli/print_rollout.hpp"
#include "control/cli/select_status.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::PoolStatus;
using protocol::ServiceStatus;

namespace {

std::string number_cell(double number, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

// "blue 95%, green 5%"; a pool without a share is not named.
std::string shares_cell(const ServiceStatus& service) {
  std::string out;
  for (const auto& pool : service.pools)
    if (pool.share > 0) out += (out.empty() ? "" : ", ") + pool.name + " " + format_share(pool.share);
  return out.empty() ? "-" : out;
}

// "6/6 up", "5/6 ready, green/api-2 down"; of more than two that are out only how many.
std::string backends_cell(const ServiceStatus& service, const Style& style) {
  constexpr std::size_t kNamed = 2;
  std::size_t all = 0, eligible = 0, up = 0, out_of_it = 0;
  std::string named;
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      ++all;
      if (backend.eligible) {
        ++eligible;
        up += backend.health == "up";
        continue;
      }
      if (++out_of_it > kNamed) continue;
      named += ", " + pool.name + "/" + backend.name + " " +
               (backend.admin == "ready" ? backend.health : backend.admin);
    }
  if (out_of_it > kNamed) named += " and " + std::to_string(out_of_it - kNamed) + " more";
  const auto counts =
      std::to_string(eligible) + "/" + std::to_string(all) + (up == eligible ? " up" : " ready");
  return (eligible == all && all > 0 ? style.good(counts)
          : eligible > 0             ? style.busy(counts)
                                     : style.bad(counts)) +
         named;
}

// What is going on with it; "-" in quiet times.
std::string state_cell(const ServiceStatus& service, const Style& style) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  if (!service.set_aside.empty()) add(style.bad("set aside") + ": " + service.set_aside);
  if (service.traffic.state != "open") add(style.bad(service.traffic.state));
  if (service.rollout && service.rollout->active)
    add(style.busy("rollout") + " " + rollout_summary(*service.rollout));
  if (service.unconfirmed)
    add(style.busy("unconfirmed") + ", reverts in " + duration_text(service.unconfirmed->left));
  if (service.mirror) add("mirror " + format_share(service.mirror->share) + " to " + service.mirror->pool);
  return out.empty() ? "-" : out;
}

}  // namespace

std::string render_brief(const protocol::Status& status, const Style& style) {
  Table table({"SERVICE", "STABLE", "SHARES", ">REQ/S", ">ERR %", ">P99 MS", "BACKENDS", "STATE"});
  for (const auto& service : status.services) {
    const double rate = requests_per_second(service), p99 = latency_ms(service, &PoolStatus::p99_ms);
    table.add({service.name, service.stable, shares_cell(service), number_cell(rate, "%.1f"),
               rate > 0 ? number_cell(error_rate(service) * 100, "%.2f") : "-",
               p99 > 0 ? number_cell(p99, p99 < 10 ? "%.1f" : "%.0f") : "-", backends_cell(service, style),
               state_cell(service, style)});
  }
  return table.render(style) + render_warnings(status, style);
}

}  // namespace sluice::cli
