// The answer's way to an HTTP/1 client: head, framed pieces, end; the proxy's own answers; a tunnel's 101.
#include "proxy/client/connection.hpp"
#include "proxy/client/http1_stream.hpp"
#include "proxy/http1/response_writer.hpp"

namespace sluice::client {

using net::IoStatus;

void Http1Stream::send_interim(const http::ResponseHead& answer) {
  if (wire_head_->version == http1::Version::http10) return;  // RFC 9110 15.2
  http1::write_interim(answer, output_.heads());
}

void Http1Stream::send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) {
  const auto framing = http1::response_framing(answer, wire_head_->version, head_->is_head);
  status_ = answer.status;
  // A refusal, or all that there will be: the rest of the body is not read.
  const bool early = !body_.done() && (answer.status >= 400 || framing == http1::Framing::none ||
                                       (framing == http1::Framing::length && answer.content_length == 0));
  if (connection_.worker().shutting_down || framing == http1::Framing::until_close || early)
    keep_alive_ = false;
  http1::ResponseContext context;
  context.client_version = wire_head_->version;
  context.keep_alive = keep_alive_;
  context.head_request = head_->is_head;
  context.framing_to_client = framing;
  context.extra = extra;
  context.date = connection_.worker().date();
  http1::write_response(answer, context, output_.heads());
  output_.begin_body(framing);
}

bool Http1Stream::send_data(std::string_view piece, bool last) {
  bytes_out_ += piece.size();
  return send(output_.add(piece, last), last);
}

bool Http1Stream::send_piped(Pipe& piece, bool last) {
  bytes_out_ += piece.size();
  output_.add_piped(piece, last);
  IoStatus status = socket_.send_now(output_.unsent(), MSG_MORE);
  if (status == IoStatus::ok && output_.unsent().empty()) status = socket_.send_now(piece);
  if (status != IoStatus::ok) client_ = ClientSide::lost;
  if (status != IoStatus::ok || !piece.empty()) return false;
  const bool follows = output_.after_piped();
  if (last) end_unsent_ = follows;
  return true;
}

bool Http1Stream::send_trailers(std::span<const http::Field> trailers) {
  return send(output_.add_end(trailers), true);
}

// An end that was copied goes with the other answers of this round.
bool Http1Stream::send(bool all_copied, bool last) {
  if (last && all_copied) {
    end_unsent_ = !output_.unsent().empty();
    return true;
  }
  if (socket_.send_now(output_.unsent()) != IoStatus::ok) {
    client_ = ClientSide::lost;
    return false;
  }
  if (!output_.unsent().empty()) return false;
  output_.clear();
  return true;
}

Task<StreamStatus> Http1Stream::flush() {
  if (client_ == ClientSide::lost) co_return StreamStatus::reset;
  if (output_.unsent().empty() && !output_.piped()) co_return StreamStatus::ok;
  socket_.set_timeout(connection_.listener().spec.body_timeout);
  auto status = co_await socket_.write(output_.unsent(), output_.piped());
  if (status == IoStatus::ok && output_.piped() && output_.after_piped())
    status = co_await socket_.write(output_.unsent());
  end_wait();
  after_send(status);
  co_return net::to_stream_status(status);
}

void Http1Stream::after_send(IoStatus status) {
  end_unsent_ = false;
  output_.clear();
  if (status != IoStatus::ok) client_ = ClientSide::lost;
}

Task<StreamStatus> Http1Stream::reply(OwnReply reply) {
  status_ = reply.status;
  if (connection_.worker().shutting_down || !body_.done()) keep_alive_ = false;
  if (reply.retry_after == 0 && reply.status == 503) reply.retry_after = 1;
  http1::write_reply(reply.status, reply.reason, reply.text, keep_alive_, head_->is_head,
                     connection_.worker().date(), output_.heads(), reply.retry_after, wire_head_->version);
  output_.begin_body(http1::Framing::none);
  bytes_out_ = head_->is_head ? 0 : reply.text.size();
  output_.add({}, true);
  return flush();
}

bool Http1Stream::open_tunnel(const http::ResponseHead& head) {
  status_ = head.status;
  keep_alive_ = false;
  http1::write_interim(head, output_.heads());
  return push();
}

void Http1Stream::reset() {
  connection_.reset_at_end();
  client_ = ClientSide::lost;
}

}  // namespace sluice::client
