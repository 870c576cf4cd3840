// Lines of access logs, read for a rehearsal: sluiced's own (JSON, combined, a template), nginx's combined
// and what is built on it, HAProxy's httplog. No line is copied, none becomes a document. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/base/log_format.hpp"
#include "proxy/base/values.hpp"

namespace sluice::rehearse {

// What a judge sees of a request (G4, rollout::Reading). The views are into the line.
struct Line {
  std::int64_t ended_micros = 0;                 // Unix time
  std::optional<std::uint32_t> duration_micros;  // not known: it counts for no latency
  bool counted = true;  // its first attempt had an outcome; false: the client left before, or it was refused
  bool error = false;   // and that was an error
  bool safe = false;    // GET, HEAD, OPTIONS, TRACE: a mirror may copy it
  std::string_view client, pool, service;  // empty: the log does not say
};

enum class LogKind : std::uint8_t { json, combined, haproxy, pieces };
std::string_view to_string(LogKind kind);

// Of a log whose first lines are these; nothing when no line of them can be read.
std::optional<LogKind> kind_of(std::string_view first_lines);

// One log's reader. Requires: `format` is given, and outlives it, when the kind is pieces.
class LineReader {
 public:
  explicit LineReader(LogKind kind, const LogFormat* format = nullptr) : kind_(kind), format_(format) {}
  // A line without its newline; nothing when it is not one of this log.
  std::optional<Line> read(std::string_view line);

 private:
  std::optional<Line> read_json(std::string_view line);
  std::optional<Line> read_combined(std::string_view line);
  std::optional<Line> read_haproxy(std::string_view line);
  std::optional<Line> read_pieces(std::string_view line);
  std::optional<std::int64_t> day_micros(std::string_view day, int year, int month, int day_of_month);

  const LogKind kind_;
  const LogFormat* const format_;
  // The date of the line before, which most lines share.
  std::string last_day_text_;
  std::int64_t last_day_micros_ = 0;
};

}  // namespace sluice::rehearse
