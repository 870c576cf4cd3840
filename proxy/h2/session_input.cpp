// What the peer's frames mean for the streams.
#include <algorithm>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {
namespace {

constexpr std::uint32_t kQuickMs = 100;
constexpr std::size_t kMaxQueued = 1000;           // frames that the peer lets lie
constexpr std::size_t kMaxAcknowledgements = 100;  // of them
constexpr std::uint32_t kMaxSettings = 32;         // entries of a frame

}  // namespace

void SessionState::receive(std::string_view bytes) {
  const auto verdict = reader.read(bytes, {now_ms, budget}, *this);
  if (verdict.flaw) return fail(verdict.flaw.error, verdict.flaw.reason);
  if (writer.queued() > kMaxQueued) fail(ErrorCode::enhance_your_calm, "queue");
}

bool SessionState::on_frame(const FrameHead& head) {
  if (head.type == FrameType::headers) begin_block(head);
  if (head.type == FrameType::data) begin_data(head);
  if (head.type == FrameType::settings) peer.entries = 0;
  if (head.type == FrameType::settings && head.has(flag::ack) && head.size > 0)
    fail(ErrorCode::frame_size_error, "settings");
  return !departure.failed;
}

bool SessionState::on_payload(const FrameHead& head, std::string_view piece) {
  if (head.type == FrameType::data)
    on_data(head.stream, piece);
  else
    decode(piece);
  return !departure.failed;
}

// Padding takes room in the windows, and nobody but this side consumes it.
bool SessionState::on_padding(const FrameHead& head, std::uint32_t bytes) {
  Stream* const stream = listener(head.stream);
  if (stream) {
    stream->unconsumed += bytes;
    give_credit(*stream, bytes);
  } else {
    ignore_data(bytes);
  }
  return !departure.failed;
}

bool SessionState::on_frame_end(const FrameHead& head, const char* begin) {
  switch (head.type) {
    case FrameType::data:
      if (head.has(flag::end_stream)) on_end(head.stream);
      break;
    case FrameType::headers:
    case FrameType::continuation:
      if (head.has(flag::end_headers)) end_block();
      break;
    case FrameType::rst_stream:
      on_reset(head.stream, static_cast<ErrorCode>(read_number(begin, 4)));
      break;
    case FrameType::settings:
      on_settings_end(head.has(flag::ack));
      break;
    case FrameType::ping:
      if (head.has(flag::ack))
        events.add(Event::Kind::pong, 0);
      else
        writer.acknowledge_ping(begin);
      break;
    case FrameType::goaway:
      on_goaway(static_cast<StreamId>(read_number(begin, 4) & 0x7fffffff),
                static_cast<ErrorCode>(read_number(begin + 4, 4)));
      break;
    case FrameType::window_update:
      on_window_update(head.stream, read_number(begin, 4) & 0x7fffffff);
      break;
    case FrameType::priority:
    case FrameType::push_promise:
    default:
      break;
  }
  if (writer.acknowledgements() > kMaxAcknowledgements) fail(ErrorCode::enhance_your_calm, "flood");
  return !departure.failed;
}

// --- heads

void SessionState::begin_block(const FrameHead& head) {
  if (role == Role::server && head.stream > last_stream) begin_stream(head.stream);
  block_.stream = head.stream;
  block_.ends_stream = head.has(flag::end_stream);
  Stream* const stream = listener(block_.stream);
  if (!stream) return;
  delete stream->building;
  stream->building = new FieldBlock(held_fields);
}

void SessionState::begin_stream(StreamId id) {
  last_stream = id;
  if (departure.own != Departure::Own::none) return;  // GOAWAY has told that nothing is made of it
  if (streams.size() >= limits.max_streams) {
    refuse(id);
    return glitch(Glitch::refused);
  }
  Stream& stream = streams.add(id);
  stream.opened_ms = static_cast<std::uint32_t>(now_ms);
  stream.window = writer.initial_window();
  stream.receive_window.set_limit(own_.stream_window);
}

void SessionState::refuse(StreamId id) {
  writer.reset(id, ErrorCode::refused_stream);
  reader.guard().reset(id);
}

// Each block is decoded, whoever listens: the tables of both sides must agree.
void SessionState::decode(std::string_view piece) {
  Stream* const stream = listener(block_.stream);
  FieldBlock* const building = stream ? stream->building : nullptr;
  hpack::DecodedField field;
  for (;;) {
    switch (block_.decoder.next(piece, field)) {
      case hpack::Decoder::Found::nothing:
        return;
      case hpack::Decoder::Found::flaw:
        return fail(ErrorCode::compression_error, "header block");
      case hpack::Decoder::Found::field:
        if (!building) continue;
        if (role == Role::server && held_fields > limits.held_fields) building->cut_off();
        building->add(field, limits.max_header_list, limits.max_fields);
    }
  }
}

void SessionState::end_block() {
  if (!block_.decoder.end_block()) return fail(ErrorCode::compression_error, "header block");
  Stream* const stream = streams.find(block_.stream);
  if (!stream || stream->in == Half::over) return;
  if (stream->forgotten) {
    if (block_.ends_stream) stream->in = Half::over;
    return settle(*stream);
  }
  if (!stream->building) return;
  if (stream->in == Half::body) return on_trailers(*stream, block_.ends_stream);
  on_head(*stream, block_.ends_stream);
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
  if (interim) return;
  stream.in = last ? Half::over : Half::body;
  settle(stream);
}

void SessionState::on_trailers(Stream& stream, bool last) {
  const BlockForm form = check_trailers(*stream.building);
  if (!last) return stream_error(stream, ErrorCode::protocol_error, "trailers without end");
  // No status can say it any more, and to leave some out would change what is said.
  if (stream.building->too_large())
    return stream_error(stream, ErrorCode::protocol_error, "trailers too large");
  if (form.flaw) return stream_error(stream, ErrorCode::protocol_error, form.flaw);
  if (stream.expected > 0) return stream_error(stream, ErrorCode::protocol_error, "content-length");
  events.add(Event::Kind::trailers, stream).block = hand_on(stream);
  stream.in = Half::over;
  settle(stream);
}

FieldBlock* SessionState::hand_on(Stream& stream) {
  FieldBlock* const block = std::exchange(stream.building, nullptr);
  block->next = std::exchange(stream.blocks, block);
  return block;
}

// The stream, if somebody is told what comes on it. A whole answer may still be on its way out when nobody
// is.
Stream* SessionState::listener(StreamId id) {
  Stream* const stream = streams.find(id);
  return stream && stream->in != Half::over && !stream->forgotten ? stream : nullptr;
}

// --- data

// The whole payload counts, padding with it (RFC 9113 6.1).
void SessionState::begin_data(const FrameHead& head) {
  if (!receive_window_.take(head.size)) return fail(ErrorCode::flow_control_error, "flow control");
  Stream* const stream = listener(head.stream);
  if (stream && !stream->receive_window.take(head.size))
    stream_error(*stream, ErrorCode::flow_control_error, "flow control");
}

void SessionState::on_data(StreamId id, std::string_view data) {
  Stream* const stream = listener(id);
  if (!stream || !takes(*stream, data.size())) return ignore_data(data.size());
  stream->unconsumed += static_cast<std::uint32_t>(data.size());
  Event& event = events.add(Event::Kind::data, *stream);
  event.data = data;
  event.more = reader.payload_left() > 0;
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

void SessionState::on_end(StreamId id) {
  Stream* const stream = streams.find(id);
  if (!stream || stream->in == Half::over) return;
  if (!stream->forgotten) {
    if (stream->in != Half::body)
      return stream_error(*stream, ErrorCode::protocol_error, "end before the head");
    if (stream->expected > 0) return stream_error(*stream, ErrorCode::protocol_error, "content-length");
    Event* const data = events.last();
    if (data && data->kind == Event::Kind::data && data->stream == id)
      data->last = true;
    else
      events.add(Event::Kind::end, *stream);
  }
  stream->in = Half::over;
  settle(*stream);
}

// Credit of the connection for data that nobody gets.
void SessionState::ignore_data(std::size_t bytes) {
  const std::uint32_t credit = receive_window_.give_back(bytes);
  if (credit > 0 && !departure.failed) writer.give_credit(0, credit);
}

// --- control

void SessionState::on_reset(StreamId id, ErrorCode code) {
  Stream* const stream = streams.find(id);
  if (!stream) return glitch(Glitch::oddity);
  if (role == Role::server && ++resets_ > reader.guard().streams_opened() / 2)
    glitch(static_cast<std::uint32_t>(now_ms) - stream->opened_ms < kQuickMs ? Glitch::quick_reset
                                                                             : Glitch::reset);
  if (stream->is_over()) return;
  if (!stream->forgotten) {
    Event& event = events.add(Event::Kind::reset, *stream);
    event.error = code;
    event.unprocessed = code == ErrorCode::refused_stream;
  }
  end_stream(*stream);
  settle(*stream);
}

// Streams of this side's above `last` were not processed.
void SessionState::on_goaway(StreamId last, ErrorCode code) {
  Event& event = events.add(Event::Kind::go_away, last);
  event.error = code;
  departure.of_peer = true;
  if (role == Role::server) return;
  std::vector<StreamId> lost;
  for (const auto& stream : streams)
    if (stream->id > last && !stream->is_over()) lost.push_back(stream->id);
  for (const StreamId id : lost) {
    Stream& stream = *streams.find(id);
    if (!stream.forgotten) {
      Event& reset = events.add(Event::Kind::reset, stream);
      reset.error = ErrorCode::refused_stream;
      reset.unprocessed = true;
    }
    end_stream(stream);
    settle(stream);
  }
}

void SessionState::on_window_update(StreamId id, std::uint32_t bytes) {
  if (bytes == 0) return fail(ErrorCode::protocol_error, "window update");
  if (id == 0) {
    if (!writer.widen(bytes)) fail(ErrorCode::flow_control_error, "window update");
    return;
  }
  Stream* const stream = streams.find(id);
  if (!stream || stream->out == Half::over) return;
  stream->window += bytes;
  if (stream->window > kMaxWindow)
    return stream_error(*stream, ErrorCode::flow_control_error, "window update");
  if (stream->window > 0 && !stream->piece.empty()) writer.schedule(*stream);
}

bool SessionState::on_setting(Setting name, std::uint32_t value) {
  constexpr std::uint32_t kMaxFrame = (1u << 24) - 1;
  const auto expect = [this](bool sound) {
    if (!sound) fail(ErrorCode::protocol_error, "settings");
  };
  if (++peer.entries > kMaxSettings) fail(ErrorCode::enhance_your_calm, "settings");
  switch (name) {
    case Setting::header_table_size:
      writer.set_table_size(value);
      break;
    case Setting::enable_push:
      expect(value == 0 || (value == 1 && role == Role::server));
      break;
    case Setting::max_concurrent_streams:
      peer.max_streams = value;
      peer.came = true;  // and not what is so without it
      break;
    case Setting::initial_window_size:
      set_initial_window(value);
      break;
    case Setting::max_frame_size:
      expect(value >= kMaxFrameSize && value <= kMaxFrame);
      break;
    case Setting::enable_connect_protocol:
      expect(value == 1 || (value == 0 && !peer.tunnels));  // RFC 8441 3
      peer.tunnels = value == 1;
      break;
    case Setting::no_rfc7540_priorities:
      expect(value <= 1);
      break;
    case Setting::max_header_list_size:
      break;
  }
  return !departure.failed;
}

void SessionState::set_initial_window(std::uint32_t bytes) {
  if (bytes > kMaxWindow) return fail(ErrorCode::flow_control_error, "settings");
  const std::int64_t more = bytes - writer.initial_window();
  writer.set_initial_window(bytes);
  for (const auto& stream : streams) {
    stream->window += more;
    if (stream->window > kMaxWindow) return fail(ErrorCode::flow_control_error, "settings");
    if (stream->window > 0 && !stream->piece.empty()) writer.schedule(*stream);
  }
}

void SessionState::on_settings_end(bool acknowledges) {
  if (!acknowledges) {
    if (!std::exchange(peer.came, true)) peer.max_streams = UINT32_MAX;
    writer.acknowledge_settings();
    events.add(Event::Kind::settings, 0);
    return;
  }
  if (!std::exchange(own_.pending, false)) return fail(ErrorCode::protocol_error, "settings");
  own_.stream_window = limits.stream_window;
  for (const auto& stream : streams) {
    stream->receive_window.set_limit(own_.stream_window);
    give_stream_credit(*stream, 0);  // what is little of the former window may be half of this one
  }
}

// --- mistakes

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

void SessionState::fail(ErrorCode code, const char* reason) {
  if (departure.failed) return;
  departure.failed = true;
  writer.go_away(departure.own == Departure::Own::none ? last_stream : departure.last_taken, code);
  Event& event = events.add(Event::Kind::failed, 0);
  event.error = code;
  event.reason = reason;
}

void SessionState::glitch(Glitch kind) {
  if (!budget.spend(kind, now_ms)) fail(ErrorCode::enhance_your_calm, name_of(kind).data());
}

}  // namespace sluice::h2
