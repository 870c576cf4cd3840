#include "control/screen/view.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <utility>

#include "control/screen/figures.hpp"
#include "control/screen/headline.hpp"
#include "control/screen/list.hpp"
#include "control/screen/marks.hpp"
#include "control/screen/sections.hpp"
#include "control/screen/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::screen {

using protocol::Event;
using protocol::ServiceStatus;

namespace {

constexpr std::size_t kRowsForKeys = 8;  // with fewer the state has them all

std::string text_of(const Event& event, const char* key) {
  const auto* value = event.detail.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool is_of(const Event& event, const std::string& service) {
  if (event.service.empty() || event.service == service) return true;
  const auto* services = event.detail.if_contains("services");
  if (!services || !services->is_array()) return false;
  return std::any_of(services->get_array().begin(), services->get_array().end(),
                     [&service](const auto& one) { return one.is_string() && one.get_string() == service; });
}

Line news_line(const Seen& seen, const Paper& paper) {
  const auto& sign = signs(paper.utf8);
  if (!seen.lost.empty()) return Line(std::string(sign.lost) + " NO DATA since " + seen.lost_since, Ink::bad);
  return Line(seen.time + " UTC ", Ink::faint).add(std::string(sign.live) + " live", Ink::good);
}

// "200 services, 4 of them not steady".
std::string steadiness(const protocol::Status& status) {
  const auto busy = std::count_if(status.services.begin(), status.services.end(),
                                  [](const auto& service) { return !headline_of(service).steady; });
  const auto all = std::to_string(status.services.size()) + " services, ";
  return busy > 0 ? all + std::to_string(busy) + " of them not steady" : all + "all steady";
}

// The name and the generation at the left; whether this is news at the right.
Line title_line(const Seen& seen, const ServiceStatus* service, const Paper& paper) {
  Line line(service ? service->name : "Sluice", Ink::strong);
  line.add("  generation " + std::to_string(seen.status.generation));
  if (!service) line.add("  " + steadiness(seen.status), Ink::faint);
  if (seen.status.readiness != "ready" && !seen.status.readiness.empty())
    line.add("  ").add(seen.status.readiness, Ink::bad);
  const auto news = news_line(seen, paper);
  if (line.width() + 2 + news.width() > paper.columns) {
    line = Line(service ? service->name : "Sluice", Ink::strong);
    return line.pad_to(paper.columns - std::min(paper.columns, news.width()), 1).add(news);
  }
  return line.pad_to(paper.columns - news.width()).add(news);
}

// Who made the generation in force, and why.
Lines change_section(const Seen& seen, const ServiceStatus& service, const Paper& paper) {
  for (auto event = seen.events.rbegin(); event != seen.events.rend(); ++event) {
    if (event->type != "change" || !is_of(*event, service.name)) continue;
    const auto reason = text_of(*event, "reason");
    const auto text = "last change " + time_of_day(event->time) + ": " + text_of(*event, "verb") + " by " +
                      text_of(*event, "actor") + (reason.empty() ? "" : ", \"" + reason + "\"");
    Lines lines(1);
    lines.back().add(clipped(text, paper.columns, paper.utf8 ? "\u2026" : "~"), Ink::faint);
    return lines;
  }
  return {};
}

// What concerns no service. Of many warnings a few, so that the state is still seen.
Lines warnings_section(const Seen& seen, const Paper& paper) {
  constexpr std::size_t kMost = 3;
  Lines lines;
  const auto add = [&](const char* word, const std::string& text, Ink ink) {
    append(lines, wrapped(Line(word, ink), text, ink, paper.columns, 2));
  };
  if (!seen.lost.empty()) add("", seen.lost, Ink::bad);
  const auto& warnings = seen.status.warnings;
  for (std::size_t i = 0; i < warnings.size() && i < kMost; ++i) add("WARNING ", warnings[i], Ink::bad);
  if (warnings.size() > kMost)
    add("WARNING ", "and " + std::to_string(warnings.size() - kMost) + " more, see sluicectl status",
        Ink::bad);
  if (const auto& before = seen.status.predecessor)
    add("UPGRADE ",
        "process " + std::to_string(before->pid) + " still has " + std::to_string(before->connections) +
            " connections and " + std::to_string(before->requests) + " requests",
        Ink::busy);
  return lines;
}

Lines events_section(const Seen& seen, const std::string& service, std::size_t most, const Paper& paper) {
  Lines lines;
  if (most == 0) return lines;
  std::vector<const Event*> shown;
  for (auto event = seen.events.rbegin(); event != seen.events.rend() && shown.size() < most; ++event)
    if (is_of(*event, service)) shown.push_back(&*event);
  for (auto event = shown.rbegin(); event != shown.rend(); ++event)
    lines.emplace_back(clipped(event_line(**event), paper.columns, paper.utf8 ? "\u2026" : "~"),
                       (*event)->type == "change" ? Ink::plain : Ink::faint);
  return lines;
}

// How much of a service there is room for; each stage leaves out more.
struct Amount {
  bool blanks = true, trends = true, backends = true, briefly = false;
};
constexpr Amount kAmounts[] = {{},
                               {true, true, true, true},
                               {false, true, true, true},
                               {false, false, true, true},
                               {false, false, false, true}};

Lines parts_of(const Seen& seen, const ServiceStatus& service, const std::string& ctl, const Amount& amount,
               const Paper& paper) {
  Lines lines = headline_section(service, ctl, paper);
  const auto section = [&](const Lines& more) {
    if (more.empty()) return;
    if (amount.blanks) lines.emplace_back();
    append(lines, more);
  };
  section(pools_section(service, amount.trends ? &seen.trends : nullptr, paper));
  if (service.rollout && service.rollout->active) {
    section(steps_section(*service.rollout, paper));
    append(lines, gates_section(*service.rollout, paper));
  }
  section(drains_section(service, paper));
  append(lines, extras_section(service, paper));
  if (amount.backends) section(backends_section(service, amount.briefly, paper));
  return lines;
}

Lines whole_service(const Seen& seen, const ServiceStatus& service, const std::string& ctl, std::size_t rows,
                    const Paper& paper) {
  Lines lines;
  for (const auto& amount : kAmounts) {
    lines = parts_of(seen, service, ctl, amount, paper);
    if (lines.size() <= rows) break;
  }
  const auto last = change_section(seen, service, paper);
  const std::size_t most = rows > lines.size() + 2 ? std::min<std::size_t>(rows - lines.size() - 2, 12) : 0;
  const auto events = events_section(seen, service.name, most, paper);
  if (!events.empty()) {
    lines.emplace_back();
    append(lines, events);
  } else {
    append(lines, last);
  }
  if (lines.size() > rows) lines.resize(rows);
  return lines;
}

Line keys_line(bool several, const Paper& paper) {
  const auto& sign = signs(paper.utf8);
  Line line;
  const auto key = [&line](const std::string& name, const char* does) {
    line.add(line.empty() ? "" : "   ").add(name, Ink::strong).add(std::string(" ") + does, Ink::faint);
  };
  key("q", "quit");
  key("r", "roll back");
  if (several) {
    key(std::string("j/k ") + sign.more_below + sign.more_above, "service");
    key("Enter", "alone");
    key("l", "list");
  }
  return line;
}

// "-- api -----------"
Line rule_line(const std::string& name, const Paper& paper) {
  const std::string_view rule = signs(paper.utf8).rule;
  Line line;
  line.add(rule, Ink::faint).add(rule, Ink::faint).add(" ").add(name, Ink::strong).add(" ");
  while (line.width() < paper.columns) line.add(rule, Ink::faint);
  return line;
}

const ServiceStatus* find(const protocol::Status& status, const std::string& name) {
  for (const auto& service : status.services)
    if (service.name == name) return &service;
  return nullptr;
}

}  // namespace

Lines view(const Seen& seen, const Focus& focus, const Paper& paper) {
  const auto services = listed(seen.status, focus.by_attention);
  const bool several = services.size() > 1;
  const bool lists = several && focus.show != Focus::Show::service;
  const bool shows_one = !several || focus.show != Focus::Show::list;
  const ServiceStatus* chosen = find(seen.status, focus.service);
  if (!chosen && !services.empty()) chosen = services.front();
  Lines bottom = focus.notice;
  if (bottom.empty() && focus.keys && paper.rows >= kRowsForKeys) bottom.push_back(keys_line(several, paper));
  if (bottom.size() > paper.rows) bottom.resize(paper.rows);
  const std::size_t rows = paper.rows - bottom.size();
  Lines lines{title_line(seen, lists ? nullptr : chosen, paper)};
  append(lines, warnings_section(seen, paper));
  if (!chosen) lines.emplace_back("no services");
  if (lists) {
    const auto place =
        static_cast<std::size_t>(std::find(services.begin(), services.end(), chosen) - services.begin());
    const std::size_t room = shows_one ? rows / 3 : rows - std::min(rows, lines.size());
    append(lines, list_section(seen.trends, services, place,
                               std::clamp<std::size_t>(room, 1, services.size()), paper));
    if (shows_one) lines.push_back(rule_line(chosen->name, paper));
  }
  if (lines.size() > rows) lines.resize(rows);
  if (chosen && shows_one) append(lines, whole_service(seen, *chosen, focus.ctl, rows - lines.size(), paper));
  lines.resize(rows);
  append(lines, bottom);
  return lines;
}

std::vector<std::string> state_lines(const protocol::Status& status) {
  std::vector<std::string> out;
  for (const auto& service : status.services) {
    std::string line = service.name + ": " + headline_of(service).word;
    if (service.rollout && service.rollout->active) {
      line += " " + step_text(*service.rollout);
      if (const auto gates = gates_summary(*service.rollout); !gates.empty()) line += "; gates: " + gates;
    }
    std::string pools;
    for (const auto& pool : service.pools)
      pools += (pools.empty() ? "" : ", ") + pool.name + " " + format_share(pool.share) + " (" +
               health_counts(pool) + ")";
    line += "; " + pools;
    out.push_back(line + "; generation " + std::to_string(status.generation));
  }
  return out;
}

std::string event_line(const Event& event) {
  std::string out = time_of_day(event.time) + "  ";
  if (event.type != "change") return out + event.text;
  const auto reason = text_of(event, "reason");
  out += text_of(event, "verb") + " by " + text_of(event, "actor") +
         (reason.empty() ? "" : ", \"" + reason + "\"");
  const auto after = text_of(event, "after");
  return out + (after.empty() ? "" : ": " + after);
}

}  // namespace sluice::screen
