// What of the streams' messages becomes frames, and how streams end. Behind the GOAWAY of a failure nothing
// is said any more.
#include <algorithm>
#include <cassert>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {

bool SessionState::wants_write() const {
  return writer.has_something() || (!failed && first_unopened_ < next_stream);
}

bool SessionState::produce(Buffer& to, std::size_t most) {
  drained.clear();
  ++round_;
  if (!failed) open_requests();
  writer.flush(to);
  while (!failed && to.size() < most) {
    Stream* const stream = writer.next();
    if (!stream) break;
    write_data(*stream, to);
  }
  writer.flush(to);  // what became of streams that have ended
  return to.size() >= most;
}

// --- messages

// Requests are produced as late as can be: one that is taken back before never reaches the peer, and a limit
// of streams that was lowered meanwhile is obeyed.
void SessionState::open_requests() {
  for (; first_unopened_ < next_stream; first_unopened_ += 2) {
    Stream* const stream = streams.find(first_unopened_);
    if (!stream || !stream->unopened.head) continue;
    if (streams.open() - unopened >= peer.max_streams) return;
    open_request(*stream);
  }
}

void SessionState::open_request(Stream& stream) {
  const bool end = stream.out == Half::ending && !stream.last && !stream.unopened.trailers;
  bool written = writer.write(stream.id, stream.unopened.head->span(), end);
  if (stream.unopened.trailers) written &= writer.write(stream.id, stream.unopened.trailers->span(), true);
  drop_request(stream);
  if (!written) return fail(ErrorCode::internal_error, "header block");
  if (stream.out == Half::ending || !stream.piece.empty()) writer.schedule(stream);
}

void SessionState::send_interim(Stream& stream, const FieldList& head) {
  if (failed || stream.out != Half::head) return;
  if (!writer.write(stream.id, head.span(), false)) fail(ErrorCode::internal_error, "header block");
}

void SessionState::send_head(Stream& stream, const FieldList& head, bool end) {
  if (failed || stream.out != Half::head) return;
  if (!writer.write(stream.id, head.span(), end)) return fail(ErrorCode::internal_error, "header block");
  stream.out = end ? Half::ending : Half::body;
  if (end) writer.schedule(stream);
}

void SessionState::send_data(Stream& stream, std::string_view piece, bool last) {
  if (failed || stream.out != Half::body) return;
  assert(stream.piece.empty());
  stream.piece = piece;
  stream.last = last;
  if (last) stream.out = Half::ending;
  const bool goes = piece.empty() ? last : stream.window > 0;
  if (goes && !stream.unopened.head) writer.schedule(stream);
}

void SessionState::send_trailers(Stream& stream, const FieldList& trailers) {
  if (failed || stream.out != Half::body) return;
  assert(stream.piece.empty());
  if (stream.unopened.head) {  // they follow it
    stream.unopened.trailers = new FieldBlock(held_fields);
    stream.unopened.trailers->copy(trailers.span());
    stream.out = Half::ending;
    return;
  }
  if (!writer.write(stream.id, trailers.span(), true)) return fail(ErrorCode::internal_error, "header block");
  stream.out = Half::ending;
  writer.schedule(stream);
}

// A turn of the stream's: a frame of data, or its end.
void SessionState::write_data(Stream& stream, Buffer& to) {
  const bool data = !stream.piece.empty() || stream.last;
  if (data) {
    writer.write_data(stream, to);
    reader.guard().data_sent();
  }
  if (!stream.piece.empty()) return writer.schedule(stream);
  set_drained(stream);
  if (stream.out == Half::ending) end_out(stream);
}

// END_STREAM was produced. Of a request that is answered and not whole nothing more is wanted (RFC 9113 8.1).
void SessionState::end_out(Stream& stream) {
  stream.out = Half::over;
  if (stream.forgotten && stream.in != Half::over) return reset(stream, ErrorCode::no_error);
  settle(stream);
}

void SessionState::set_drained(Stream& stream) {
  if (!stream.user || stream.drained_in == round_) return;
  stream.drained_in = round_;
  drained.push_back(stream.user);
}

void SessionState::give_credit(Stream& stream, std::size_t bytes) {
  bytes = std::min(bytes, stream.unconsumed);
  if (bytes == 0) return;
  stream.unconsumed -= bytes;
  ignore_data(bytes);
  give_stream_credit(stream, bytes);
}

// Of the stream's own window.
void SessionState::give_stream_credit(Stream& stream, std::size_t bytes) {
  if (stream.in == Half::over || stream.forgotten || failed) return;
  const std::uint32_t credit = stream.receive_window.give_back(bytes, stream.expected, stream.unconsumed);
  if (credit > 0) writer.give_credit(stream.id, credit);
}

void SessionState::go_away(ErrorCode code) {
  if (failed) return;
  reader.guard().gone_away();
  if (leaving == Leaving::no) last_taken_ = last_stream;
  if (leaving != Leaving::with_error)
    leaving = code == ErrorCode::no_error ? Leaving::in_peace : Leaving::with_error;
  writer.go_away(last_taken_, code);
}

// --- the end of a stream

void SessionState::forget(Stream& stream) {
  stream.forgotten = true;
  give_credit(stream, stream.unconsumed);
  std::replace(drained.begin(), drained.end(), stream.user, static_cast<void*>(nullptr));
  events.forget(stream);
  while (stream.blocks) stream.release(stream.blocks);
  const bool answers = role == Role::server;
  const bool goes_out = answers && stream.out == Half::ending && stream.piece.empty();
  if (!stream.is_over() && !goes_out)
    return reset(stream, answers && stream.out == Half::over ? ErrorCode::no_error : ErrorCode::cancel);
  settle(stream);
}

// May destroy the stream.
void SessionState::reset(Stream& stream, ErrorCode code) {
  reader.guard().reset(stream.id);
  if (!stream.unopened.head && !failed) writer.reset(stream.id, code);
  end_stream(stream);
  settle(stream);
}

void SessionState::end_stream(Stream& stream) {
  stream.in = stream.out = Half::over;
  stream.piece = {};
  FrameWriter::unschedule(stream);
  delete std::exchange(stream.building, nullptr);
  drop_request(stream);
}

void SessionState::drop_request(Stream& stream) {
  if (!stream.unopened.head) return;
  delete std::exchange(stream.unopened.head, nullptr);
  delete std::exchange(stream.unopened.trailers, nullptr);
  --unopened;
}

void SessionState::settle(Stream& stream) {
  if (!stream.is_over()) return;
  streams.close(stream);
  if (stream.forgotten) streams.remove(stream);
}

}  // namespace sluice::h2
