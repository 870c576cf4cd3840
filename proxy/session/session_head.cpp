// Heads: reading them, refusing bad ones, and reading ahead while a request is answered.
#include <algorithm>
#include <utility>

#include "proxy/http1/response_writer.hpp"
#include "proxy/session/session.hpp"

namespace sluice::session {

using namespace std::chrono_literals;
using net::IoStatus;

namespace {

constexpr auto kRest = 5s;              // an idle connection gives its buffer back after this
constexpr std::size_t kCompact = 4096;  // consumed bytes at the buffer's front that are worth moving
constexpr std::size_t kMinRoom = 1024;  // less room than this is no use for reading ahead

constexpr const char* kPlainHttp = "plain_http";

std::string_view explanation(const http1::Refusal& refusal) {
  if (refusal.reason == kPlainHttp)
    return "This port speaks HTTPS, and plain HTTP came. Ask again with https:// in front.\n";
  switch (refusal.status) {
    case 408:
      return "The request took too long to arrive.\n";
    case 414:
      return "The request's target is too long.\n";
    case 417:
      return "This expectation cannot be met.\n";
    case 421:
      return "This connection's certificate is not for the host of the request.\n";
    case 431:
      return "The request's header fields are too large or too many.\n";
    case 501:
      return "This method is not implemented here.\n";
    case 505:
      return "Speak HTTP/1.0 or HTTP/1.1.\n";
    default:
      return "The request is malformed.\n";
  }
}

}  // namespace

Session::HeadResult Session::look_for_head() {
  if (in_.empty()) return HeadResult::incomplete;
  if (!head_) head_ = std::make_unique<http1::RequestHead>();
  if (!stream_.armed() && in_.skipped() > kCompact) in_.compact();
  const auto status = parser_.parse(in_.view(), *head_);
  if (status == http1::Status::done) {
    if (!misdirected()) return HeadResult::complete;
    refusal_ = {421, "misdirected"};
    return HeadResult::refused;
  }
  if (status == http1::Status::refused) {
    refusal_ = parser_.refusal();
    return HeadResult::refused;
  }
  if (!head_begun_) {
    stream_.limit(listener_->spec.header_timeout);
    head_began_ = net::Clock::now();
  }
  head_begun_ = true;
  return HeadResult::incomplete;
}

// RFC 9110 15.5.20. A request without a host (HTTP/1.0) is for whoever answers here.
bool Session::misdirected() const {
  return stream_.tls() && listener_->spec.tls->check_host && !head_->host.empty() &&
         !tls::covers_host(*stream_.tls(), head_->host);
}

// Between two requests a connection waits for kRest with its buffer; one that then rests gives all it holds
// back, and waits for readability only.
void Session::prepare_read() {
  if (head_begun_) {
    arm_ahead();
    return;
  }
  idle_ = true;
  if (resting_) return stream_.arm_wait();
  if (!stream_.armed()) in_.clear();
  arm_ahead();
  stream_.limit(std::min<std::chrono::milliseconds>(kRest, patience()));
}

Session::HeadResult Session::after_read(net::ReadResult read) {
  const bool was_idle = std::exchange(idle_, false);
  const bool rested = std::exchange(resting_, false);
  if (read.status == IoStatus::ok) {
    tail().commit(read.size);
    return look_for_head();
  }
  if (read.status != IoStatus::timed_out || (closing_ && was_idle)) return HeadResult::closed;
  if (head_begun_) {
    refusal_ = {408, "timeout"};
    return HeadResult::refused;
  }
  if (rested || patience() <= kRest) return HeadResult::closed;
  resting_ = true;
  in_.release();
  out_.release();
  head_.reset();
  stream_.limit(patience() - kRest);
  return HeadResult::incomplete;
}

// How long the client may take to begin a request.
std::chrono::milliseconds Session::patience() const {
  return first_ ? listener_->spec.header_timeout : listener_->spec.idle_timeout;
}

// The next read goes behind what has come. False: there is no room, requests to come fill it.
bool Session::arm_ahead() {
  if (stream_.armed()) return true;
  Buffer& buffer = tail();
  if (body_in_use_ && buffer.empty()) buffer.clear();  // no head lives there
  if (buffer.holds_storage() && buffer.room_size() < kMinRoom) {
    // Views into a head under way forbid moving; while one is being read there are none.
    if (watcher_) return false;
    buffer.compact();
    if (buffer.room_size() < kMinRoom && !buffer.grow()) return false;
  }
  arm(buffer);
  return true;
}

Task<void> Session::refuse() {
  context_.counters.count_refused(refusal_.reason);
  const auto began = head_begun_ ? head_began_ : net::Clock::now();
  stream_.limit(listener_->spec.body_timeout);
  keep_alive_ = false;
  out_.clear();
  const std::string_view text = explanation(refusal_);
  http1::write_reply(refusal_.status, refusal_.reason, text, false, false, context_.date(), out_);
  const auto status = co_await stream_.write(out_.view());
  record_refusal(began, text.size());
  if (status != IoStatus::ok) co_return;
  const std::chrono::seconds patience = refusal_.status == 408 ? kGoodbye : kLinger;
  co_await linger(patience);
}

// Somebody forgot the s of https://. He is told so in the words that he speaks.
Task<void> Session::refuse_clear_text() {
  stream_.drop_tls();
  refusal_ = {400, kPlainHttp};
  co_await refuse();
}

// The read for the next request is outstanding while this one is answered.
void Session::watch(ClientWatcher* watcher) {
  watcher_ = watcher;
  if (!arm_ahead()) return;  // the buffer is full of requests to come; their client is there
  stream_.observe(this);
  if (stream_.read_ready()) on_unawaited_read();
}

void Session::on_unawaited_read() {
  stream_.observe(nullptr);
  const auto read = stream_.peek();
  if (read.status == IoStatus::ok) {  // the next request, early: it waits its turn
    stream_.take();
    tail().commit(read.size);
    if (watcher_ && arm_ahead()) stream_.observe(this);
    return;
  }
  if (read.status == IoStatus::eof) {
    eof_ = true;
    if (watcher_) watcher_->client_half_closed();
  } else {
    lost_ = true;
    if (watcher_) watcher_->client_gone();
  }
}

}  // namespace sluice::session
