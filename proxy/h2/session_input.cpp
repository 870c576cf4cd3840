// What the peer's frames mean for the streams.
#include <algorithm>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {
namespace {

constexpr std::uint64_t kQuickMs = 100;

bool ends(const nghttp2_frame_hd& head) { return (head.flags & NGHTTP2_FLAG_END_STREAM) != 0; }

}  // namespace

void SessionState::receive(std::string_view bytes) {
  constexpr std::size_t kMaxQueued = 1000;  // frames that the peer lets lie
  const FrameGuard::Verdict verdict = guard.read(bytes, now_ms, budget);
  feed(bytes.substr(0, verdict.good));
  if (verdict.refused()) return fail(verdict.error, verdict.reason);
  if (nghttp2_session_get_outbound_queue_size(library.get()) > kMaxQueued)
    fail(ErrorCode::enhance_your_calm, "queue");
}

void SessionState::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto taken = nghttp2_session_mem_recv(
      library.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return;
  if (taken == NGHTTP2_ERR_FLOODED) return fail(ErrorCode::enhance_your_calm, "flood");
  if (taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC) return fail(ErrorCode::protocol_error, "preface");
  fail(ErrorCode::internal_error, "library");
}

void SessionState::on_begin_headers(const nghttp2_frame& frame) {
  const StreamId id = frame.hd.stream_id;
  if (role == Role::server && frame.headers.cat == NGHTTP2_HCAT_REQUEST) begin_stream(id);
  Stream* const stream = listener(id);
  if (!stream) return;
  delete stream->building;
  stream->building = new FieldBlock(held_fields);
}

void SessionState::begin_stream(StreamId id) {
  last_stream = id;
  if (leaving != Leaving::no) return refuse(id);  // GOAWAY is still to be produced
  if (streams.size() >= limits.max_streams) {
    refuse(id);
    return glitch(Glitch::refused);
  }
  Stream& stream = streams.add(id);
  stream.opened_ms = now_ms;
  // All streams take turns: same urgency, incremental (RFC 9218), whatever the client says.
  const nghttp2_extpri turns{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(library.get(), id, &turns, 1);
}

void SessionState::refuse(StreamId id) {
  nghttp2_submit_rst_stream(library.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
  guard.reset(id);
}

void SessionState::on_field(StreamId id, std::string_view name, std::string_view value) {
  Stream* const stream = streams.find(id);
  if (!stream || !stream->building) return;
  if (held_fields > limits.held_fields) stream->building->cut_off();
  stream->building->add(name, value, limits.max_header_list, limits.max_fields);
}

// The stream, if somebody is told what comes on it. A whole answer may still be on its way out when nobody
// is.
Stream* SessionState::listener(StreamId id) {
  Stream* const stream = streams.find(id);
  return stream && stream->in != Half::over && !stream->forgotten ? stream : nullptr;
}

void SessionState::on_frame(const nghttp2_frame& frame) {
  Stream* const unheard = streams.find(frame.hd.stream_id);
  const bool message = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (unheard && unheard->forgotten && message && ends(frame.hd)) unheard->in = Half::over;

  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      return on_headers(frame.headers);
    case NGHTTP2_DATA: {
      if (!ends(frame.hd)) return;
      if (Stream* const stream = listener(frame.hd.stream_id)) on_end(*stream);
      return;
    }
    case NGHTTP2_RST_STREAM:
      return on_reset(frame.rst_stream);
    case NGHTTP2_GOAWAY: {
      Event& event = events.add(Event::Kind::go_away, frame.goaway.last_stream_id);
      event.error = static_cast<ErrorCode>(frame.goaway.error_code);
      return;
    }
    case NGHTTP2_SETTINGS:
      if (!(frame.hd.flags & NGHTTP2_FLAG_ACK)) events.add(Event::Kind::settings, 0);
      return;
    case NGHTTP2_PING:
      if (frame.hd.flags & NGHTTP2_FLAG_ACK) events.add(Event::Kind::pong, 0);
      return;
    default:
      return;
  }
}

void SessionState::on_headers(const nghttp2_headers& frame) {
  Stream* const stream = listener(frame.hd.stream_id);
  if (!stream || !stream->building) return;
  if (stream->in == Half::body) return on_trailers(*stream, ends(frame.hd));
  on_head(*stream, ends(frame.hd));
}

void SessionState::on_head(Stream& stream, bool last) {
  const BlockForm form =
      role == Role::server ? check_request(*stream.building) : check_answer(*stream.building);
  if (form.flaw) return stream_error(stream, ErrorCode::protocol_error, form.flaw);
  const bool interim = role == Role::client && form.status < 200;
  if (interim && last) return stream_error(stream, ErrorCode::protocol_error, "interim answer at the end");

  const bool bodiless = role == Role::client && (stream.is_head || form.status == 204 || form.status == 304);
  if (!interim) stream.expected = bodiless ? 0 : form.content_length;
  if (last && !bodiless && stream.expected > 0)
    return stream_error(stream, ErrorCode::protocol_error, "content-length");

  Event& event = events.add(Event::Kind::head, stream);
  event.block = hand_on(stream);
  event.last = last;
  if (!interim) stream.in = last ? Half::over : Half::body;
}

void SessionState::on_trailers(Stream& stream, bool last) {
  const BlockForm form = check_trailers(*stream.building);
  if (!last) return stream_error(stream, ErrorCode::protocol_error, "trailers without end");
  if (form.flaw) return stream_error(stream, ErrorCode::protocol_error, form.flaw);
  if (stream.expected > 0) return stream_error(stream, ErrorCode::protocol_error, "content-length");
  events.add(Event::Kind::trailers, stream).block = hand_on(stream);
  stream.in = Half::over;
}

FieldBlock* SessionState::hand_on(Stream& stream) {
  FieldBlock* const block = std::exchange(stream.building, nullptr);
  block->next = std::exchange(stream.blocks, block);
  return block;
}

// Whether so many bytes of data may come on the stream now.
bool SessionState::takes(Stream& stream, std::size_t bytes) {
  if (stream.in != Half::body) {
    stream_error(stream, ErrorCode::protocol_error, "data before the head");
    return false;
  }
  if (stream.expected == kUnknownLength) return true;
  if (static_cast<std::uint64_t>(stream.expected) < bytes) {
    stream_error(stream, ErrorCode::protocol_error, "content-length");
    return false;
  }
  stream.expected -= static_cast<std::int64_t>(bytes);
  return true;
}

void SessionState::on_data(StreamId id, std::string_view data) {
  Stream* const stream = listener(id);
  if (!stream || !takes(*stream, data.size())) {
    nghttp2_session_consume_connection(library.get(), data.size());
    return;
  }
  stream->unconsumed += data.size();
  events.add(Event::Kind::data, *stream).data = data;
}

void SessionState::on_end(Stream& stream) {
  if (stream.in != Half::body) return stream_error(stream, ErrorCode::protocol_error, "end before the head");
  if (stream.expected > 0) return stream_error(stream, ErrorCode::protocol_error, "content-length");
  stream.in = Half::over;
  Event* const data = events.last();
  if (data && data->kind == Event::Kind::data && data->stream == stream.id)
    data->last = true;
  else
    events.add(Event::Kind::end, stream);
}

void SessionState::on_reset(const nghttp2_rst_stream& frame) {
  Stream* const stream = streams.find(frame.hd.stream_id);
  if (!stream) return glitch(Glitch::oddity);
  if (role == Role::server && ++resets > guard.streams_opened() / 2)
    glitch(now_ms - stream->opened_ms < kQuickMs ? Glitch::quick_reset : Glitch::reset);
  if (stream->is_over()) return;
  if (stream->forgotten) return end_stream(*stream);
  Event& event = events.add(Event::Kind::reset, *stream);
  event.error = static_cast<ErrorCode>(frame.error_code);
  event.unprocessed = event.error == ErrorCode::refused_stream;
  end_stream(*stream);
}

// A stream error that nghttp2 has found and answers itself.
void SessionState::on_invalid_frame(const nghttp2_frame& frame, int library_error) {
  Stream* const stream = streams.find(frame.hd.stream_id);
  if (!stream || stream->is_over()) return;
  const bool flow = library_error == NGHTTP2_ERR_FLOW_CONTROL;
  stream_error(*stream, flow ? ErrorCode::flow_control_error : ErrorCode::protocol_error,
               flow ? "flow control" : "frame");
}

// Every close that the frames have not told of: the GOAWAY's.
void SessionState::on_close(StreamId id, std::uint32_t error) {
  Stream* const stream = streams.find(id);
  if (!stream) return;
  streams.close(*stream);
  if (!stream->is_over() && !stream->forgotten) {
    Event& event = events.add(Event::Kind::reset, *stream);
    event.error = static_cast<ErrorCode>(error);
    event.unprocessed = event.error == ErrorCode::refused_stream;
  }
  end_stream(*stream);
  remove_if_done(*stream);
}

void SessionState::stream_error(Stream& stream, ErrorCode code, const char* reason) {
  if (!stream.forgotten) {
    Event& event = events.add(Event::Kind::reset, stream);
    event.ours = true;
    event.error = code;
    event.reason = reason;
  }
  reset(stream, code);
  glitch(Glitch::stream_error);
}

void SessionState::end_stream(Stream& stream) {
  stream.in = stream.out = Half::over;
  stream.piece = {};
  delete std::exchange(stream.building, nullptr);
}

void SessionState::remove_if_done(Stream& stream) {
  if (stream.closed && stream.forgotten) streams.remove(stream);
}

void SessionState::fail(ErrorCode code, const char* reason) {
  if (life == Life::failed) return;
  life = Life::failed;
  nghttp2_session_terminate_session(library.get(), static_cast<std::uint32_t>(code));
  Event& event = events.add(Event::Kind::failed, 0);
  event.error = code;
  event.reason = reason;
}

void SessionState::glitch(Glitch kind) {
  if (!budget.spend(kind, now_ms)) fail(ErrorCode::enhance_your_calm, name_of(kind).data());
}

}  // namespace sluice::h2
