#include "proxy/h2/session.hpp"

#include <algorithm>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {

SessionState::SessionState(Role session_role, const Limits& session_limits)
    : role(session_role),
      limits(session_limits),
      reader(session_role),
      writer(session_role, session_limits),
      budget(session_limits.glitches, session_limits.glitches_per_second),
      receive_window_(std::max(session_limits.connection_window, kDefaultWindow)) {}

Session::Session(Role role, const Limits& limits) : state_(std::make_unique<SessionState>(role, limits)) {}
Session::~Session() = default;

// --- in

std::span<const Event> Session::receive(std::string_view bytes, std::uint64_t now_ms) {
  SessionState& s = *state_;
  s.now_ms = now_ms;
  s.events.begin(s.streams);
  if (!s.departure.failed) s.receive(bytes);
  s.events.end();
  return s.events.events();
}

void* Session::user(StreamId stream) const {
  const Stream* const found = state_->streams.find(stream);
  return found ? found->user : nullptr;
}

void Session::set_user(StreamId stream, void* user) {
  Stream* const found = state_->streams.find(stream);
  if (found && !found->forgotten) state_->events.set_user(*found, user);
}

void Session::consumed(StreamId stream, std::size_t bytes) {
  if (Stream* const found = state_->streams.find(stream)) state_->give_credit(*found, bytes);
}

void Session::release(StreamId stream, FieldBlock* block) {
  if (Stream* const found = state_->streams.find(stream)) found->release(block);
}

// --- out, the client's role

std::size_t Session::room() const {
  const SessionState& s = *state_;
  if (s.departure.failed || s.departure.of_peer || spent()) return 0;
  const std::size_t open = s.streams.open();
  return open < s.peer.max_streams ? s.peer.max_streams - open : 0;
}

bool Session::spent() const {
  return state_->next_stream > static_cast<std::int64_t>(state_->limits.last_request);
}

StreamId Session::open(const FieldList& head, bool end, void* user) {
  if (room() == 0) return 0;
  return state_->open(head.span(), end, user);
}

HeadBlock* Session::begin_open() { return room() == 0 ? nullptr : &state_->writer.begin_head(); }

StreamId Session::end_open(bool is_head, bool end, void* user) {
  Stream& stream = state_->add_stream(is_head, user);
  const StreamId id = stream.id;
  state_->end_head(stream, end);
  return id;
}

bool Session::peer_tunnels() const { return state_->peer.tunnels; }

// --- out

void Session::send_interim(StreamId stream, const FieldList& head) {
  if (Stream* const found = state_->streams.find(stream)) state_->send_interim(*found, head.span());
}

void Session::send_head(StreamId stream, const FieldList& head, bool end) {
  if (Stream* const found = state_->streams.find(stream)) state_->send_head(*found, head.span(), end);
}

HeadBlock* Session::begin_head(StreamId stream) {
  Stream* const found = state_->streams.find(stream);
  return found ? state_->begin_head(*found) : nullptr;
}

void Session::end_head(StreamId stream, bool end) { state_->end_head(*state_->streams.find(stream), end); }

void Session::send_data(StreamId stream, std::string_view piece, bool last) {
  if (Stream* const found = state_->streams.find(stream)) state_->send_data(*found, piece, last);
}

void Session::send_trailers(StreamId stream, const FieldList& trailers) {
  if (Stream* const found = state_->streams.find(stream)) state_->send_trailers(*found, trailers.span());
}

void Session::drop_piece(StreamId stream) {
  Stream* const found = state_->streams.find(stream);
  if (!found || found->out != Half::body) return;
  found->piece = {};
  FrameWriter::unschedule(*found);
}

std::size_t Session::unsent(StreamId stream) const {
  const Stream* const found = state_->streams.find(stream);
  return found ? found->piece.size() : 0;
}

bool Session::ended(StreamId stream) const {
  const Stream* const found = state_->streams.find(stream);
  return !found || found->out == Half::over;
}

void Session::reset(StreamId stream, ErrorCode code) {
  Stream* const found = state_->streams.find(stream);
  if (found && !found->is_over()) state_->reset(*found, code);
}

void Session::forget(StreamId stream) {
  Stream* const found = state_->streams.find(stream);
  if (found && !found->forgotten) state_->forget(*found);
}

void Session::ping() {
  if (!state_->departure.failed) state_->writer.ping();
}

void Session::shutdown_notice() {
  constexpr StreamId kHighest = 0x7fffffff;
  if (!state_->departure.failed && state_->departure.own == Departure::Own::none)
    state_->writer.go_away(kHighest, ErrorCode::no_error);
}

void Session::go_away(ErrorCode code) { state_->go_away(code); }

bool Session::produce(Buffer& out, std::size_t most) { return state_->produce(out, most); }

void Session::make_ahead(std::size_t bytes) { state_->production.ahead = bytes; }
std::size_t Session::ready() const { return state_->writer.ready(); }

std::span<void* const> Session::drained() const { return state_->production.drained; }

bool Session::in_head() const { return state_->reader.in_block(); }

bool Session::peer_takes(std::size_t bytes) const {
  const auto wanted = static_cast<std::int64_t>(bytes);
  const FrameWriter& writer = state_->writer;
  return writer.initial_window() >= wanted &&
         writer.window() >= wanted * static_cast<std::int64_t>(state_->streams.size());
}

bool Session::wants_write() const { return state_->writer.has_something(); }

void Session::rest() {
  state_->events.give_back();
  state_->streams.give_back();
  state_->reader.guard().give_back();
  state_->production.drained = {};
}

void Session::forget_events() { state_->events.give_back_many(); }

// --- how it stands

bool Session::failed() const { return state_->departure.failed; }

bool Session::has_news() const { return state_->events.has_late(); }

bool Session::is_over() const {
  const SessionState& s = *state_;
  const bool ends = s.departure.of_peer || s.departure.own != Departure::Own::none;
  return !s.writer.has_something() && (s.departure.failed || (ends && s.streams.open() == 0));
}

std::size_t Session::open_streams() const { return state_->streams.open(); }
std::size_t Session::streams() const { return state_->streams.size(); }
StreamId Session::last_stream() const { return state_->last_stream; }
const GlitchCounts& Session::glitches() const { return state_->budget.counts(); }

}  // namespace sluice::h2
