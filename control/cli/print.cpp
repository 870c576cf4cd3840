#include "control/cli/print.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "control/cli/json_access.hpp"
#include "control/protocol/write.hpp"
#include "control/screen/terminal.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

// NO_COLOR counts when it is set and not empty (no-color.org).
bool wants_color(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color && *no_color) return false;
  if (terminal && std::string_view(terminal) == "dumb") return false;
  return ::isatty(descriptor) == 1;
}

// Numbers, too; empty when there is nothing.
std::string cell(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return !value || value->is_null() ? std::string() : plain(*value);
}

bool is_nested(const json::value& value) {
  const auto* object = value.if_object();
  return object && !object->empty() && object->begin()->value().is_object();
}

// "blue 95% -> 75%, green 5% -> 25%": what differs, in the order of `after`.
std::string differences(const json::object& before, const json::object& after) {
  std::string out;
  const auto add = [&out](std::string_view key, const std::string& was, const std::string& is) {
    if (!out.empty()) out += ", ";
    out += std::string(key) + " " + was + " -> " + is;
  };
  for (const auto& [key, value] : after) {
    const auto* was = before.if_contains(key);
    if (!was)
      add(key, "none", plain(value));
    else if (*was != value)
      add(key, plain(*was), plain(value));
  }
  for (const auto& [key, value] : before)
    if (!after.contains(key)) add(key, plain(value), "none");
  return out;
}

std::string values_of(const json::object& object) {
  std::string out;
  for (const auto& [key, value] : object)
    out += (out.empty() ? "" : ", ") + std::string(key) + " " + plain(value);
  return out;
}

void append_lines(std::string& out, const std::string& subject, const json::value& before,
                  const json::value& after) {
  const auto line = [&](const std::string& what) {
    if (!out.empty()) out += "\n";
    out += subject.empty() ? what : subject + ": " + what;
  };
  const auto join = [&](std::string_view key) {
    return subject.empty() ? std::string(key) : subject + "/" + std::string(key);
  };
  const auto* was = before.if_object();
  const auto* is = after.if_object();
  if (is_nested(before) || is_nested(after)) {
    static const json::object kNone;
    const auto& old_ones = was ? *was : kNone;
    const auto& new_ones = is ? *is : kNone;
    for (const auto& [key, value] : new_ones) {
      const auto* old_one = old_ones.if_contains(key);
      if (!old_one || *old_one != value)
        append_lines(out, join(key), old_one ? *old_one : json::value(), value);
    }
    for (const auto& [key, value] : old_ones)
      if (!new_ones.contains(key)) append_lines(out, join(key), value, json::value());
  } else if (was && is) {
    line(differences(*was, *is));
  } else if (is) {
    line("added (" + values_of(*is) + ")");
  } else if (was) {
    line("removed");
  } else {
    line(plain(before) + " -> " + plain(after));
  }
}

// What is done in a moment is told finer than duration_text() does.
std::string milliseconds_text(double took) {
  if (took >= 1000) return duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(took)));
  char text[32];
  std::snprintf(text, sizeof text, took < 10 ? "%.1f ms" : "%.0f ms", took);
  return text;
}

std::string sentences(const json::object& more, std::string_view key) {
  std::string out;
  if (const auto* list = more.if_contains(key); list && list->is_array())
    for (const auto& sentence : list->get_array()) out += "note: " + plain(sentence) + "\n";
  return out;
}

}  // namespace

std::string render_change(const protocol::Changed& changed, const std::string& subject) {
  const auto generation = std::to_string(changed.generation);
  std::string out;
  if (!changed.changed) {
    const auto why = text_in(changed.more, "why");
    out = (subject.empty() ? "" : subject + ": ") + "unchanged" + (why.empty() ? "" : ": " + why) +
          "   (generation " + generation + ")\n";
  } else {
    // The answer for services that move in step is by service, whichever of them was named.
    const auto* by_service = is_nested(changed.after) ? changed.after.if_object() : nullptr;
    const bool names_itself = by_service && by_service->contains(subject);
    if (const auto* restored = changed.more.if_contains("restored"); restored && restored->is_array())
      for (const auto& line : restored->get_array()) out += (out.empty() ? "" : "\n") + plain(line);
    else if (changed.before != changed.after)
      append_lines(out, names_itself ? std::string() : subject, changed.before, changed.after);
    if (out.empty()) out = subject.empty() ? "changed" : subject + ": changed";
    if (changed.dry_run)
      out += "   (dry run: nothing changed, generation " + generation + ")\n";
    else
      out += "   (generation " + std::to_string(changed.generation - 1) + " -> " + generation + ", " +
             milliseconds_text(changed.took_ms) + ")\n";
    if (!changed.undo.empty() && !changed.dry_run) out += "undo: " + changed.undo + "\n";
  }
  return out;
}

std::string render_notes(const protocol::Changed& changed) {
  const std::string durable =
      changed.durable ? "" : "warning: in force, but not durable: the state folder did not take it\n";
  return durable + sentences(changed.more, "conflicts") + sentences(changed.more, "warnings") +
         sentences(changed.more, "notes");
}

std::string render_drained(const protocol::Drained& drained, const std::string& subject) {
  return (subject.empty() ? "the pools left behind" : subject) + ": drained, " +
         std::to_string(drained.clean) + " finished, " + std::to_string(drained.forced) + " closed, " +
         duration_text(drained.took) + "\n";
}

std::string render_history(const protocol::HistoryList& list, const Style& style) {
  Table table({">GENERATION", "TIME", "WHO", "VERB", "CHANGE", "REASON"});
  for (const auto& entry : list.history)
    table.add(
        {std::to_string(entry.generation), entry.time, entry.actor, entry.verb, entry.change, entry.reason});
  return table.empty() ? "no changes yet\n" : table.render(style);
}

std::string render_verified(const protocol::AuditVerified& verified) {
  const std::string lines = std::to_string(verified.lines) + (verified.lines == 1 ? " line" : " lines");
  std::string out;
  if (const auto& fault = verified.fault)
    out = "not whole: " + fault->file + ":" + std::to_string(fault->line) + ": " + fault->kind + ": " +
          fault->text + "\n" + lines + " before it fit" +
          (verified.since.empty() ? "" : ", since " + verified.since) + "\n";
  else
    out = "whole: " + lines +
          (verified.since.empty() ? "" : " since " + verified.since + ", the last at " + verified.until) +
          "\n";
  if (verified.head.number > 0)
    out += "head: " + std::to_string(verified.head.number) + " " + verified.head.hash + "\n";
  for (const auto& note : verified.notes) out += "note: " + note + "\n";
  return out;
}

std::string render_event(const protocol::Event& event) {
  return event.time + "  " + event.type + "  " + (event.service.empty() ? "" : event.service + ": ") +
         event.text + "\n";
}

std::string render_explain(const protocol::Explained& explained, const Style& style) {
  std::string out;
  const auto line = [&](std::string_view title, const std::string& text) {
    if (!text.empty())
      out += style.strong(std::string(title) + std::string(9 - title.size(), ' ')) + text + "\n";
  };
  line("route", explained.route ? std::to_string(*explained.route) : std::string());
  line("service", explained.service.value_or(""));
  line("held", explained.held);
  line("pool", explained.pool.value_or(""));
  line("backend", explained.backend.value_or(""));
  line("result", explained.result);
  line("flags", explained.flags);
  line("mirror", explained.mirror);
  for (const auto& step : explained.steps) out += "  - " + step + "\n";
  return out;
}

std::string render_flags(const json::value& document, const Style& style) {
  Table table({"FLAG", "SERVICE", ">ENABLED FOR", "CONFIG"});
  const auto& top = object_of(document);
  const auto add = [&table](std::string_view flag, const json::object& services) {
    for (const auto& [service, value] : services)
      table.add({std::string(flag), std::string(service), cell(object_of(value), "enabled_for"),
                 cell(object_of(value), "config")});
  };
  if (top.contains("flag"))
    add(text_in(top, "flag"), object_in(top, "services"));
  else
    for (const auto& [flag, services] : object_in(top, "flags")) add(flag, object_of(services));
  return table.empty() ? "no flags\n" : table.render(style);
}

std::string render_problem(const protocol::Problem& problem, const Style& style) {
  std::string out = style.bad("error:") + " " + problem.detail + "\n";
  if (!problem.suggestion.empty()) out += "  " + problem.suggestion + "\n";
  return out;
}

Output::Output(Format format)
    : format_(format), terminal_(::isatty(STDOUT_FILENO) == 1), style_{wants_color(STDOUT_FILENO)} {}

bool Output::can_paint() const {
  return format_ == Format::table && terminal_ && screen::can_be_painted(STDOUT_FILENO);
}

int Output::say(const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : static_cast<int>(protocol::Exit::internal);
}

// Each line is written at once, behind the result: whoever reads both sees them in order.
void Output::note(const std::string& text) {
  if (format_ == Format::json || text.empty()) return;
  std::fflush(stdout);
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

int Output::fail(const protocol::Problem& problem) {
  const auto text = format_ == Format::json ? protocol::write(to_json(problem)) + "\n"
                                            : render_problem(problem, Style{wants_color(STDERR_FILENO)});
  std::fflush(stdout);
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  return static_cast<int>(problem.exit);
}

int Output::show(const json::value& document, const std::string& text) {
  return say(format_ == Format::json ? protocol::write(document) + "\n" : text);
}

}  // namespace sluice::cli
