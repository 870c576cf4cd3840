// Whom the daemon tells of what happens, as configured. Plain structs; every default and every key stands
// here once (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/plan_spec.hpp"

namespace sluice::config {

enum class NoticeKind : std::uint8_t {
  rolled_back,
  gate_failed,
  drain_forced,
  backend_down,
  backend_up,
  retain_over,
  certificate_ending,
  rollout_done,
  rollback_lost,
  rollback_ready,
};
inline constexpr Word<NoticeKind> kNoticeKinds[] = {
    {"rolled_back", NoticeKind::rolled_back},
    {"gate_failed", NoticeKind::gate_failed},
    {"drain_forced", NoticeKind::drain_forced},
    {"backend_down", NoticeKind::backend_down},
    {"backend_up", NoticeKind::backend_up},
    {"retain_over", NoticeKind::retain_over},
    {"certificate_ending", NoticeKind::certificate_ending},
    {"rollout_done", NoticeKind::rollout_done},
    {"rollback_lost", NoticeKind::rollback_lost},
    {"rollback_ready", NoticeKind::rollback_ready},
};

enum class NoticeFormat : std::uint8_t { json, slack };

// A webhook.
struct NotifySpec {
  static constexpr Word<NoticeFormat> kFormats[] = {{"json", NoticeFormat::json},
                                                    {"slack", NoticeFormat::slack}};

  std::string name;
  std::string url;       // a secret: who knows it can post there; empty with url_file
  std::string url_file;  // that holds it, read anew for every message
  NoticeFormat format = NoticeFormat::json;
  std::vector<NoticeKind> on;         // empty: all
  std::vector<std::string> services;  // names, or patterns with * ? [..]; empty: all
  std::uint32_t per_minute = 10;      // messages; what is over it is counted, and told in one
  milliseconds group_wait = 2s;       // of what comes in numbers: what comes within this is one message
  milliseconds timeout = 10s;         // of one try
  ReachSpec reach;
  Places places;
  Place place;
  bool operator==(const NotifySpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("name", self.name, Text{name_error}, kRequired);
    visit("url", self.url, SecretUrl{});
    visit("url_file", self.url_file, FileName{});
    visit("format", self.format, Choice<NoticeFormat>{kFormats});
    visit("on", self.on, NoticeKinds{});
    visit("services", self.services, Patterns{});
    visit("per_minute", self.per_minute, Whole{1, 600});
    visit("group_wait", self.group_wait, Duration{0ms});
    visit("timeout", self.timeout, Duration{});
    visit("ca", self.reach.ca, FileName{});
    visit("basic_auth", self.reach);
    visit("bearer_file", self.reach.bearer_file, FileName{});
  }
};

// Also a service of another name is meant.
inline bool is_pattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

}  // namespace sluice::config
