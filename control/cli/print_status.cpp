#include <boost/json/object.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "control/cli/look.hpp"
#include "control/cli/print.hpp"
#include "control/cli/print_rollout.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;

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

std::string latency(const json::object& pool, std::string_view key) {
  const auto value = number_in(pool, key);
  return formatted(value, value && *value < 10 ? "%.1f" : "%.0f");
}

std::string share_text(const json::object& pool) {
  return format_share(static_cast<Share>(std::llround(number_in(pool, "share").value_or(0) * kWhole)));
}

std::string paint_health(const std::string& health, const Style& style) {
  if (health == "up") return style.good(health);
  if (health == "down" || health == "ejected") return style.bad(health);
  return health;
}

std::string paint_admin(const std::string& admin, const Style& style) {
  return admin == "ready" ? admin : style.busy(admin);
}

// "3/3 up", "1/2 up, api-2 draining"; "ready" where no probe says that they are up.
std::string health_text(const json::object& backends, const Style& style) {
  std::size_t eligible = 0, up = 0;
  std::string rest;
  for (const auto& [name, value] : backends) {
    const auto* backend = value.if_object();
    if (!backend) continue;
    if (is_set(*backend, "eligible")) {
      ++eligible;
      up += text_in(*backend, "health") == "up";
      continue;
    }
    const auto admin = text_in(*backend, "admin");
    rest += ", " + std::string(name) + " " + (admin == "ready" ? text_in(*backend, "health") : admin);
  }
  const auto counts =
      std::to_string(eligible) + "/" + std::to_string(backends.size()) + (up == eligible ? " up" : " ready");
  return (eligible == backends.size() && eligible ? style.good(counts)
          : eligible                              ? style.busy(counts)
                                                  : style.bad(counts)) +
         rest;
}

std::string pools_table(const json::object& service, const Style& style) {
  Table table({"POOL", ">SHARE", ">MEASURED", ">REQ/S", ">ERR %", ">P50 MS", ">P95 MS", ">P99 MS",
               ">IN FLIGHT", "BACKENDS"});
  const auto stable = text_in(service, "stable");
  for (const auto& [name, value] : object_in(service, "pools")) {
    const auto* pool = value.if_object();
    if (!pool) continue;
    table.add({std::string(name) + (name == stable ? " (stable)" : ""), share_text(*pool),
               formatted(times(number_in(*pool, "share_measured"), 100), "%.1f%%"),
               formatted(number_in(*pool, "requests_per_second"), "%.1f"),
               formatted(times(number_in(*pool, "error_rate"), 100), "%.2f"), latency(*pool, "p50_ms"),
               latency(*pool, "p95_ms"), latency(*pool, "p99_ms"),
               formatted(number_in(*pool, "in_flight"), "%.0f"),
               health_text(object_in(*pool, "backends"), style)});
  }
  return table.render(style);
}

// A name that can no longer be looked up keeps its addresses; since when is what an operator has to know.
std::string trouble_of(const json::object& backend) {
  std::string trouble = text_in(backend, "last_error");
  const auto since = text_in(backend, "stale_since");
  if (since.empty() || text_in(backend, "resolved_since").empty()) return trouble;
  return (trouble.empty() ? "" : trouble + "; ") + "address kept since " + since + ", " +
         text_in(backend, "resolve_error");
}

std::string backends_table(const json::object& service, const Style& style) {
  Table table(
      {"POOL", "BACKEND", "ADMIN", "HEALTH", ">WEIGHT", ">REQUESTS", ">ERRORS", ">IN FLIGHT", "LAST ERROR"});
  for (const auto& [pool_name, pool] : object_in(service, "pools")) {
    if (!pool.is_object()) continue;
    for (const auto& [name, value] : object_in(pool.get_object(), "backends")) {
      const auto* backend = value.if_object();
      if (!backend) continue;
      table.add({std::string(pool_name), std::string(name), paint_admin(text_in(*backend, "admin"), style),
                 paint_health(text_in(*backend, "health"), style),
                 formatted(number_in(*backend, "weight"), "%.4g"),
                 formatted(number_in(*backend, "requests"), "%.0f"),
                 formatted(number_in(*backend, "errors"), "%.0f"),
                 formatted(number_in(*backend, "in_flight"), "%.0f"), trouble_of(*backend)});
    }
  }
  return table.empty() ? "" : "\n" + table.render(style);
}

std::string elapsed(double milliseconds) {
  return duration_text(std::chrono::milliseconds(std::llround(milliseconds)));
}

// D5: what keeps each drain from being done.
std::string drain_lines(const std::string& service_name, const json::object& service, const Style& style) {
  std::string out;
  for (const auto& [pool_name, pool] : object_in(service, "pools")) {
    if (!pool.is_object()) continue;
    for (const auto& [name, backend] : object_in(pool.get_object(), "backends")) {
      if (!backend.is_object()) continue;
      const auto& drain = object_in(backend.get_object(), "drain");
      if (drain.empty() || is_set(drain, "finished")) continue;
      out += style.busy("drain") + " " + service_name + "/" + std::string(pool_name) + "/" +
             std::string(name) + ": " + formatted(number_in(drain, "requests"), "%.0f") + " requests and " +
             formatted(number_in(drain, "tunnels"), "%.0f") + " tunnels left";
      if (const auto path = text_in(drain, "oldest_path"); !path.empty())
        out += ", the oldest " + path + " since " + elapsed(number_in(drain, "oldest_ms").value_or(0));
      if (const auto left = number_in(drain, "left_ms")) out += ", closed in " + elapsed(*left);
      out += "\n";
    }
  }
  return out;
}

// "retained: blue for another 59m" after a shift that keeps the way back.
std::string retained_line(const json::object& service) {
  const auto& retained = object_in(service, "retained");
  const auto* pools = retained.if_contains("pools");
  if (!pools || !pools->is_array()) return {};
  std::string names;
  for (const auto& pool : pools->get_array()) names += (names.empty() ? "" : ", ") + plain(pool);
  return "retained: " + names + " for another " + elapsed(number_in(retained, "left_ms").value_or(0)) + "\n";
}

// "paused: 12 held, nothing in flight"; nothing for a service that is open.
std::string traffic_line(const json::object& service, const Style& style) {
  const auto& traffic = object_in(service, "traffic");
  const auto state = text_in(traffic, "state");
  const auto held = number_in(traffic, "held").value_or(0);
  if (state.empty() || (state == "open" && held == 0)) return {};
  const auto in_flight = number_in(traffic, "in_flight").value_or(0);
  std::string out = state == "open" ? style.busy("resuming") : style.bad(state);
  if (const auto message = text_in(traffic, "message"); !message.empty()) out += " '" + message + "'";
  if (state != "stopped") out += ": " + formatted(held, "%.0f") + " held";
  if (state != "open")
    out += in_flight > 0 ? ", " + formatted(in_flight, "%.0f") + " in flight" : ", nothing in flight";
  return out + "\n";
}

// "flags: a 10%, b 100%" and "mirror: 10% to green (12 answered, 0 failed, 0 dropped)".
std::string laid_over_lines(const json::object& service) {
  std::string out;
  for (const auto& [name, share] : object_in(service, "flags"))
    out += (out.empty() ? "flags: " : ", ") + std::string(name) + " " + plain(share);
  if (!out.empty()) out += "\n";
  const auto& mirror = object_in(service, "mirror");
  if (mirror.empty()) return out;
  return out + "mirror: " + text_in(mirror, "share") + " to " + text_in(mirror, "to") + " (" +
         formatted(number_in(mirror, "answered"), "%.0f") + " answered, " +
         formatted(number_in(mirror, "failed"), "%.0f") + " failed, " +
         formatted(number_in(mirror, "dropped"), "%.0f") + " dropped)\n";
}

}  // namespace

std::string render_warnings(const json::value& status, const Style& style) {
  std::string out;
  const auto* list = object_of(status).if_contains("warnings");
  if (list && list->is_array())
    for (const auto& warning : list->get_array())
      if (warning.is_string()) out += style.bad("warning:") + " " + std::string(warning.get_string()) + "\n";
  return out;
}

std::string render_status(const json::value& status, const std::string& wanted, const Style& style) {
  const auto* top = status.if_object();
  if (!top) return {};
  std::string out;
  for (const auto& [name, value] : object_in(*top, "services")) {
    const auto* service = value.if_object();
    if (!service || (!wanted.empty() && name != wanted)) continue;
    out += style.strong(name) + "   stable " + text_in(*service, "stable") + ", generation " +
           formatted(number_in(*top, "generation"), "%.0f") + "\n";
    if (const auto why = text_in(*service, "set_aside"); !why.empty())
      out += style.bad("set aside:") + " " + why + "\n";
    if (const auto rollout = rollout_summary(object_in(*service, "rollout")); !rollout.empty())
      out += style.busy("rollout") + " " + rollout + "\n";
    if (const auto left = number_in(object_in(*service, "unconfirmed"), "reverts_in_ms"))
      out += style.busy("unconfirmed:") + " reverts in " + elapsed(*left) + ", sluicectl confirm " +
             std::string(name) + "\n";
    out += retained_line(*service);
    out += traffic_line(*service, style);
    out += laid_over_lines(*service);
    out += pools_table(*service, style);
    if (!wanted.empty()) out += backends_table(*service, style);
    out += drain_lines(std::string(name), *service, style) + "\n";
  }
  if (!out.empty()) out.pop_back();  // the empty line stands between services
  return out + render_warnings(status, style);
}

std::string render_state_lines(const json::value& status, const std::string& wanted) {
  const auto* top = status.if_object();
  if (!top) return {};
  std::string out;
  for (const auto& [name, value] : object_in(*top, "services")) {
    const auto* service = value.if_object();
    if (!service || (!wanted.empty() && name != wanted)) continue;
    out += std::string(name) + ":";
    for (const auto& [pool_name, pool] : object_in(*service, "pools"))
      if (pool.is_object())
        out += " " + std::string(pool_name) + " " + share_text(pool.get_object()) + " (" +
               health_text(object_in(pool.get_object(), "backends"), Style{}) + ")";
    if (const auto state = text_in(object_in(*service, "traffic"), "state");
        !state.empty() && state != "open")
      out += ", " + state;
    out += ", stable " + text_in(*service, "stable") + ", generation " +
           formatted(number_in(*top, "generation"), "%.0f") + "\n";
  }
  return out;
}

}  // namespace sluice::cli
