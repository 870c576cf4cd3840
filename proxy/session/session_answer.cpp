// The answer's way to the client: head, framed pieces, end; the proxy's own answers; a tunnel's bytes.
#include "proxy/http1/response_writer.hpp"
#include "proxy/session/session.hpp"

namespace sluice::session {

using net::IoStatus;

namespace {
// A piece this small is copied behind its head: one send instead of a gather.
constexpr std::size_t kCopied = 4096;
}  // namespace

void Session::interim(const http1::ResponseHead& answer) {
  if (head_->version == http1::Version::http10) return;  // RFC 9110 15.2
  http1::write_interim(answer, out_);
  if (answer.status == 101) {
    answered_ = true;
    status_ = 101;
    keep_alive_ = false;
  }
}

void Session::begin(const http1::ResponseHead& answer, std::span<const http::Field> extra) {
  answered_ = true;
  status_ = answer.status;
  framing_ = http1::response_framing(answer, head_->version, head_->is_head);
  if (context_.shutting_down || framing_ == http1::Framing::until_close) keep_alive_ = false;
  if (!body_.done() && answer.status >= 400)
    keep_alive_ = false;  // an early refusal: the rest of the body is not waited for
  http1::ResponseContext context;
  context.client_version = head_->version;
  context.keep_alive = keep_alive_;
  context.head_request = head_->is_head;
  context.framing_to_client = framing_;
  context.extra = extra;
  context.date = context_.date();
  http1::write_response(answer, context, out_);
}

bool Session::write(std::string_view piece, bool last, std::span<const http::Field> trailers) {
  bytes_out_ += piece.size();
  const bool chunked = framing_ == http1::Framing::chunked;
  if (chunked && !piece.empty())
    out_.append({chunk_head_, http1::encode_chunk_head(chunk_head_, piece.size())});
  std::size_t count = 0;
  const auto add = [this, &count](std::string_view bytes) {
    if (!bytes.empty()) pieces_[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
  };
  if (piece.size() <= kCopied) {
    out_.append(piece);
    if (chunked && !piece.empty()) out_.append("\r\n");
    if (chunked && last) http1::write_last_chunk(trailers, out_);
    add(out_.view());
  } else {
    add(out_.view());
    add(piece);
    if (chunked) add(last ? "\r\n0\r\n\r\n" : "\r\n");
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

Task<IoStatus> Session::flush() {
  if (lost_) co_return IoStatus::reset;
  if (!unsent_.empty()) {
    stream_.limit(listener_->spec.body_timeout);
    const auto status = co_await stream_.write(unsent_);
    end_wait();
    after_write(status);
    co_return status;
  }
  co_return IoStatus::ok;
}

void Session::after_write(IoStatus status) {
  ending_unsent_ = false;
  unsent_ = {};
  out_.clear();
  if (status != IoStatus::ok) lost_ = true;
}

Task<IoStatus> Session::reply(int status, std::string_view reason, std::string_view text, int retry_after) {
  answered_ = true;
  status_ = status;
  if (context_.shutting_down || !body_.done()) keep_alive_ = false;
  if (retry_after == 0 && status == 503) retry_after = 1;
  http1::write_reply(status, reason, text, keep_alive_, head_->is_head, context_.date(), out_, retry_after,
                     head_->version);
  framing_ = http1::Framing::none;
  bytes_out_ = head_->is_head ? 0 : text.size();
  pieces_[0] = {const_cast<char*>(out_.data()), out_.size()};
  unsent_ = {pieces_, 1};
  return flush();
}

Task<IoStatus> Session::write_raw(std::string_view bytes, std::chrono::milliseconds idle) {
  stream_.limit(idle);
  co_return co_await stream_.write(bytes);
}

}  // namespace sluice::session
