// The answer's way to an HTTP/2 client: head, pieces, end; the proxy's own answers; a tunnel's 200.
#include "proxy/client/http2_connection.hpp"
#include "proxy/client/http2_stream.hpp"
#include "proxy/h2/frame.hpp"
#include "proxy/h2/head_writer.hpp"

namespace sluice::client {

using std::chrono::milliseconds;

namespace {
// Of a piece, within one limit of time: who takes less holds up a backend for nothing.
constexpr std::size_t kProgress = 1024;
}  // namespace

void Http2Stream::send_interim(const http::ResponseHead& answer) {
  h2::FieldList& fields = mux::Transport::fields();
  h2::write_interim(answer, fields);
  session().send_interim(id_, fields);
}

void Http2Stream::send_head(const http::ResponseHead& answer, std::span<const http::Field> extra) {
  status_ = answer.status;
  h2::HeadBlock* const block = session().begin_head(id_);
  if (!block) return;
  const std::string_view date = connection_.connection().worker().date();
  answer_whole_ = h2::write_answer(answer, extra, date, head_->is_head, *block);
  session().end_head(id_, answer_whole_);
}

bool Http2Stream::send_data(std::string_view piece, bool last) {
  if (answer_whole_) return is_sent();  // the head has said that nothing follows
  bytes_out_ += piece.size();
  return give(piece, last);
}

bool Http2Stream::send_trailers(std::span<const http::Field> trailers) {
  if (answer_whole_) return is_sent();
  h2::FieldList& fields = mux::Transport::fields();
  h2::write_trailers(trailers, fields);
  session().send_trailers(id_, fields);
  answer_whole_ = true;
  connection_.transport().produce_later();
  return is_sent();
}

bool Http2Stream::push() {
  connection_.transport().produce_later();
  return is_sent();
}

// Gives a piece to the session, and takes it for sent when it has become bytes of the connection.
bool Http2Stream::give(std::string_view piece, bool last) {
  if (!piece.empty() || last) session().send_data(id_, piece, last);
  answer_whole_ = last;
  connection_.transport().produce_later();
  if (!is_sent()) return false;
  most_read_ = h2::kMostData;  // it moves
  return true;
}

bool Http2Stream::is_sent() const { return !is_lost() && session().unsent(id_) == 0; }

Task<StreamStatus> Http2Stream::flush() {
  return wait_until_sent(connection_.connection().listener().spec.body_timeout);
}

// A stream that moves is waited for on; one that does not is given up, and so is its piece, which nobody
// keeps from here on.
Task<StreamStatus> Http2Stream::wait_until_sent(milliseconds limit) {
  while (!is_lost() && !is_sent()) {
    const std::size_t before = session().unsent(id_);
    writer_.set_limit(limit);
    const auto status = co_await writer_;
    const bool moves = session().unsent(id_) + kProgress <= before;
    if (moves) most_read_ = h2::kMostData;
    if (status == StreamStatus::ok || (status == StreamStatus::timed_out && moves)) continue;
    if (status == StreamStatus::canceled && head_->is_grpc && !answer_whole_)
      session().drop_piece(id_);  // the call's status can still go (D7)
    else
      session().reset(id_, h2::ErrorCode::cancel);
    connection_.transport().produce_later();
    co_return status;
  }
  co_return is_lost() ? StreamStatus::reset : StreamStatus::ok;
}

// A gRPC client looks for the failure of a call in its status, and reads no body that it did not expect.
void Http2Stream::reply_to_call(const OwnReply& reply) {
  status_ = 200;
  h2::FieldList& fields = mux::Transport::fields();
  h2::write_grpc_reply(reply.grpc, reply.text, reply.reason, connection_.connection().worker().date(),
                       fields);
  session().send_head(id_, fields, true);
  answer_whole_ = true;
}

Task<StreamStatus> Http2Stream::reply(OwnReply reply) {
  if (head_->is_grpc) {
    reply_to_call(reply);
    connection_.transport().produce_later();
    const auto sent = co_await flush();
    co_return sent;
  }
  status_ = reply.status;
  if (reply.retry_after == 0 && reply.status == 503) reply.retry_after = 1;
  h2::FieldList& fields = mux::Transport::fields();
  h2::write_reply({reply.status, reply.reason, reply.text.size(), reply.retry_after},
                  connection_.connection().worker().date(), fields);
  const bool has_body = !head_->is_head && !reply.text.empty();
  session().send_head(id_, fields, !has_body);
  answer_whole_ = true;
  if (has_body) session().send_data(id_, reply.text, true);
  bytes_out_ = has_body ? reply.text.size() : 0;
  connection_.transport().produce_later();
  const auto status = co_await flush();
  co_return status;
}

// RFC 8441 5: what a 101 says over HTTP/1 is a 200 here.
bool Http2Stream::open_tunnel(const http::ResponseHead& head) {
  status_ = 200;
  h2::FieldList& fields = mux::Transport::fields();
  h2::write_interim(head, fields);
  session().send_head(id_, fields, false);
  connection_.transport().produce_later();
  return is_sent();
}

// RFC 9113 8.1: never END_STREAM, which would make a cut answer a whole one.
void Http2Stream::reset() {
  if (is_lost()) return;
  session().reset(id_, h2::ErrorCode::internal_error);
  connection_.connection().worker().counters.http2.resets[1].add();
  connection_.transport().produce_later();
}

}  // namespace sluice::client
