#include "control/tracing/otlp.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <string_view>

#include "proxy/base/grpc_status.hpp"
#include "proxy/observe/log_line.hpp"

namespace sluice::tracing {

namespace json = boost::json;
using observe::SpanRecord;

namespace {

// The numbers of opentelemetry/proto/trace/v1/trace.proto.
constexpr int kServer = 2, kClient = 3;
constexpr int kError = 2;
// Flags: that it is known whether the parent is of another process, and that it is.
constexpr unsigned kHasRemote = 0x100, kIsRemote = 0x200;

void append_text(std::string& out, std::string_view text) {
  out += '"';
  observe::append_json_text(text, out);
  out += '"';
}

// A list of attributes; what is empty is left out.
class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) { out_ += "\"attributes\":["; }
  ~Attributes() { out_ += ']'; }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    out_ += "\"stringValue\":";
    append_text(out_, value);
    out_ += "}}";
  }
  void number(std::string_view key, std::int64_t value) {
    begin(key);
    out_ += "\"intValue\":\"" + std::to_string(value) + "\"}}";
  }
  void flag(std::string_view key, bool value) {
    if (!value) return;
    begin(key);
    out_ += "\"boolValue\":true}}";
  }

 private:
  void begin(std::string_view key) {
    if (any_) out_ += ',';
    any_ = true;
    out_ += "{\"key\":\"";
    out_ += key;
    out_ += "\",\"value\":{";
  }

  std::string& out_;
  bool any_ = false;
};

bool is_known(std::string_view method) {
  constexpr std::string_view kKnown[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  return std::ranges::find(kKnown, method) != std::end(kKnown);
}

// "HOST:PORT", or a host alone.
void add_server(Attributes& attributes, std::string_view authority) {
  std::string_view host = authority;
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    int port = 0;
    const auto digits = authority.substr(colon + 1);
    const auto end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, port).ptr == end && !digits.empty()) {
      host = authority.substr(0, colon);
      attributes.number("server.port", port);
    }
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  attributes.text("server.address", host);
}

void add_method(Attributes& attributes, const SpanRecord& span) {
  if (is_known(span.method)) return attributes.text("http.request.method", span.method);
  attributes.text("http.request.method", "_OTHER");
  attributes.text("http.request.method_original", span.method);
}

// "/package.Service/Method".
void add_call(Attributes& attributes, const SpanRecord& span) {
  if (!span.is_grpc) return;
  attributes.text("rpc.system", "grpc");
  const auto slash = span.path.rfind('/');
  if (slash != std::string_view::npos && slash > 0) {
    attributes.text("rpc.service", span.path.substr(1, slash - 1));
    attributes.text("rpc.method", span.path.substr(slash + 1));
  }
  if (span.grpc_status >= 0) attributes.number("rpc.grpc.status_code", span.grpc_status);
}

// A word, or the status that it came with.
void add_error(Attributes& attributes, const SpanRecord& span) {
  if (!span.error.empty()) return attributes.text("error.type", span.error);
  if (!span.failed) return;
  if (span.grpc_status > 0 && static_cast<std::size_t>(span.grpc_status) < kGrpcStatusNames.size())
    return attributes.text("error.type", kGrpcStatusNames[static_cast<std::size_t>(span.grpc_status)]);
  attributes.text("error.type", std::to_string(span.status));
}

void add_request(Attributes& attributes, const SpanRecord& span) {
  attributes.text("url.scheme", span.scheme);
  add_server(attributes, span.host);
  attributes.text("http.route", span.route);
  attributes.text("client.address", span.client);
  attributes.text("user_agent.original", span.user_agent);
  if (span.protocol.starts_with("HTTP/"))
    attributes.text("network.protocol.version", span.protocol == "HTTP/2.0" ? "2" : span.protocol.substr(5));
  attributes.number("http.request.body.size", static_cast<std::int64_t>(span.bytes_in));
  attributes.number("http.response.body.size", static_cast<std::int64_t>(span.bytes_out));
  attributes.text("sluice.request_id", span.request_id);
  attributes.text("sluice.decision", span.decision);
  attributes.number("sluice.attempts", span.attempts);
}

void add_attempt(Attributes& attributes, const SpanRecord& span) {
  add_server(attributes, span.authority);
  if (span.attempts > 1) attributes.number("http.request.resend_count", span.attempts - 1);
  attributes.text("sluice.backend", span.backend);
  attributes.flag("sluice.rescue", span.is_rescue);
  attributes.flag("sluice.mirror", span.is_copy);
}

void add_attributes(std::string& out, const SpanRecord& span) {
  Attributes attributes(out);
  add_method(attributes, span);
  attributes.text("url.path", span.path);
  if (span.kind == SpanRecord::Kind::server)
    add_request(attributes, span);
  else
    add_attempt(attributes, span);
  attributes.text("network.peer.address", span.peer);
  if (span.status > 0) attributes.number("http.response.status_code", span.status);
  add_call(attributes, span);
  add_error(attributes, span);
  attributes.text("sluice.service", span.service);
  attributes.text("sluice.pool", span.pool);
  attributes.number("sluice.generation", static_cast<std::int64_t>(span.generation));
}

std::string name_of(const SpanRecord& span) {
  if (span.is_grpc && span.path.size() > 1) return std::string(span.path.substr(1));
  std::string name(is_known(span.method) ? span.method : "HTTP");
  if (!span.route.empty()) name.append(" ").append(span.route);
  return name;
}

unsigned flags_of(const SpanRecord& span) {
  const bool remote = span.kind == SpanRecord::Kind::server && span.has_parent;
  return span.flags | kHasRemote | (remote ? kIsRemote : 0);
}

}  // namespace

void append_span(std::string& out, const SpanRecord& span) {
  if (!out.empty()) out += ',';
  out += "{\"traceId\":\"";
  out.append(span.trace_id.data(), span.trace_id.size());
  out += "\",\"spanId\":\"";
  out.append(span.span_id.data(), span.span_id.size());
  if (span.has_parent) {
    out += "\",\"parentSpanId\":\"";
    out.append(span.parent_id.data(), span.parent_id.size());
  }
  out += "\",\"flags\":" + std::to_string(flags_of(span));
  if (!span.trace_state.empty()) {
    out += ",\"traceState\":";
    append_text(out, span.trace_state);
  }
  out += ",\"name\":";
  append_text(out, name_of(span));
  out += ",\"kind\":" + std::to_string(span.kind == SpanRecord::Kind::server ? kServer : kClient);
  out += ",\"startTimeUnixNano\":\"" + std::to_string(span.began);
  out += "\",\"endTimeUnixNano\":\"" + std::to_string(span.ended) + "\",";
  add_attributes(out, span);
  out += span.failed ? ",\"status\":{\"code\":" + std::to_string(kError) + "}}" : ",\"status\":{}}";
}

std::string request_body(const Resource& resource, const std::string& spans) {
  std::string out = "{\"resourceSpans\":[{\"resource\":{";
  {
    Attributes attributes(out);
    attributes.text("service.name", resource.service_name);
    attributes.text("service.version", resource.version);
    attributes.text("host.name", resource.host);
    attributes.number("process.pid", resource.pid);
  }
  out += "},\"scopeSpans\":[{\"scope\":{\"name\":\"sluice\",\"version\":";
  append_text(out, resource.version);
  out += "},\"spans\":[" + spans + "]}]}]}";
  return out;
}

std::uint64_t rejected_spans(const std::string& body) {
  boost::system::error_code failed;
  const json::value answer = json::parse(body, failed);
  if (failed || !answer.is_object()) return 0;
  const auto* partial = answer.as_object().if_contains("partialSuccess");
  if (!partial || !partial->is_object()) return 0;
  const auto* rejected = partial->as_object().if_contains("rejectedSpans");
  if (!rejected) return 0;
  if (rejected->is_int64())
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, rejected->as_int64()));
  std::uint64_t count = 0;
  if (const auto* text = rejected->if_string()) std::from_chars(text->begin(), text->end(), count);
  return count;
}

}  // namespace sluice::tracing
