#include "control/io/answer_reader.hpp"

namespace sluice::io {

void AnswerReader::take(std::string_view bytes, bool end) {
  if (failed() || complete_) return;
  in_.append(bytes);
  if (!has_head()) read_heads();
  if (has_head() && !failed()) read_body();
  if (!end || failed() || complete_) return;
  if (has_head() && reader_.ends_at_eof())
    complete_ = true;
  else
    problem_ = has_head() || !in_.empty() || interims_ > 0 ? "the answer broke off"
                                                           : "the connection was closed without an answer";
}

// Interim answers (RFC 9110 15.2) and the one that they announce.
void AnswerReader::read_heads() {
  while (!has_head() && !failed()) {
    const auto status = parser_.parse(in_, head_, asked_head_);
    if (status == http1::Status::more) return;
    if (status == http1::Status::refused) {
      problem_ = "the answer is not HTTP/1.1: " + what_it_is_instead();
      return;
    }
    take_head();
  }
}

void AnswerReader::take_head() {
  if (head_.status == 101) {
    problem_ = "status 101: the protocol was switched, though nothing had asked for it";
    return;
  }
  if (head_.status < 200 && ++interims_ > kMostInterims) {
    problem_ = "more than " + std::to_string(kMostInterims) + " interim answers (1xx)";
    return;
  }
  if (head_.status >= 200) {
    status_ = head_.status;
    reader_.start(head_.framing, head_.content_length);
    if (const auto* to = status_ / 100 == 3 ? head_.fields.find("location") : nullptr) location_ = to->value;
    for (const auto& name : wanted_)
      if (const auto* field = head_.fields.find(name)) fields_.emplace(name, field->value);
  }
  in_.erase(0, head_.size);
  parser_.reset();
}

void AnswerReader::read_body() {
  std::size_t used = 0;
  while (!(complete_ = reader_.done())) {
    const auto step = reader_.next(std::string_view(in_).substr(used));
    keep(step.data);
    used += step.consumed;
    if (step.kind == http1::BodyStep::Kind::refused) problem_ = "the answer's body is malformed";
    if (step.kind == http1::BodyStep::Kind::refused || step.kind == http1::BodyStep::Kind::more) break;
  }
  in_.erase(0, used);
}

void AnswerReader::keep(std::string_view piece) {
  const auto room = most_body_ - body_.size();
  if (piece.size() > room) truncated_ = true;
  body_.append(piece.substr(0, room));
}

// What speaks there, as far as its first bytes show it; else what the parser says.
std::string AnswerReader::what_it_is_instead() const {
  if (in_.size() > 1 && (in_[0] == '\x15' || in_[0] == '\x16') && in_[1] == '\x03') return "it is TLS";
  if (in_.starts_with(std::string_view("\0\0", 2))) return "it may be HTTP/2";
  if (in_.starts_with("SSH-")) return "it is SSH";
  const auto refusal = parser_.refusal();
  const std::string reason = refusal.reason ? refusal.reason : "malformed";
  if (reason == "malformed") {
    const bool has_line = in_.starts_with("HTTP/1.");
    return has_line ? "its head is malformed" : "it does not begin with a status line";
  }
  return "its " + reason + " are too large";
}

}  // namespace sluice::io
