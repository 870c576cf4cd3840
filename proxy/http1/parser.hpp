// HTTP/1 heads out of bytes: a guard that reads every byte, then the meaning of the fields. llhttp only reads
// Transfer-Encoding and lengths of many digits once more (llhttp_check.hpp). Pure; no allocation; the
// views of a head point into the caller's bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/http1/head_scanner.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

enum class Status : std::uint8_t { more, done, refused };

// One per connection; reset() between messages.
class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits = {})
      : max_target_(limits.target), scanner_(HeadKind::request, limits) {}
  // `data`: all bytes since the start of the message (more may follow the head). On done, `out` is filled and
  // out.size bytes belong to the head. On refused, refusal() says what to answer; the connection is then to
  // be closed.
  Status parse(std::string_view data, RequestHead& out);
  Refusal refusal() const { return refusal_; }
  void reset();

 private:
  std::uint32_t max_target_;
  HeadScanner scanner_;
  Refusal refusal_;
};

class ResponseParser {
 public:
  // Interim answers (1xx) are heads of their own: reset() and parse on. A refused answer is 502 for the
  // client (X3).
  Status parse(std::string_view data, ResponseHead& out, bool request_was_head);
  Refusal refusal() const { return refusal_; }
  void reset();

 private:
  HeadScanner scanner_{HeadKind::response};
  Refusal refusal_;
};

}  // namespace sluice::http1
