#include "proxy/mux/transport.hpp"

#include <span>

#include "proxy/h2/frame.hpp"

namespace sluice::mux {

using namespace std::chrono_literals;
using net::IoStatus;

namespace {

// Bytes that are made ahead of the socket. What is made cannot be overtaken any more. Three full frames of
// data fit into a large buffer, behind TLS into three records, and on a loopback into one packet.
constexpr std::size_t kMostUnsent = 48 * 1024;
constexpr int kReadsAtOnce = 4;  // of a peer that has sent more than one can take
constexpr auto kPark = 5s;       // a quiet connection gives back what it can do without after this

std::uint64_t now_ms() {
  const auto now = net::Clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

Transport::Transport(TransportOwner& owner, net::Stream& socket, net::Poller& poller, h2::Role role,
                     const h2::Limits& limits, std::chrono::milliseconds patience)
    : owner_(owner), socket_(socket), poller_(poller), patience_(patience), session_(role, limits) {
  session_.make_ahead(kMostUnsent);
}

Transport::~Transport() { poller_.forget(*this); }

h2::FieldList& Transport::fields() {
  static thread_local h2::FieldList list;
  return list;
}

// --- reading

Task<IoStatus> Transport::read() {
  produce_later();  // the SETTINGS
  while (state_ == State::open || socket_.armed()) {
    arm();
    const auto read = co_await socket_.read();
    // Quiet for a while; what began meanwhile may still want the memory.
    if (read.status == IoStatus::timed_out && !writing_ && state_ == State::open) {
      parked_ = owner_.may_park();
      if (parked_) session_.rest();
      continue;
    }
    if (read.status != IoStatus::ok) co_return read.status;
    parked_ = false;
    if (!writing_) socket_.clear_timeout();
    read_on(read.size);
  }
  co_return IoStatus::canceled;
}

// What streams get at once goes on at once, in few pieces: all that is there is read before they are told.
void Transport::read_on(std::size_t first) {
  std::size_t read = first;
  for (int reads = 1;; ++reads) {
    in_.commit(read);
    receive(in_.view());
    in_.clear();
    if (reads == kReadsAtOnce || state_ != State::open) break;
    socket_.read_now(in_);
    if (!socket_.read_ready() || socket_.peek().status != IoStatus::ok) break;
    read = socket_.take().size;
  }
  end_batch();
}

void Transport::arm() {
  if (!socket_.armed()) socket_.arm(in_);
  if (!parked_ && !writing_ && owner_.may_park()) socket_.set_timeout(kPark);
}

void Transport::take(std::string_view bytes) {
  if (bytes.empty() || state_ == State::lost) return;
  receive(bytes);
  end_batch();
}

// Who acts on an event may say something at once, and lose the connection by it.
void Transport::receive(std::string_view bytes) {
  for (const h2::Event& event : session_.receive(bytes, now_ms())) owner_.on_event(event);
}

void Transport::end_batch() {
  owner_.on_decoded();
  session_.forget_events();
  produce_later();
}

// --- sending

bool Transport::is_full() const { return writing_ && session_.ready() >= kMostUnsent; }

// Requires: out_ is empty.
void Transport::fill() {
  session_.produce(out_, kMostUnsent);
  produced_ += out_.size();
  if (session_.has_news()) poller_.defer(*this);
  for (void* const user : session_.drained())
    if (user) static_cast<StreamUser*>(user)->on_drained();
}

void Transport::produce_later() {
  if (send_asked_ || writing_ || state_ == State::held || state_ == State::lost) return;
  send_asked_ = true;
  poller_.send_later(*this);
}

void Transport::on_send() {
  send_asked_ = false;
  while (state_ != State::held && state_ != State::lost) {
    fill();
    if (out_.empty()) {
      out_.release();
      return owner_.on_sent();
    }
    iovec piece{const_cast<char*>(out_.data()), out_.size()};
    std::span<iovec> left(&piece, 1);
    if (socket_.send_now(left) != IoStatus::ok) return lose();
    const std::size_t sent = out_.size() - (left.empty() ? 0 : left[0].iov_len);
    sent_ += sent;
    out_.consume(sent);
    if (out_.empty()) continue;
    writing_ = true;
    session_.make_ahead(0);
    return spawn(write_rest());
  }
}

// What was found out while bytes were made.
void Transport::on_deferred() {
  if (!session_.has_news() || state_ == State::lost) return;
  receive({});
  end_batch();
}

// The socket takes no more for now. Until it has taken all, nothing else is made: what a peer does not read
// stays where it came from (X4).
Task<void> Transport::write_rest() {
  while (!out_.empty() && state_ != State::lost) {
    socket_.set_timeout(patience_);
    sent_ = produced_;  // how much of it a write that fails has sent is not told
    const auto status = co_await socket_.write(out_.view());
    out_.clear();
    if (status != IoStatus::ok) {
      lose();
      break;
    }
    if (state_ != State::held) fill();
  }
  writing_ = false;
  session_.make_ahead(kMostUnsent);
  socket_.clear_timeout();
  if (state_ != State::held && state_ != State::lost) owner_.on_sent();
  owner_.on_quiet();
}

// --- the end

void Transport::stop() {
  if (state_ != State::open) return;
  state_ = State::stopped;
  socket_.cancel();
}

void Transport::hold() {
  if (state_ != State::open) return;
  state_ = State::held;
  socket_.cancel();
}

void Transport::let_go() {
  if (state_ != State::held) return;
  state_ = State::stopped;
  if (!writing_) on_send();
}

void Transport::lose() {
  if (state_ == State::lost) return;
  state_ = State::lost;
  socket_.cancel();
  owner_.on_lost();
}

}  // namespace sluice::mux
