#include "proxy/h2/session.hpp"

#include <cassert>

#include "proxy/h2/session_state.hpp"

namespace sluice::h2 {
namespace {

FieldBlock* copy_of(const FieldList& list, std::size_t& held) {
  auto* const block = new FieldBlock(held);
  for (std::size_t i = 0; i < list.size(); ++i)
    block->add(list[i].name, list[i].value, UINT32_MAX, FieldList::kMost);
  return block;
}

std::uint32_t number_of(ErrorCode code) { return static_cast<std::uint32_t>(code); }

}  // namespace

SessionState::SessionState(Role session_role, const Limits& session_limits)
    : role(session_role),
      limits(session_limits),
      library(make_library_session(session_role, session_limits, *this)),
      guard(session_role),
      budget(session_limits.glitches, session_limits.glitches_per_second) {}

Session::Session(Role role, const Limits& limits) : state_(std::make_unique<SessionState>(role, limits)) {}
Session::~Session() = default;

// --- in

std::span<const Event> Session::receive(std::string_view bytes, std::uint64_t now_ms) {
  SessionState& s = *state_;
  s.now_ms = now_ms;
  s.events.begin(s.streams);
  if (s.life == SessionState::Life::good) s.receive(bytes);
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
  nghttp2_session* const library = state_->library.get();
  if (failed() || !nghttp2_session_check_request_allowed(library) || spent()) return 0;
  const std::size_t limit =
      nghttp2_session_get_remote_settings(library, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  const std::size_t open = state_->streams.open();
  return open < limit ? limit - open : 0;
}

bool Session::spent() const {
  return nghttp2_session_get_next_stream_id(state_->library.get()) > state_->limits.last_request;
}

StreamId Session::open(const FieldList& head, bool end, void* user) {
  if (room() == 0) return 0;
  const LibraryFields fields(head);
  const nghttp2_data_provider data = data_provider();
  const StreamId id = nghttp2_submit_request(state_->library.get(), nullptr, fields.data(), fields.size(),
                                             end ? nullptr : &data, nullptr);
  if (id < 0) return 0;
  Stream& stream = state_->streams.add(id);
  state_->guard.opened(id);
  stream.user = user;
  stream.unopened = true;
  stream.out = end ? Half::ending : Half::body;
  for (std::size_t i = 0; i < head.size() && head[i].name.starts_with(':'); ++i)
    stream.is_head |= head[i].name == ":method" && head[i].value == "HEAD";
  return id;
}

bool Session::peer_tunnels() const {
  return nghttp2_session_get_remote_settings(state_->library.get(),
                                             NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

// --- out

void Session::send_interim(StreamId stream, const FieldList& head) {
  const Stream* const found = state_->streams.find(stream);
  if (!found || found->out != Half::head) return;
  const LibraryFields fields(head);
  nghttp2_submit_headers(state_->library.get(), NGHTTP2_FLAG_NONE, stream, nullptr, fields.data(),
                         fields.size(), nullptr);
}

void Session::send_head(StreamId stream, const FieldList& head, bool end) {
  Stream* const found = state_->streams.find(stream);
  if (!found || found->out != Half::head) return;
  const LibraryFields fields(head);
  const nghttp2_data_provider data = data_provider();
  nghttp2_submit_response(state_->library.get(), stream, fields.data(), fields.size(), end ? nullptr : &data);
  found->out = end ? Half::ending : Half::body;
}

void Session::send_data(StreamId stream, std::string_view piece, bool last) {
  Stream* const found = state_->streams.find(stream);
  if (!found || found->out != Half::body) return;
  assert(found->piece.empty());
  found->piece = piece;
  found->last = last;
  if (last) found->out = Half::ending;
  nghttp2_session_resume_data(state_->library.get(), stream);  // it may not have begun: then it needs none
}

void Session::send_trailers(StreamId stream, const FieldList& trailers) {
  Stream* const found = state_->streams.find(stream);
  if (!found || found->out != Half::body) return;
  assert(found->piece.empty());
  found->out = Half::ending;
  if (found->unopened) {
    found->trailers = copy_of(trailers, state_->held_fields);
    return;
  }
  const LibraryFields fields(trailers);
  nghttp2_submit_trailer(state_->library.get(), stream, fields.data(), fields.size());
}

// nghttp2 asks again for data that the window has held back, and is told that there is none.
void Session::drop_piece(StreamId stream) {
  Stream* const found = state_->streams.find(stream);
  if (found && found->out == Half::body) found->piece = {};
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

void Session::ping() { nghttp2_submit_ping(state_->library.get(), NGHTTP2_FLAG_NONE, nullptr); }

void Session::shutdown_notice() { nghttp2_submit_shutdown_notice(state_->library.get()); }

void Session::go_away(ErrorCode code) {
  SessionState& s = *state_;
  s.guard.gone_away();
  if (s.leaving == SessionState::Leaving::no)
    s.last_taken = nghttp2_session_get_last_proc_stream_id(s.library.get());
  if (s.leaving != SessionState::Leaving::with_error)
    s.leaving =
        code == ErrorCode::no_error ? SessionState::Leaving::in_peace : SessionState::Leaving::with_error;
  nghttp2_submit_goaway(s.library.get(), NGHTTP2_FLAG_NONE, s.last_taken, number_of(code), nullptr, 0);
}

bool Session::produce(Buffer& out, std::size_t most) { return state_->produce(out, most); }

std::span<void* const> Session::drained() const { return state_->drained; }

bool Session::in_head() const { return state_->guard.in_block(); }

bool Session::wants_write() const {
  return state_->life != SessionState::Life::broken && nghttp2_session_want_write(state_->library.get());
}

void Session::rest() {
  state_->events.give_back();
  state_->streams.give_back();
  state_->guard.give_back();
  state_->drained = {};
}

// --- how it stands

bool Session::failed() const { return state_->life != SessionState::Life::good; }

bool Session::has_news() const { return state_->events.has_late(); }

bool Session::is_over() const {
  return state_->life == SessionState::Life::broken || (!nghttp2_session_want_read(state_->library.get()) &&
                                                        !nghttp2_session_want_write(state_->library.get()));
}

std::size_t Session::streams() const { return state_->streams.size(); }
StreamId Session::last_stream() const { return state_->last_stream; }
const GlitchCounts& Session::glitches() const { return state_->budget.counts(); }

}  // namespace sluice::h2
