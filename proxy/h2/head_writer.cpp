#include "proxy/h2/head_writer.hpp"

#include "proxy/http/forward_fields.hpp"

namespace sluice::h2 {
namespace {

// What HTTP/1 proves an upgrade with, and HTTP/2 has no use for (RFC 8441 5).
bool is_upgrade_proof(std::string_view name) {
  return http::iequals(name, "sec-websocket-key") || http::iequals(name, "sec-websocket-accept");
}

// A sink that leaves these fields out.
class TunnelFields {
 public:
  explicit TunnelFields(FieldList& out) : out_(out) {}
  void field(std::string_view name, std::string_view value) {
    if (!is_upgrade_proof(name)) out_.field(name, value);
  }
  void begin(std::string_view name) { out_.begin(name); }
  template <class... Parts>
  void put(const Parts&... parts) {
    out_.put(parts...);
  }
  void end() { out_.end(); }

 private:
  FieldList& out_;
};

void put_status(int status, FieldList& out) {
  const char digits[] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10)};
  out.field(":status", std::string_view(digits, sizeof digits));
}

void put_target(const http::RequestHead& head, std::string_view prefix, FieldList& out) {
  const auto target = http::forwarded_target(head, prefix);
  out.begin(":path");
  out.put(target.root, target.path, target.has_query ? "?" : "", target.query);
  out.end();
}

}  // namespace

void write_request(const http::RequestHead& head, const http::ForwardContext& context,
                   std::string_view scheme, FieldList& out) {
  const bool tunnel = !head.upgrade.empty();
  out.clear();
  out.field(":method", tunnel ? "CONNECT" : head.method);
  if (tunnel) out.field(":protocol", head.upgrade);
  out.field(":scheme", scheme);
  out.field(":authority", head.host.empty() ? context.default_host : head.host);
  put_target(head, context.strip_prefix, out);
  if (tunnel) {
    TunnelFields sink(out);
    http::forward_request(head, context, sink);
  } else {
    http::forward_request(head, context, out);
  }
  if (head.te_trailers) out.field("te", "trailers");
  if (head.body == http::BodyLength::known) out.field("content-length", head.content_length);
  if (context.mirror) out.field(http::kMirrorMark.name, http::kMirrorMark.value);
}

bool write_answer(const http::ResponseHead& head, std::span<const http::Field> extra, std::string_view date,
                  bool request_was_head, FieldList& out) {
  const bool bodiless = request_was_head || head.body == http::BodyLength::none;
  out.clear();
  put_status(head.status, out);
  http::forward_response(head, {extra, date, !bodiless && head.body == http::BodyLength::unknown}, out);
  // The length of the body that a GET would get (RFC 9110 8.6); never with 204.
  const bool describes = (request_was_head || head.status == 304) && head.status != 204;
  const bool sized = head.body == http::BodyLength::known && head.content_length > 0;
  if (bodiless ? describes && head.has_content_length : head.has_content_length || sized)
    out.field("content-length", head.content_length);
  return bodiless || (head.body == http::BodyLength::known && head.content_length == 0);
}

void write_interim(const http::ResponseHead& head, FieldList& out) {
  out.clear();
  put_status(head.upgrade ? 200 : head.status, out);
  TunnelFields sink(out);
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

void write_trailers(std::span<const http::Field> trailers, FieldList& out) {
  out.clear();
  for (const http::Field& field : trailers) out.field(field.name, field.value);
}

}  // namespace sluice::h2
