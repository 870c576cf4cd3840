#include "proxy/observe/log_line.hpp"

#include <spdlog/fmt/fmt.h>

#include <ctime>

namespace sluice::observe {
namespace {

constexpr char kLowerHex[] = "0123456789abcdef", kUpperHex[] = "0123456789ABCDEF";

// As nginx's log module does (`escape=default`).
void append_hex_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20 || byte >= 0x7f) {
      out += "\\x";
      out += kUpperHex[byte >> 4];
      out += kUpperHex[byte & 15];
    } else {
      out += c;
    }
  }
}

std::tm utc(std::int64_t wall_micros) {
  const std::time_t seconds = wall_micros / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

// "2026-11-27T14:02:11.123Z"
void append_time(std::int64_t wall_micros, std::string& out) { out += time_text(wall_micros / 1000); }

// "27/Nov/2026:14:02:11 +0000"
void append_common_time(std::int64_t wall_micros, std::string& out) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm parts = utc(wall_micros);
  fmt::format_to(std::back_inserter(out), "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000", parts.tm_mday,
                 kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

enum class Shape : std::uint8_t { json, bare };

// One value; the shapes differ in their quotes and in what stands for nothing.
class Values {
 public:
  Values(Shape shape, const AccessRecord& record, std::string& out) : shape_(shape), r_(record), out_(out) {}

  void append(LogField field) {
    switch (field) {
      case LogField::ts:
        if (shape_ == Shape::json) out_ += '"';
        append_time(r_.wall_micros, out_);
        if (shape_ == Shape::json) out_ += '"';
        return;
      case LogField::request_id:
        return text(r_.request_id);
      case LogField::client:
        return text(r_.client);
      case LogField::method:
        return text(r_.method);
      case LogField::host:
        return text(r_.host);
      case LogField::path:
        return text(r_.path);
      case LogField::status:
        return number(r_.status);
      case LogField::bytes_in:
        return number(r_.bytes_in);
      case LogField::bytes_out:
        return number(r_.bytes_out);
      case LogField::duration_ms:
        return number(r_.duration_micros / 1000.0);
      case LogField::upstream_ms:
        return number(r_.upstream_micros / 1000.0);
      case LogField::service:
        return text(r_.service);
      case LogField::pool:
        return text(r_.pool);
      case LogField::backend:
        return text(r_.backend);
      case LogField::generation:
        return number(r_.generation);
      case LogField::sticky:
        return text(r_.sticky);
      case LogField::attempts:
        return number(r_.attempts);
      case LogField::error:
        return text(r_.error);
      case LogField::query:
        return text(r_.query);
      case LogField::protocol:
        return text(r_.protocol);
      case LogField::scheme:
        return text(r_.scheme);
      case LogField::user_agent:
        return text(r_.user_agent);
      case LogField::referer:
        return text(r_.referer);
      case LogField::tls:
        return r_.tls.empty() ? nothing() : text(r_.tls);
      case LogField::asset_from:
        return r_.asset_from.empty() ? nothing() : text(r_.asset_from);
      case LogField::grpc_status:
        return r_.grpc_status < 0 ? nothing() : number(static_cast<int>(r_.grpc_status));
      case LogField::stream:
        return r_.stream == 0 ? nothing() : number(r_.stream);
    }
  }

 private:
  void text(std::string_view value) {
    if (shape_ == Shape::bare) return value.empty() ? nothing() : append_json_text(value, out_);
    out_ += '"';
    append_json_text(value, out_);
    out_ += '"';
  }
  template <class Number>
  void number(Number value) {
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void nothing() { out_ += shape_ == Shape::json ? "null" : "-"; }

  const Shape shape_;
  const AccessRecord& r_;
  std::string& out_;
};

void append_json(const AccessRecord& record, std::string& out) {
  Values values(Shape::json, record, out);
  char before = '{';
  for (std::size_t i = 0; i < kLogFields.size(); ++i) {
    out += before;
    out += '"';
    out += kLogFields[i];
    out += "\":";
    values.append(static_cast<LogField>(i));
    before = ',';
  }
  out += "}\n";
}

void append_or_dash(std::string_view text, std::string& out) {
  if (text.empty()) out += '-';
  append_hex_escaped(text, out);
}

// $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"
// "$http_user_agent"
void append_combined(const AccessRecord& r, std::string& out) {
  append_or_dash(r.client, out);
  out += " - - [";
  append_common_time(r.wall_micros, out);
  out += "] \"";
  append_or_dash(r.method, out);
  if (!r.path.empty()) {
    out += ' ';
    append_hex_escaped(r.path, out);
    if (!r.query.empty()) {
      out += '?';
      append_hex_escaped(r.query, out);
    }
  }
  if (!r.protocol.empty()) {
    out += ' ';
    append_hex_escaped(r.protocol, out);
  }
  fmt::format_to(std::back_inserter(out), "\" {} {} \"", r.status, r.bytes_out);
  append_or_dash(r.referer, out);
  out += "\" \"";
  append_or_dash(r.user_agent, out);
  out += "\"\n";
}

void append_pieces(const LogFormat& format, const AccessRecord& record, std::string& out) {
  Values values(Shape::bare, record, out);
  for (const auto& piece : format.pieces) {
    out += piece.literal;
    if (piece.field) values.append(*piece.field);
  }
  out += '\n';
}

}  // namespace

void append_json_text(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\u00";
      out += kLowerHex[byte >> 4];
      out += kLowerHex[byte & 15];
    } else {
      out += c;
    }
  }
}

void append_line(const LogFormat& format, const AccessRecord& record, std::string& out) {
  switch (format.kind) {
    case LogFormat::Kind::json:
      return append_json(record, out);
    case LogFormat::Kind::combined:
      return append_combined(record, out);
    case LogFormat::Kind::pieces:
      return append_pieces(format, record, out);
  }
}

}  // namespace sluice::observe
