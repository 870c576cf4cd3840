#include "proxy/session/session.hpp"

#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "proxy/base/client_key.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http/reply.hpp"
#include "proxy/session/exchange.hpp"

namespace sluice::session {
namespace {

using namespace std::chrono_literals;
using net::IoStatus;

constexpr auto kRest = 5s;  // an idle connection gives its buffer back after this
// How long and how far a refused client's bytes are read, so that it sees the answer (RFC 9112 9.6).
constexpr auto kLinger = 2s;
constexpr std::size_t kLingerBytes = 1 << 20;
// A piece this small is copied behind its head: one send instead of a gather.
constexpr std::size_t kCopied = 4096;
constexpr std::size_t kCompact = 4096;  // consumed bytes at the buffer's front that are worth moving
constexpr std::size_t kMinRoom = 1024;  // less room than this is no use for reading ahead

std::string_view explanation(const http::Refusal& refusal) {
  switch (refusal.status) {
    case 408:
      return "The request took too long to arrive.\n";
    case 413:
      return "The request's body is too large.\n";
    case 414:
      return "The request's target is too long.\n";
    case 417:
      return "This expectation cannot be met.\n";
    case 431:
      return "The request's header fields are too large or too many.\n";
    case 501:
      return "This method is not implemented here.\n";
    case 505:
      return "Speak HTTP/1.0 or HTTP/1.1.\n";
    case 421:
      return "This connection's certificate is not for the host of the request.\n";
    default:
      return "The request is malformed.\n";
  }
}

}  // namespace

void Session::start(Context& context, std::shared_ptr<const ListenerInfo> listener, int fd,
                    const Caller& caller, SessionHook& sessions) {
  auto* session = new Session(context, std::move(listener), fd, caller);
  session->SessionHook::link_before(sessions);
  spawn(session->run());
}

Session::Session(Context& context, std::shared_ptr<const ListenerInfo> listener, int fd, const Caller& caller)
    : context_(context),
      listener_(std::move(listener)),
      stream_(fd, context.poller, context.wheel),
      caller_(caller),
      trusted_(contains(listener_->trusted_proxies, caller.source.ip)) {
  client_address_ = format_ip(caller.source.ip, client_address_text_);
  if (trusted_) hop_address_ = format_ip(caller.source.ip, hop_address_text_);
  if (listener_->tls) stream_.secure(listener_->tls->accept(fd));
  context_.counters.connections.add();
  listener_->connections->fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() {
  SessionHook::unlink();
  if (counted_) observe::ClientTable::leave(*counted_);
  context_.counters.connections.sub();
  listener_->connections->fetch_sub(1, std::memory_order_relaxed);
}

Task<void> Session::run() {
  try {
    co_await serve();
  } catch (const std::exception& e) {  // out of memory, at worst: this connection pays, the others live
    spdlog::error("connection from {}: {}", client_address_, e.what());
    aborted_ = true;
  }
  stream_.close(aborted_);
  delete this;
}

// False: this client has all the connections that it may have.
bool Session::admit() {
  if (!listener_->clients || trusted_) return true;  // a proxy in front speaks for many
  const std::uint64_t client = client_key(client_address_);
  const auto entry = listener_->clients->enter(client, listener_->max_per_client);
  if (entry.slot) counted_in_ = listener_->clients;  // a reload may make another table
  counted_ = entry.slot;
  if (entry.refused) context_.counters.over_client_limit.add();
  return !entry.refused;
}

Task<void> Session::serve() {
  if (!admit()) co_return;
  if (listener_->tls) {
    stream_.limit(listener_->handshake_timeout);
    const auto status = co_await stream_.handshake();
    after_handshake(status);
    if (status != IoStatus::ok) co_return;
  }
  for (;;) {
    HeadResult result = look_for_head();
    while (result == HeadResult::incomplete) {
      prepare_read();
      const auto read = co_await stream_.read();
      result = after_read(read);
    }
    if (result == HeadResult::refused) co_await refuse();
    if (result != HeadResult::complete) co_return;
    begin_message();
    co_await answer_request();
    if (ending_unsent_) {
      stream_.limit(listener_->body_timeout);
      const auto status = co_await stream_.write(unsent_);
      after_ending(status);
    }
    if (!stays_open()) {
      if (!aborted_ && !lost_ && !eof_) co_await linger();
      co_return;
    }
    end_message();
  }
}

void Session::after_handshake(IoStatus status) {
  auto& counters = context_.counters;
  const tls::Channel* channel = stream_.tls();  // null when memory was short
  if (status == IoStatus::ok) {
    counters.handshakes.add();
    if (channel->resumed()) counters.handshakes_resumed.add();
    identity_ = tls::identity_lines(*channel);
    stream_.no_limit();
    return;
  }
  if (status == IoStatus::timed_out) return counters.handshakes_slow.add();
  switch (channel ? channel->failure() : tls::Channel::Failure::none) {
    case tls::Channel::Failure::protocol:
      return counters.handshakes_broken.add();
    case tls::Channel::Failure::certificate:
      return counters.handshakes_untrusted.add();
    case tls::Channel::Failure::closed:
    case tls::Channel::Failure::none:
      return counters.handshakes_closed.add();
  }
}

// RFC 9110 15.5.20. A request without a host (HTTP/1.0) is for whoever answers here.
bool Session::misdirected() const {
  return stream_.tls() && listener_->check_host && !head_->host.empty() &&
         !tls::covers_host(*stream_.tls(), head_->host);
}

// Its own frame, which an idle connection does not keep.
Task<void> Session::answer_request() {
  Exchange exchange(context_, *this);
  exchange_ = &exchange;
  co_await exchange.run();
  exchange_ = nullptr;
  watcher_ = nullptr;
  stream_.observe(nullptr);
}

bool Session::stays_open() const { return keep_alive_ && !aborted_ && !lost_ && body_.done() && !closing_; }

// --- heads

Session::HeadResult Session::look_for_head() {
  if (in_.empty()) return HeadResult::incomplete;
  if (!head_) head_ = std::make_unique<http::RequestHead>();
  if (!stream_.armed() && in_.skipped() > kCompact) in_.compact();
  const auto status = parser_.parse(in_.view(), *head_);
  if (status == http::Status::done) {
    if (!misdirected()) return HeadResult::complete;
    refusal_ = {421, "misdirected"};
    return HeadResult::refused;
  }
  if (status == http::Status::refused) {
    refusal_ = parser_.refusal();
    return HeadResult::refused;
  }
  if (!head_begun_) stream_.limit(listener_->header_timeout);
  head_begun_ = true;
  return HeadResult::incomplete;
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
  if (closing_ && was_idle) return HeadResult::closed;
  if (read.status != IoStatus::timed_out) return HeadResult::closed;
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
  return first_ ? listener_->header_timeout : listener_->idle_timeout;
}

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
  char* room = buffer.room();
  stream_.arm(room, buffer.room_size());
  return true;
}

Task<void> Session::refuse() {
  context_.counters.refused_requests.add();
  stream_.limit(listener_->body_timeout);
  keep_alive_ = false;
  out_.clear();
  http::write_reply(refusal_.status, refusal_.reason, explanation(refusal_), false, false,
                    context_.date.now(), out_);
  const auto status = co_await stream_.write(out_.view());
  if (status == IoStatus::ok) co_await linger();
}

// Says goodbye so that the answer arrives: closing with unread bytes would reset the connection and may take
// the answer with it.
Task<void> Session::linger() {
  stream_.shutdown_send();
  stream_.limit(kLinger);
  std::size_t drained = 0;
  Buffer rest;
  while (drained < kLingerBytes) {
    if (!stream_.armed()) {
      rest.clear();
      char* room = rest.room();
      stream_.arm(room, rest.room_size());
    }
    const auto read = co_await stream_.read();
    if (read.status != IoStatus::ok) break;
    drained += read.size;
  }
}

// --- one message

void Session::begin_message() {
  const http::RequestHead& head = *head_;
  first_ = head_begun_ = false;
  body_at_ = head.size;
  body_.start(head.framing, head.content_length);
  answered_ = aborted_ = false;
  framing_ = http::Framing::none;
  keep_alive_ = head.keep_alive;
  if (listener_->max_requests > 0 && ++requests_ >= listener_->max_requests) keep_alive_ = false;
  body_limit_ = listener_->max_body;
  body_waited_ = 0ms;
  status_ = 0;
  bytes_in_ = bytes_out_ = 0;
  if (trusted_) {
    const Ip client = http::forwarded_client(head.fields, caller_.source.ip, listener_->trusted_proxies);
    client_address_ = format_ip(client, client_address_text_);
  }
  std::string_view body;
  if (whole_body(body) && !body.empty()) {
    body_at_ += body_.next(body).consumed;
    bytes_in_ = body.size();
  }
  stream_.no_limit();
}

void Session::end_message() {
  if (body_in_use_) {
    in_.clear();
    in_.swap(body_in_);  // holds what came behind the body, and perhaps an outstanding read
    body_in_.release();
    body_in_use_ = false;
  } else {
    in_.skip(body_at_);
  }
  parser_.reset();
}

Ends Session::ends() const {
  if (caller_.destination) return {caller_.source, *caller_.destination};
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(stream_.fd(), reinterpret_cast<sockaddr*>(&own), &size);
  return {caller_.source, ip_port_of(own)};
}

bool Session::secure() const {
  if (trusted_)
    if (const auto proto = http::forwarded_proto(head_->fields); !proto.empty()) return proto == "https";
  return stream_.tls() != nullptr;
}

bool Session::whole_body(std::string_view& body) const {
  body = {};
  if (head_->framing == http::Framing::none) return true;
  if (head_->framing != http::Framing::length) return false;
  const std::string_view came = in_.view().substr(head_->size);
  if (came.size() < head_->content_length) return false;
  body = came.substr(0, head_->content_length);
  return true;
}

bool Session::limit_body(std::uint64_t bytes) {
  if (bytes > 0 && (body_limit_ == 0 || bytes < body_limit_)) body_limit_ = bytes;
  return body_limit_ == 0 || head_->framing != http::Framing::length || head_->content_length <= body_limit_;
}

// How long the body's next piece may take: body_timeout, unless what has come is less than min_body_rate's
// worth of the time that was spent waiting for it. A byte now and then holds no connection.
std::chrono::milliseconds Session::body_patience() const {
  if (listener_->min_body_rate == 0) return listener_->body_timeout;
  const auto earned = std::chrono::milliseconds(bytes_in_ * 1000 / listener_->min_body_rate);
  const auto left = listener_->body_timeout + earned - body_waited_;
  return std::clamp<std::chrono::milliseconds>(left, 0ms, listener_->body_timeout);
}

Task<BodyPiece> Session::read_body() {
  for (;;) {
    const std::string_view unread = body_in_use_ ? body_in_.view() : in_.view().substr(body_at_);
    if (body_.done()) co_return BodyPiece{BodyPiece::Kind::done, {}};
    const auto step = body_.next(unread);
    if (body_in_use_) {
      body_in_.skip(step.consumed);  // the bytes stay where they are until the next read
    } else {
      body_at_ += step.consumed;
    }
    switch (step.kind) {
      case http::BodyStep::Kind::data:
        bytes_in_ += step.data.size();
        if (body_limit_ > 0 && bytes_in_ > body_limit_) co_return BodyPiece{BodyPiece::Kind::too_large, {}};
        co_return BodyPiece{BodyPiece::Kind::data, step.data};
      case http::BodyStep::Kind::done:
        co_return BodyPiece{BodyPiece::Kind::done, {}};
      case http::BodyStep::Kind::refused:
        co_return BodyPiece{BodyPiece::Kind::malformed, {}};
      case http::BodyStep::Kind::more:
        break;
    }
    if (!stream_.armed()) {  // a read that is outstanding since the last request goes to where that one was
      body_in_use_ = true;
      body_in_.clear();
      char* room = body_in_.room();
      stream_.arm(room, body_in_.room_size());
    }
    const auto patience = body_patience();
    if (patience == 0ms) co_return BodyPiece{BodyPiece::Kind::too_slow, {}};
    stream_.limit(patience);
    const auto asked = net::Clock::now();
    const auto read = co_await stream_.read();
    body_waited_ += std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - asked);
    end_wait();
    if (read.status == IoStatus::timed_out) co_return BodyPiece{BodyPiece::Kind::too_slow, {}};
    if (read.status == IoStatus::canceled) co_return BodyPiece{BodyPiece::Kind::canceled, {}};
    if (read.status != IoStatus::ok) {
      lost_ = true;
      co_return BodyPiece{BodyPiece::Kind::gone, {}};
    }
    tail().commit(read.size);
  }
}

// The body's reading and the answer's writing share the stream's limit: the one that ends leaves the other
// limited.
void Session::end_wait() {
  if (stream_.awaited()) {
    stream_.limit(listener_->body_timeout);
  } else {
    stream_.no_limit();
  }
}

// --- the watch: the read for the next request is outstanding while this one is answered

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

// --- the answer

void Session::interim(const http::ResponseHead& answer) {
  if (head_->version == http::Version::http10) return;  // RFC 9110 15.2
  http::write_interim(answer, out_);
  if (answer.status == 101) {
    answered_ = true;
    status_ = 101;
    keep_alive_ = false;
  }
}

void Session::begin(const http::ResponseHead& answer, std::string_view extra) {
  answered_ = true;
  status_ = answer.status;
  framing_ = http::response_framing(answer, head_->version, head_->is_head);
  if (context_.shutting_down || framing_ == http::Framing::until_close) keep_alive_ = false;
  if (!body_.done() && answer.status >= 400)
    keep_alive_ = false;  // an early refusal: the rest of the body is not waited for
  http::ResponseContext context;
  context.client_version = head_->version;
  context.keep_alive = keep_alive_;
  context.head_request = head_->is_head;
  context.framing_to_client = framing_;
  context.extra = extra;
  context.date = context_.date.now();
  http::write_response(answer, context, out_);
}

bool Session::write(std::string_view piece, bool last, std::string_view trailers) {
  bytes_out_ += piece.size();
  std::string_view ending;
  if (framing_ == http::Framing::chunked) {
    if (!piece.empty()) {
      out_.append({chunk_head_, http::encode_chunk_head(chunk_head_, piece.size())});
      ending = last ? "\r\n0\r\n" : "\r\n";
    } else if (last) {
      ending = "0\r\n";
    }
  } else {
    trailers = {};
  }
  const bool chunked_end = framing_ == http::Framing::chunked && last;
  std::size_t count = 0;
  const auto add = [this, &count](std::string_view bytes) {
    if (!bytes.empty()) pieces_[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  };
  if (piece.size() <= kCopied) {
    out_.append(piece);
    out_.append(ending);
    if (chunked_end) {
      out_.append(trailers);
      out_.append("\r\n");
    }
    add(out_.view());
  } else {
    add(out_.view());
    add(piece);
    if (chunked_end && !trailers.empty()) {
      body_ending_.assign(ending).append(trailers).append("\r\n");
      add(body_ending_);
    } else {
      add(chunked_end ? std::string_view("\r\n0\r\n\r\n") : ending);
    }
  }
  unsent_ = {pieces_, count};
  if (last && piece.size() <= kCopied) {  // all of it is ours: it goes with the other answers of this round
    ending_unsent_ = count > 0;
    return true;
  }
  if (stream_.send_now(unsent_) != IoStatus::ok) {
    lost_ = true;
    return false;
  }
  if (!unsent_.empty()) return false;
  out_.clear();
  return true;
}

void Session::after_ending(IoStatus status) {
  ending_unsent_ = false;
  unsent_ = {};
  out_.clear();
  if (status != IoStatus::ok) lost_ = true;
}

Task<IoStatus> Session::flush() {
  if (lost_) co_return IoStatus::reset;
  if (!unsent_.empty()) {
    stream_.limit(listener_->body_timeout);
    const auto status = co_await stream_.write(unsent_);
    end_wait();
    unsent_ = {};
    out_.clear();
    if (status != IoStatus::ok) {
      lost_ = true;
      co_return status;
    }
  }
  co_return IoStatus::ok;
}

Task<IoStatus> Session::reply(int status, std::string_view reason, std::string_view text, int retry_after) {
  answered_ = true;
  status_ = status;
  if (context_.shutting_down || !body_.done()) keep_alive_ = false;
  if (retry_after == 0 && status == 503) retry_after = 1;
  http::write_reply(status, reason, text, keep_alive_, head_->is_head, context_.date.now(), out_, retry_after,
                    head_->version);
  framing_ = http::Framing::none;
  bytes_out_ = head_->is_head ? 0 : text.size();
  pieces_[0] = {const_cast<char*>(out_.data()), out_.size()};
  unsent_ = {pieces_, 1};
  return flush();
}

void Session::abort() { aborted_ = true; }

Task<IoStatus> Session::read_raw(std::string_view& bytes, std::chrono::milliseconds idle) {
  stream_.observe(nullptr);
  for (;;) {
    if (!body_in_use_) {
      bytes = in_.view().substr(body_at_);
      body_at_ = in_.size();
      if (!bytes.empty()) co_return IoStatus::ok;
      if (!stream_.armed()) body_in_use_ = true;
    }
    if (!stream_.armed()) {
      body_in_.clear();
      char* room = body_in_.room();
      stream_.arm(room, body_in_.room_size());
    }
    stream_.limit(idle);
    const auto read = co_await stream_.read();
    if (read.status != IoStatus::ok) co_return read.status;
    tail().commit(read.size);
    if (!body_in_use_) continue;
    bytes = body_in_.view();
    co_return IoStatus::ok;
  }
}

Task<IoStatus> Session::write_raw(std::string_view bytes, std::chrono::milliseconds idle) {
  stream_.limit(idle);
  co_return co_await stream_.write(bytes);
}

void Session::end_when_idle() {
  closing_ = true;
  if (idle_ && !stream_.read_ready()) stream_.cancel();  // a request that has just come is answered
}

void Session::cut() {
  closing_ = aborted_ = lost_ = true;
  stream_.cancel();
  if (exchange_) exchange_->end();
}

}  // namespace sluice::session
