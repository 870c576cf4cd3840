#include "control/cli/print_rollout.hpp"

#include <cstdio>

#include "control/cli/look.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

const json::array& list_in(const json::object& in, std::string_view key) {
  static const json::array kNone;
  const auto* value = in.if_contains(key);
  return value && value->is_array() ? value->get_array() : kNone;
}

std::string whole(const json::object& in, std::string_view key) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", number_in(in, key).value_or(0));
  return text;
}

// In the unit of what the gate measures: rates in per cent, latencies in milliseconds, a query's own.
std::string figure(const json::object& gate, std::string_view key) {
  const auto number = number_in(gate, key);
  if (!number) return "-";
  const auto unit = text_in(gate, "unit");
  char text[32];
  if (unit == "rate")
    std::snprintf(text, sizeof text, "%.3g%%", *number * 100);
  else if (unit == "seconds")
    std::snprintf(text, sizeof text, "%.3g ms", *number * 1000);
  else
    std::snprintf(text, sizeof text, "%.4g", *number);
  return text;
}

// "5%", "5% (warn 1%)".
std::string limit_text(const json::object& gate) {
  const std::string limit = figure(gate, "limit");
  return number_in(gate, "warn_limit") ? limit + " (warn " + figure(gate, "warn_limit") + ")" : limit;
}

// "0% to 4.6%"; "from 0.2 ms" while nothing bounds it above; "-" without a measurement.
std::string between(const json::object& gate) {
  const bool above = number_in(gate, "upper").has_value(), below = number_in(gate, "lower").has_value();
  if (above && below) return figure(gate, "lower") + " to " + figure(gate, "upper");
  if (above) return "at most " + figure(gate, "upper");
  return below ? "from " + figure(gate, "lower") : "-";
}

std::string place(const json::object& rollout) {
  std::string out = text_in(rollout, "state");
  if (!number_in(rollout, "step")) return out;
  const auto share_of = [&rollout](std::string_view key) {
    char share[32];
    std::snprintf(share, sizeof share, "%g%%", number_in(rollout, key).value_or(0) * 100);
    return std::string(share);
  };
  const std::string mirror = number_in(rollout, "mirror") ? ", mirror " + share_of("mirror") : "";
  return out + ", step " + whole(rollout, "step") + " of " + whole(rollout, "steps") + " (" +
         share_of("share") + mirror + ")";
}

std::string paint_verdict(const std::string& verdict, bool warn, const Style& style) {
  if (verdict == "fail") return style.bad(verdict);
  if (verdict == "insufficient") return style.busy(verdict);
  return warn ? style.busy(verdict + " (warn)") : style.good(verdict);
}

std::string gates_table(const json::object& rollout, const Style& style) {
  Table table({"GATE", ">CANARY N", ">VALUE", ">BETWEEN", ">LIMIT", "VERDICT"});
  for (const auto& value : list_in(rollout, "gates")) {
    const auto& gate = object_of(value);
    table.add({text_in(gate, "gate"), whole(gate, "n_canary"), figure(gate, "value"), between(gate),
               limit_text(gate), paint_verdict(text_in(gate, "verdict"), is_set(gate, "warn"), style)});
  }
  if (table.empty()) return "";
  std::string out = table.render(style);
  for (const auto& value : list_in(rollout, "gates")) {
    const auto& gate = object_of(value);
    if (text_in(gate, "verdict") != "pass")
      out += "  " + text_in(gate, "gate") + ": " + text_in(gate, "why") + "\n";
  }
  return out;
}

std::string requests_text(const json::object& rollout) {
  const auto& requests = object_in(rollout, "requests");
  const bool mirrored = number_in(rollout, "mirror").has_value();
  return whole(requests, "canary") + (mirrored ? " mirrored" : "") + " requests to " +
         text_in(rollout, "to") + ", " + whole(requests, "stable") + " to " + text_in(rollout, "from");
}

std::string gate_line(const json::object& gate) {
  const std::string warn =
      number_in(gate, "warn_limit") ? ", warn " + figure(gate, "warn_limit") : std::string();
  return text_in(gate, "gate") + warn + ": " + figure(gate, "value") + " (" + between(gate) + ") " +
         text_in(gate, "verdict") + (is_set(gate, "warn") ? " (warn)" : "");
}

// "; 10 requests to green, 190 to blue; error_rate max 5 %, warn 1%: 0% (0% to 4%) pass"
std::string figures_line(const json::object& rollout) {
  std::string out = "; " + requests_text(rollout);
  for (const auto& value : list_in(rollout, "gates")) out += "; " + gate_line(object_of(value));
  return out;
}

}  // namespace

std::string rollout_summary(const json::object& rollout) {
  if (!is_set(rollout, "active")) return {};
  const auto waits = text_in(rollout, "waits_for");
  return "to " + text_in(rollout, "to") + ": " + place(rollout) + (waits.empty() ? "" : "; " + waits);
}

std::string render_rollout_line(const json::object& rollout) {
  std::string out = place(rollout);
  if (!is_set(rollout, "active")) {
    const auto why = text_in(rollout, "why");
    return out + (why.empty() ? "" : ": " + why) + "\n";
  }
  out += figures_line(rollout);
  for (const auto& [name, other] : object_in(rollout, "others"))
    out += "; " + std::string(name) + figures_line(object_of(other));
  return out + "\n";
}

std::string rollout_landmark(const json::object& rollout) {
  std::string out = place(rollout);
  for (const auto& value : list_in(rollout, "gates")) out += " " + text_in(object_of(value), "verdict");
  for (const auto& [name, other] : object_in(rollout, "others"))
    for (const auto& value : list_in(object_of(other), "gates"))
      out += " " + text_in(object_of(value), "verdict");
  return out;
}

std::string render_rollout(const json::object& rollout, const std::string& service, const Style& style) {
  std::string out = style.strong(service) + "   rollout from " + text_in(rollout, "from") + " to " +
                    text_in(rollout, "to") + ": " + place(rollout) + "\n";
  const auto line = [&out](const char* title, const std::string& text) {
    if (!text.empty()) out += std::string(title) + text + "\n";
  };
  line("started   ", text_in(rollout, "started") + " by " + text_in(rollout, "started_by"));
  line("plan      ", text_in(rollout, "plan"));
  if (is_set(rollout, "active")) {
    line("waiting   ", text_in(rollout, "waits_for"));
    line("counted   ", requests_text(rollout));
  }
  line("why       ", text_in(rollout, "why"));
  line("ended     ", text_in(rollout, "ended"));
  line("retained  ", text_in(rollout, "retained_until"));
  out += gates_table(rollout, style);
  for (const auto& [name, other] : object_in(rollout, "others"))
    out += "in step with it: " + std::string(name) + ", " + requests_text(object_of(other)) + "\n" +
           gates_table(object_of(other), style);
  for (const auto& value : list_in(rollout, "log"))
    out += text_in(object_of(value), "time") + "  " + text_in(object_of(value), "text") + "\n";
  return out;
}

}  // namespace sluice::cli
