#include "control/io/http2_exchange.hpp"

#include <memory>
#include <vector>

#include "proxy/h2/head_reader.hpp"
#include "proxy/http/grpc.hpp"

namespace sluice::io {
namespace {

constexpr std::size_t kFirstBytes = 16;

void write_head(const HttpRequest& request, h2::FieldList& out) {
  out.field(":method", request.method);
  out.field(":scheme", request.to.tls ? "https" : "http");
  out.field(":authority", request.host);
  out.field(":path", request.target);
  out.field("user-agent", request.agent);
  if (!request.authorization.empty()) out.field("authorization", request.authorization);
  for (const auto& [name, value] : request.headers) out.field(name, value);
  if (request.content_type.empty()) return out.field("accept", "*/*");
  out.field("content-type", request.content_type);
  if (http::is_grpc(request.content_type)) out.field("te", "trailers");
}

}  // namespace

Http2Exchange::Http2Exchange(const HttpRequest& request) : request_(request), session_(h2::Role::client, {}) {
  const auto head = std::make_unique<h2::FieldList>();
  head->clear();
  write_head(request, *head);
  const bool has_body = !request.body.empty();
  stream_ = session_.open(*head, !has_body, nullptr);
  if (stream_ == 0)
    fail("the request is too large for HTTP/2");
  else if (has_body)
    session_.send_data(stream_, request.body, true);
}

std::string Http2Exchange::output() {
  while (session_.produce(out_, out_.size() + 16 * 1024)) {
  }
  std::string bytes(out_.view());
  out_.release();
  return bytes;
}

void Http2Exchange::take(std::string_view bytes, bool end, std::uint64_t now_ms) {
  if (first_.size() < kFirstBytes) first_.append(bytes.substr(0, kFirstBytes - first_.size()));
  for (const h2::Event& event : session_.receive(bytes, now_ms)) {
    if (done_) return;
    take_event(event);
  }
  if (end && !done_)
    fail(first_.empty() ? "the connection was closed without an answer" : "the answer broke off");
}

void Http2Exchange::take_event(const h2::Event& event) {
  using Kind = h2::Event::Kind;
  switch (event.kind) {
    case Kind::failed: {
      const std::string other = not_http2(first_);
      return fail("the answer is not HTTP/2: " + (other.empty() ? std::string(event.reason) : other));
    }
    case Kind::go_away:
    case Kind::settings:
    case Kind::pong:
      return;
    case Kind::head:
      return take_head(event);
    case Kind::data:
      keep(event.data);
      session_.consumed(stream_, event.data.size());
      done_ = done_ || event.last;
      return;
    case Kind::trailers:
      take_trailers(*event.block);
      done_ = true;
      return;
    case Kind::end:
      done_ = true;
      return;
    case Kind::reset:
      return fail("the stream was reset: " + std::string(h2::name_of(event.error)));
  }
}

// Interim answers announce the final one.
void Http2Exchange::take_head(const h2::Event& event) {
  http::ResponseHead head;
  h2::read_answer(*event.block, event.last, request_.method == "HEAD", head);
  if (head.status < 200) return;
  answer_.status = head.status;
  answer_.grpc = http::grpc_status({head.fields.begin(), head.fields.size()});
  if (const auto* text = head.fields.find("grpc-message")) answer_.grpc_message = text->value;
  if (const auto* to = head.status / 100 == 3 ? head.fields.find("location") : nullptr)
    answer_.location = to->value;
  for (const auto& name : request_.fields)
    if (const auto* field = head.fields.find(name)) answer_.fields.emplace(name, field->value);
  done_ = event.last || request_.most_body == 0;
}

void Http2Exchange::take_trailers(const h2::FieldBlock& block) {
  std::vector<http::Field> trailers;
  h2::read_trailers(block, trailers);
  if (const auto status = http::grpc_status(trailers)) answer_.grpc = status;
  for (const auto& field : trailers)
    if (field.name == "grpc-message") answer_.grpc_message = field.value;
}

void Http2Exchange::keep(std::string_view piece) {
  const auto room = request_.most_body - answer_.body.size();
  answer_.body.append(piece.substr(0, room));
  if (piece.size() <= room) return;
  answer_.truncated = true;
  done_ = true;
}

void Http2Exchange::leave() {
  if (stream_ != 0) session_.forget(stream_);
  session_.go_away(h2::ErrorCode::no_error);
}

void Http2Exchange::fail(std::string problem) {
  answer_.status = 0;
  answer_.problem = std::move(problem);
  done_ = true;
}

std::string not_http2(std::string_view first_bytes) {
  if (first_bytes.starts_with("HTTP/1.")) return "it is HTTP/1.1";
  if (first_bytes.size() > 1 && (first_bytes[0] == '\x15' || first_bytes[0] == '\x16') &&
      first_bytes[1] == '\x03')
    return "it is TLS";
  if (first_bytes.starts_with("SSH-")) return "it is SSH";
  return {};
}

}  // namespace sluice::io
