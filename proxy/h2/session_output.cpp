// What of the streams' messages becomes frames.
#include <algorithm>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {

bool SessionState::produce(Buffer& to, std::size_t bytes) {
  drained.clear();
  ++round;
  out = &to;
  most = bytes;
  while (to.size() < bytes) {
    const std::uint8_t* frame = nullptr;
    const auto size = nghttp2_session_mem_send(library.get(), &frame);
    if (size < 0) life = Life::broken;
    if (size <= 0) break;
    const auto begin = reinterpret_cast<const char*>(frame);
    to.append({begin, static_cast<std::size_t>(size)});
    if (!announced && role == Role::server) announce_limit(to, static_cast<std::size_t>(size));
    announced = true;
  }
  out = nullptr;
  return to.size() >= bytes;
}

// nghttp2 asks for the next DATA of a stream, up to `most` bytes; they are appended by on_send_data().
ssize_t SessionState::on_read(StreamId id, std::size_t frame_most, std::uint32_t& flags) {
  Stream* const stream = streams.find(id);
  if (!stream || stream->out == Half::over) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (stream->piece.empty() && !stream->last) return NGHTTP2_ERR_DEFERRED;
  const std::size_t size = std::min(frame_most, stream->piece.size());
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (stream->last && size == stream->piece.size()) flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(size);
}

int SessionState::on_send_data(StreamId id, const std::uint8_t* frame_head, std::size_t size) {
  constexpr std::size_t kFrameHead = 9;
  Stream* const stream = streams.find(id);
  if (!stream || stream->out == Half::over || stream->piece.size() < size)
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // reset since on_read()
  out->reserve(kFrameHead + size);
  out->append({reinterpret_cast<const char*>(frame_head), kFrameHead});
  out->append(stream->piece.substr(0, size));
  stream->piece.remove_prefix(size);
  if (stream->piece.empty()) set_drained(*stream);
  guard.data_sent();
  return out->size() < most ? 0 : NGHTTP2_ERR_PAUSE;
}

void SessionState::on_sent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) return on_goaway_sent(frame.goaway);
  if (frame.hd.type == NGHTTP2_RST_STREAM) return on_reset_sent(frame.rst_stream);
  const bool headers = frame.hd.type == NGHTTP2_HEADERS;
  if (headers && frame.headers.cat == NGHTTP2_HCAT_REQUEST) on_request_sent(frame.hd.stream_id);
  if ((!headers && frame.hd.type != NGHTTP2_DATA) || !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM)) return;
  Stream* const stream = streams.find(frame.hd.stream_id);
  if (!stream || stream->out == Half::over) return;
  stream->out = Half::over;
  set_drained(*stream);
  if (!stream->forgotten || stream->in == Half::over) return;
  reset(*stream, ErrorCode::no_error);
}

void SessionState::on_request_sent(StreamId id) {
  Stream* const stream = streams.find(id);
  if (!stream) return;
  stream->unopened = false;
  if (!stream->trailers || stream->is_over()) return;
  const LibraryFields fields(*stream->trailers);
  nghttp2_submit_trailer(library.get(), id, fields.data(), fields.size());
  delete std::exchange(stream->trailers, nullptr);
}

// nghttp2 has ended the session by itself: for a block that cannot be decoded, for padding that is too long.
void SessionState::on_goaway_sent(const nghttp2_goaway& frame) {
  if (life != Life::good || leaving == Leaving::with_error || frame.error_code == NGHTTP2_NO_ERROR) return;
  life = Life::failed;
  Event& event = events.add(Event::Kind::failed, 0);
  event.error = static_cast<ErrorCode>(frame.error_code);
  event.reason = "frame";
}

// nghttp2 has reset the stream by itself: for data beyond its window.
void SessionState::on_reset_sent(const nghttp2_rst_stream& frame) {
  Stream* const stream = streams.find(frame.hd.stream_id);
  if (stream && !stream->is_over())
    stream_error(*stream, static_cast<ErrorCode>(frame.error_code), "flow control");
}

// A head that nghttp2 cannot send any more: a request after GOAWAY, or one that is larger than it takes.
void SessionState::on_not_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  Stream* const stream = streams.find(frame.hd.stream_id);
  if (!stream) return;
  const bool never_opened = frame.headers.cat == NGHTTP2_HCAT_REQUEST;
  if (never_opened)
    streams.close(*stream);
  else
    nghttp2_submit_rst_stream(library.get(), NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_INTERNAL_ERROR);
  if (!stream->is_over() && !stream->forgotten) {
    Event& event = events.add(Event::Kind::reset, *stream);
    event.ours = !never_opened;
    event.unprocessed = never_opened;
    event.error = never_opened ? ErrorCode::refused_stream : ErrorCode::internal_error;
    event.reason = "not sent";
    set_drained(*stream);
  }
  end_stream(*stream);
  remove_if_done(*stream);
}

void SessionState::set_drained(Stream& stream) {
  if (!stream.user || stream.drained_in == round) return;
  stream.drained_in = round;
  drained.push_back(stream.user);
}

// The first frame tells the peer the limit of streams, with its first value. nghttp2 is told that there is
// none: it would end the connection where RFC 9113 5.1.2 lets us refuse the stream.
void SessionState::announce_limit(Buffer& to, std::size_t frame_size) {
  constexpr std::size_t kFirstValue = 9 + 2;
  char* const value = to.room() - frame_size + kFirstValue;
  for (std::size_t i = 0; i < 4; ++i) value[i] = static_cast<char>(limits.max_streams >> (24 - 8 * i));
}

void SessionState::forget(Stream& stream) {
  give_credit(stream, stream.unconsumed);
  std::replace(drained.begin(), drained.end(), stream.user, static_cast<void*>(nullptr));
  events.forget(stream);
  while (stream.blocks) stream.release(stream.blocks);
  stream.forgotten = true;
  const bool answers = role == Role::server;
  const bool goes_out = answers && stream.out == Half::ending && stream.piece.empty();
  if (!stream.is_over() && !goes_out)
    reset(stream, answers && stream.out == Half::over ? ErrorCode::no_error : ErrorCode::cancel);
  remove_if_done(stream);
}

void SessionState::reset(Stream& stream, ErrorCode code) {
  guard.reset(stream.id);
  nghttp2_submit_rst_stream(library.get(), NGHTTP2_FLAG_NONE, stream.id, static_cast<std::uint32_t>(code));
  end_stream(stream);
}

void SessionState::give_credit(Stream& stream, std::size_t bytes) {
  bytes = std::min(bytes, stream.unconsumed);
  if (bytes == 0) return;
  stream.unconsumed -= bytes;
  nghttp2_session_consume(library.get(), stream.id, bytes);
}

}  // namespace sluice::h2
