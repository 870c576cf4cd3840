#include "proxy/h2/head_writer.hpp"

#include "proxy/http/forward_fields.hpp"
#include "proxy/http/grpc.hpp"

namespace sluice::h2 {
namespace {

// What HTTP/1 proves an upgrade with, and HTTP/2 has no use for (RFC 8441 5).
bool is_upgrade_proof(std::string_view name) {
  return http::iequals(name, "sec-websocket-key") || http::iequals(name, "sec-websocket-accept");
}

// The proxy says it itself when it has made attempts (gRFC A6).
constexpr std::string_view kPreviousAttempts = "grpc-previous-rpc-attempts";
bool counts_attempts(std::string_view name) { return http::iequals(name, kPreviousAttempts); }

// A sink that leaves some fields out.
template <bool (*left_out)(std::string_view name), class Sink>
class FieldsBut {
 public:
  explicit FieldsBut(Sink& out) : out_(out) {}
  void field(std::string_view name, std::string_view value) {
    if (!left_out(name)) out_.field(name, value);
  }
  void pass(const http::Field& field) {
    if (!left_out(field.name)) out_.pass(field);
  }
  void begin(std::string_view name) { out_.begin(name); }
  template <class... Parts>
  void put(const Parts&... parts) {
    out_.put(parts...);
  }
  void end() { out_.end(); }

 private:
  Sink& out_;
};

template <class Sink>
using TunnelFields = FieldsBut<is_upgrade_proof, Sink>;

void anew(FieldList& out) { out.clear(); }
void anew(HeadBlock&) {}

// A field whose name is in lower case.
void put_lower(std::string_view name, std::string_view value, FieldList& out) { out.field(name, value); }
void put_lower(std::string_view name, std::string_view value, HeadBlock& out) {
  out.lower_field(name, value);
}

template <class Sink>
void put_status(int status, Sink& out) {
  const char digits[] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10)};
  put_lower(":status", std::string_view(digits, sizeof digits), out);
}

template <class Sink>
void put_target(const http::RequestHead& head, std::string_view prefix, Sink& out) {
  const auto target = http::forwarded_target(head, prefix);
  const std::string_view path = target.path;
  if (target.root.empty() && !target.has_query) return put_lower(":path", path, out);
  if (target.root.empty() && path.data() + path.size() + 1 == target.query.data())  // as it came
    return put_lower(":path", {path.data(), path.size() + 1 + target.query.size()}, out);
  out.begin(":path");
  out.put(target.root, path, target.has_query ? "?" : "", target.query);
  out.end();
}

}  // namespace

template <class Sink>
void write_request(const http::RequestHead& head, const http::ForwardContext& context,
                   std::string_view scheme, Sink& out) {
  const bool tunnel = !head.upgrade.empty();
  anew(out);
  put_lower(":method", tunnel ? "CONNECT" : head.method, out);
  if (tunnel) put_lower(":protocol", head.upgrade, out);
  put_lower(":scheme", scheme, out);
  put_lower(":authority", head.host.empty() ? context.default_host : head.host, out);
  put_target(head, context.strip_prefix, out);
  if (tunnel) {
    TunnelFields<Sink> sink(out);
    http::forward_request(head, context, sink);
  } else if (context.previous_attempts > 0) {
    FieldsBut<counts_attempts, Sink> sink(out);
    http::forward_request(head, context, sink);
    out.field(kPreviousAttempts, std::uint64_t{context.previous_attempts});
  } else {
    http::forward_request(head, context, out);
  }
  if (head.te_trailers) put_lower("te", "trailers", out);
  if (head.body == http::BodyLength::known) out.field("content-length", head.content_length);
  if (context.mirror) out.field(http::kMirrorMark.name, http::kMirrorMark.value);
}

template <class Sink>
bool write_answer(const http::ResponseHead& head, std::span<const http::Field> extra, std::string_view date,
                  bool request_was_head, Sink& out) {
  const bool bodiless = request_was_head || head.body == http::BodyLength::none;
  anew(out);
  put_status(head.status, out);
  http::forward_response(head, {extra, date, !bodiless && head.body == http::BodyLength::unknown}, out);
  // The length of the body that a GET would get (RFC 9110 8.6); never with 204.
  const bool describes = (request_was_head || head.status == 304) && head.status != 204;
  const bool sized = head.body == http::BodyLength::known && head.content_length > 0;
  if (bodiless ? describes && head.has_content_length : head.has_content_length || sized)
    out.field("content-length", head.content_length);
  return bodiless || (head.body == http::BodyLength::known && head.content_length == 0);
}

template void write_request(const http::RequestHead&, const http::ForwardContext&, std::string_view,
                            FieldList&);
template void write_request(const http::RequestHead&, const http::ForwardContext&, std::string_view,
                            HeadBlock&);
template bool write_answer(const http::ResponseHead&, std::span<const http::Field>, std::string_view, bool,
                           FieldList&);
template bool write_answer(const http::ResponseHead&, std::span<const http::Field>, std::string_view, bool,
                           HeadBlock&);

void write_interim(const http::ResponseHead& head, FieldList& out) {
  out.clear();
  put_status(head.upgrade ? 200 : head.status, out);
  TunnelFields<FieldList> sink(out);
  http::forward_interim(head, sink);
}

void write_reply(const Reply& reply, std::string_view date, FieldList& out) {
  out.clear();
  put_status(reply.status, out);
  out.field("content-type", "text/plain; charset=utf-8");
  out.field("date", date);
  out.field("content-length", std::uint64_t{reply.text_size});
  if (!reply.error_reason.empty()) out.field("x-sluice-error", reply.error_reason);
  if (reply.retry_after_seconds > 0)
    out.field("retry-after", static_cast<std::uint64_t>(reply.retry_after_seconds));
}

void write_grpc_reply(GrpcStatus status, std::string_view text, std::string_view error_reason,
                      std::string_view date, FieldList& out) {
  out.clear();
  put_status(200, out);
  out.field("content-type", "application/grpc");
  out.field("date", date);
  if (!error_reason.empty()) out.field("x-sluice-error", error_reason);
  out.field("grpc-status", number_of(status));
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.empty()) out.field("grpc-message", http::encode_grpc_message(text));
}

void write_trailers(std::span<const http::Field> trailers, FieldList& out) {
  out.clear();
  for (const http::Field& field : trailers) out.pass(field);
}

}  // namespace sluice::h2
