// A status of many services: a line each.
#include <cmath>
#include <cstdio>

#include "control/cli/look.hpp"
#include "control/cli/print.hpp"
#include "control/cli/print_rollout.hpp"
#include "control/cli/select_status.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

std::string number_cell(double number, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

// "blue 95%, green 5%"; a pool without a share is not named.
std::string shares_cell(const json::object& service) {
  std::string out;
  for (const auto& [name, pool] : object_in(service, "pools")) {
    const double share = number_in(object_of(pool), "share").value_or(0);
    if (share > 0)
      out += (out.empty() ? "" : ", ") + std::string(name) + " " +
             format_share(static_cast<Share>(std::llround(share * kWhole)));
  }
  return out.empty() ? "-" : out;
}

// "6/6 up", "5/6 ready, green/api-2 down"; of more than two that are out only how many.
std::string backends_cell(const json::object& service, const Style& style) {
  constexpr std::size_t kNamed = 2;
  std::size_t all = 0, eligible = 0, up = 0, out_of_it = 0;
  std::string named;
  for (const auto& [pool_name, pool] : object_in(service, "pools"))
    for (const auto& [name, value] : object_in(object_of(pool), "backends")) {
      const auto& backend = object_of(value);
      ++all;
      if (is_set(backend, "eligible")) {
        ++eligible;
        up += text_in(backend, "health") == "up";
        continue;
      }
      if (++out_of_it > kNamed) continue;
      const auto admin = text_in(backend, "admin");
      named += ", " + std::string(pool_name) + "/" + std::string(name) + " " +
               (admin == "ready" ? text_in(backend, "health") : admin);
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
std::string state_cell(const json::object& service, const Style& style) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  if (const auto why = text_in(service, "set_aside"); !why.empty()) add(style.bad("set aside") + ": " + why);
  if (const auto state = text_in(object_in(service, "traffic"), "state"); !state.empty() && state != "open")
    add(style.bad(state));
  if (const auto rollout = rollout_summary(object_in(service, "rollout")); !rollout.empty())
    add(style.busy("rollout") + " " + rollout);
  if (const auto left = number_in(object_in(service, "unconfirmed"), "reverts_in_ms"))
    add(style.busy("unconfirmed") + ", reverts in " +
        duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(*left))));
  if (const auto& mirror = object_in(service, "mirror"); !mirror.empty())
    add("mirror " + text_in(mirror, "share") + " to " + text_in(mirror, "to"));
  return out.empty() ? "-" : out;
}

}  // namespace

std::string render_brief(const json::value& status, const Style& style) {
  Table table({"SERVICE", "STABLE", "SHARES", ">REQ/S", ">ERR %", ">P99 MS", "BACKENDS", "STATE"});
  for (const auto& [name, value] : object_in(object_of(status), "services")) {
    const auto& service = object_of(value);
    const double rate = requests_per_second(service), p99 = latency_ms(service, "p99_ms");
    table.add({std::string(name), text_in(service, "stable"), shares_cell(service), number_cell(rate, "%.1f"),
               rate > 0 ? number_cell(error_rate(service) * 100, "%.2f") : "-",
               p99 > 0 ? number_cell(p99, p99 < 10 ? "%.1f" : "%.0f") : "-", backends_cell(service, style),
               state_cell(service, style)});
  }
  return table.render(style) + render_warnings(status, style);
}

}  // namespace sluice::cli
