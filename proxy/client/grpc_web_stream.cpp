#include "proxy/client/grpc_web_stream.hpp"

#include <array>
#include <string>
#include <utility>

#include "proxy/client/translation.hpp"
#include "proxy/http/grpc.hpp"
#include "proxy/http/reason.hpp"
#include "proxy/http/text.hpp"

namespace sluice::client {

using grpc_web::Coding;

namespace {

// Coded at a time: so much becomes a small buffer's worth of base64, without padding.
constexpr std::size_t kCoded = Buffer::kSmall / 4 * 3;
static_assert(kCoded % 3 == 0);

bool is_type(const http::Field& field) { return http::iequals(field.name, "content-type"); }

// `type` in the place of the content type, and without Trailer, which announces none here.
void copy_fields(const http::Fields& from, std::string_view type, http::Fields& to) {
  to.clear();
  for (const http::Field& field : from) {
    if (field.id == http::Header::trailer) continue;
    if (is_type(field))
      to.push(http::Field{field.name, type, field.id});
    else
      to.push(field);
  }
}

bool has_body(const http::ResponseHead& head) {
  return head.body == http::BodyLength::unknown ||
         (head.body == http::BodyLength::known && head.content_length > 0);
}

}  // namespace

Task<void> serve_as_grpc(ClientStream& client, grpc_web::Call call, StreamHandler& handler) {
  GrpcWebStream translated(client, call);
  co_await handler.serve(translated);
}

GrpcWebStream::GrpcWebStream(ClientStream& client, const grpc_web::Call& call)
    : client_(client),
      call_(call),
      backend_type_(grpc_web::type_for_backend(call)),
      client_type_(grpc_web::type_for_client(call)) {
  info_ = client.info();
  head_ = &request_;
  translate_head();
  noted(true);
  client_.set_observer(this);
}

// --- the request

void GrpcWebStream::translate_head() {
  request_ = client_.head();
  copy_fields(client_.head().fields, backend_type_.view(), request_.fields);
  request_.is_grpc = request_.te_trailers = true;
  if (call_.sent == Coding::text && request_.body != http::BodyLength::none) take_text();
}

// A text that came whole is bytes of a known length, which can be sent again.
void GrpcWebStream::take_text() {
  text_ = Text::pieces;
  request_.body = http::BodyLength::unknown;
  request_.content_length = 0;
  std::string_view text;
  if (!client_.whole_body(text)) return;
  text_ = decoder_.decode(text, decoded_) && decoder_.is_whole() ? Text::whole : Text::malformed;
  if (text_ != Text::whole) return;
  request_.body = http::BodyLength::known;
  request_.content_length = decoded_.size();
}

bool GrpcWebStream::whole_body(std::string_view& body) const {
  body = {};
  if (text_ == Text::none) return client_.whole_body(body);
  if (text_ == Text::whole) body = decoded_.view();
  return text_ == Text::whole;
}

std::string_view GrpcWebStream::first_piece() {
  if (text_ == Text::malformed) return {};
  const std::string_view piece = client_.first_piece();
  if (text_ == Text::none) return piece;
  if (!decoder_.decode(piece, decoded_)) text_ = Text::malformed;
  return text_ == Text::pieces ? decoded_.view() : std::string_view();
}

Task<BodyPiece> GrpcWebStream::read_body() {
  client_.set_call_patience(call_patience_);
  ++waits_;
  const BodyPiece piece = co_await next_piece();
  --waits_;
  co_return piece;
}

Task<BodyPiece> GrpcWebStream::next_piece() {
  return text_ == Text::none ? client_.read_body() : read_text();
}

Task<BodyPiece> GrpcWebStream::read_text() {
  using Kind = BodyPiece::Kind;
  while (text_ != Text::malformed) {
    const BodyPiece piece = co_await client_.read_body();
    const bool cut = piece.kind == Kind::done && !decoder_.is_whole();
    if (piece.kind != Kind::data && !cut) co_return piece;
    decoded_.clear();
    if (cut || !decoder_.decode(piece.data, decoded_)) text_ = Text::malformed;
    if (text_ == Text::pieces && !decoded_.empty()) co_return BodyPiece{Kind::data, decoded_.view()};
  }
  co_return BodyPiece{Kind::malformed, {}};
}

// --- the answer

// What is no answer of gRPC, an error page say, is for the client as it is.
void GrpcWebStream::send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) {
  status_ = answer.status;
  const http::Field* const type = answer.fields.find("content-type");
  if (!type || !http::is_grpc(type->value)) {
    answer_ = Answer::foreign;
    return client_.send_head(answer, extra);
  }
  http::ResponseHead head = answer;
  copy_fields(answer.fields, client_type_.view(), head.fields);
  answer_ = has_body(answer) ? Answer::messages : Answer::bodiless;
  if (answer_ == Answer::messages) {
    head.body = http::BodyLength::unknown;
    head.has_content_length = false;
  }
  client_.send_head(head, extra);
}

bool GrpcWebStream::send_data(std::string_view piece, bool last) {
  if (answer_ == Answer::messages) bounds_.add(piece);
  return send(piece, last);
}

bool GrpcWebStream::send_trailers(std::span<const http::Field> trailers) {
  switch (answer_) {
    case Answer::messages:
      break;
    case Answer::none:
    case Answer::bodiless:
      return send({}, true);
    case Answer::foreign:  // a status is ours then: the answer broke off
      return http::grpc_status(trailers) ? break_off() : noted(client_.send_trailers(trailers));
    case Answer::broken:
      return false;
  }
  if (!bounds_.between()) return break_off();
  grpc_web::write_trailer_frame(trailers, trailer_frame_);
  return send(trailer_frame_.view(), true);
}

// The client would take what follows for the rest of a message.
bool GrpcWebStream::break_off() {
  answer_ = Answer::broken;
  client_.reset();
  return false;
}

bool GrpcWebStream::send(std::string_view bytes, bool last) {
  const bool coded = answer_ == Answer::messages && call_.wanted == Coding::text && !bytes.empty();
  if (!coded) return noted(client_.send_data(bytes, last));
  uncoded_ = bytes;
  last_ = last;
  return send_coded();
}

// As much as the client takes.
bool GrpcWebStream::send_coded() {
  bool sent = true;
  while (sent && !uncoded_.empty()) {
    const std::string_view bytes = uncoded_.substr(0, kCoded);
    uncoded_.remove_prefix(bytes.size());
    coded_.clear();
    grpc_web::encode_base64(bytes, coded_);
    sent = noted(client_.send_data(coded_.view(), last_ && uncoded_.empty()));
  }
  return sent;
}

Task<StreamStatus> GrpcWebStream::flush() {
  for (;;) {
    const auto status = co_await flush_client();
    if (answer_ == Answer::broken) co_return StreamStatus::reset;
    if (status != StreamStatus::ok) {
      if (answer_ == Answer::messages) answer_ = Answer::broken;
      co_return status;
    }
    if (send_coded()) co_return status;
  }
}

// As a server says it that ends a call before its first message.
Task<StreamStatus> GrpcWebStream::reply(OwnReply reply) {
  status_ = 200;
  answer_ = Answer::bodiless;
  while (reply.text.ends_with('\n')) reply.text.remove_suffix(1);
  const std::string message = http::encode_grpc_message(reply.text);
  const std::array<http::Field, 4> fields{
      http::Field{"Content-Type", client_type_.view()}, http::Field{"X-Sluice-Error", reply.reason},
      http::Field{"grpc-status", number_of(reply.grpc)}, http::Field{"grpc-message", message}};
  http::ResponseHead head;
  head.status = status_;
  head.reason = http::reason_phrase(status_);
  head.body = http::BodyLength::known;
  head.has_content_length = true;
  client_.send_head(head, fields);
  client_.send_data({}, true);
  const auto sent = co_await flush_client();
  co_return sent;
}

Task<StreamStatus> GrpcWebStream::flush_client() {
  ++waits_;
  const auto status = co_await client_.flush();
  --waits_;
  noted(true);
  co_return status;
}

// --- what is the client's

// What is not awaited stays: an end that is to be sent, and over HTTP/1 the watch for the next request.
void GrpcWebStream::cancel() {
  if (waits_ > 0) client_.cancel();
}

// After each call that may have moved it: `sent` as it came.
bool GrpcWebStream::noted(bool sent) {
  bytes_in_ = client_.body_bytes_in();
  bytes_out_ = client_.body_bytes_out();
  most_read_ = client_.most_read();
  return sent;
}

void GrpcWebStream::client_gone() {
  noted(true);
  if (observer_) std::exchange(observer_, nullptr)->client_gone();
}

void GrpcWebStream::client_half_closed() {
  if (observer_) observer_->client_half_closed();
}

}  // namespace sluice::client
