// What of the streams' messages becomes frames, and how streams end. Behind the GOAWAY of a failure nothing
// is said any more.
#include <algorithm>
#include <cassert>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {

bool SessionState::produce(Buffer& to, std::size_t most) {
  production.drained.clear();
  ++production.number;
  while (!departure.failed && to.size() + writer.ready() < most) {
    Stream* const stream = writer.next();
    if (!stream) break;
    if (!write_frame(*stream)) continue;
    set_drained(*stream);
    if (stream->out == Half::ending) end_out(*stream);
  }
  writer.flush(to);
  return to.size() >= most;
}

// --- messages

StreamId SessionState::open(const FieldSpan& head, bool end, void* user) {
  bool is_head = false;
  for (std::size_t i = 0; i < head.size() && head.name(i).starts_with(':'); ++i)
    is_head |= head.value(i) == "HEAD" && head.name(i) == ":method";
  Stream& stream = add_stream(is_head, user);
  const StreamId id = stream.id;
  send_head(stream, head, end);
  return id;
}

Stream& SessionState::add_stream(bool is_head, void* user) {
  const StreamId id = std::exchange(next_stream, next_stream + 2);
  reader.guard().opened(id);
  Stream& stream = streams.add(id);
  stream.user = user;
  stream.is_head = is_head;
  stream.window = writer.initial_window();
  stream.receive_window.set_limit(stream_window());
  return stream;
}

HeadBlock* SessionState::begin_head(Stream& stream) {
  return departure.failed || stream.out != Half::head ? nullptr : &writer.begin_head();
}

void SessionState::end_head(Stream& stream, bool end) {
  writer.end_head(stream.id, end);
  stream.out = Half::body;
  if (end) say_end(stream);
}

void SessionState::send_interim(Stream& stream, const FieldSpan& head) {
  if (departure.failed || stream.out != Half::head) return;
  if (!writer.write(stream.id, head, false)) fail(ErrorCode::internal_error, "header block");
}

void SessionState::send_head(Stream& stream, const FieldSpan& head, bool end) {
  if (departure.failed || stream.out != Half::head) return;
  if (!writer.write(stream.id, head, end)) return fail(ErrorCode::internal_error, "header block");
  stream.out = Half::body;
  if (end) say_end(stream);
}

void SessionState::send_data(Stream& stream, std::string_view piece, bool last) {
  if (departure.failed || stream.out != Half::body) return;
  assert(stream.piece.empty());
  stream.piece = piece;
  stream.last = last;
  if (last) stream.out = Half::ending;
  const bool goes = piece.empty() ? last : stream.window > 0;
  if (!goes) return;
  if (writer.ready() >= production.ahead || !writer.is_free(stream)) return writer.schedule(stream);
  if (write_frame(stream) && last) end_out(stream);
}

void SessionState::send_trailers(Stream& stream, const FieldSpan& trailers) {
  if (departure.failed || stream.out != Half::body) return;
  assert(stream.piece.empty());
  if (!writer.write(stream.id, trailers, true)) return fail(ErrorCode::internal_error, "header block");
  say_end(stream);
}

// It went with a head. Of a peer that takes nothing the streams count until they have their turn, else it
// could have any number of answers made.
void SessionState::say_end(Stream& stream) {
  stream.out = Half::ending;
  if (writer.ready() >= production.ahead) return writer.schedule(stream);
  end_out(stream);
}

// A turn of the stream's: a frame of data, or its end. True: all that it has said has gone.
bool SessionState::write_frame(Stream& stream) {
  if (!stream.piece.empty() || stream.last) {
    writer.write_data(stream);
    reader.guard().data_sent();
  }
  if (stream.piece.empty()) return true;
  writer.schedule(stream);
  return false;
}

// END_STREAM was produced. Of a request that is answered and not whole nothing more is wanted (RFC 9113 8.1).
void SessionState::end_out(Stream& stream) {
  stream.out = Half::over;
  if (stream.forgotten && stream.in != Half::over) return reset(stream, ErrorCode::no_error);
  settle(stream);
}

void SessionState::set_drained(Stream& stream) {
  if (!stream.user || stream.drained_in == production.number) return;
  stream.drained_in = production.number;
  production.drained.push_back(stream.user);
}

void SessionState::give_credit(Stream& stream, std::size_t bytes) {
  bytes = std::min<std::size_t>(bytes, stream.unconsumed);
  if (bytes == 0) return;
  stream.unconsumed -= static_cast<std::uint32_t>(bytes);
  ignore_data(bytes);
  give_stream_credit(stream, bytes);
}

// Of the stream's own window.
void SessionState::give_stream_credit(Stream& stream, std::size_t bytes) {
  if (stream.in == Half::over || stream.forgotten || departure.failed) return;
  const std::uint32_t credit = stream.receive_window.give_back(bytes, stream.expected, stream.unconsumed);
  if (credit > 0) writer.give_credit(stream.id, credit);
}

void SessionState::go_away(ErrorCode code) {
  if (departure.failed) return;
  reader.guard().gone_away();
  using Own = Departure::Own;
  if (departure.own == Own::none) departure.last_taken = last_stream;
  if (departure.own != Own::with_error)
    departure.own = code == ErrorCode::no_error ? Own::in_peace : Own::with_error;
  writer.go_away(departure.last_taken, code);
}

// --- the end of a stream

void SessionState::forget(Stream& stream) {
  stream.forgotten = true;
  give_credit(stream, stream.unconsumed);
  std::replace(production.drained.begin(), production.drained.end(), stream.user,
               static_cast<void*>(nullptr));
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
  if (!departure.failed) writer.reset(stream.id, code);
  end_stream(stream);
  settle(stream);
}

void SessionState::end_stream(Stream& stream) {
  stream.in = stream.out = Half::over;
  stream.piece = {};
  FrameWriter::unschedule(stream);
  delete std::exchange(stream.building, nullptr);
}

void SessionState::settle(Stream& stream) {
  if (!stream.is_over()) return;
  streams.close(stream);
  if (stream.forgotten) streams.remove(stream);
}

}  // namespace sluice::h2
