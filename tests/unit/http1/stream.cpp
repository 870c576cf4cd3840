#include "tests/unit/http1/stream.hpp"

#include <algorithm>

#include "proxy/http1/body.hpp"
#include "proxy/http1/parser.hpp"
#include "tests/unit/http1/lines.hpp"

namespace sluice::http1::testing {
namespace {

void describe(const http::Fields& fields, std::string& content) {
  for (const http::Field& field : fields)
    content.append(field.name).append("=").append(field.value).append("\n");
}

// Heads and bodies in turn; Parser is the one thing in which the directions differ.
template <class Parser>
class StreamReader {
 public:
  explicit StreamReader(Parser parser) : parser_(std::move(parser)) {}

  Reading read(std::string_view bytes, const Cut& cut) {
    for (std::size_t at = 0; at < bytes.size() && !refused();) {
      const auto size = std::min(cut(at), bytes.size() - at);
      pending_.insert(pending_.end(), bytes.begin() + at, bytes.begin() + at + size);
      at += size;
      while (!refused() && advance()) {
      }
    }
    if (!refused())
      reading_.outcome = pending_.empty() && !in_body_ ? Outcome::complete : Outcome::incomplete;
    return reading_;
  }
  bool ends_at_eof() const { return in_body_ && body_.ends_at_eof(); }

 private:
  bool refused() const { return reading_.outcome == Outcome::refused; }

  // False when more bytes are needed. An exact copy each time, so that a sanitizer sees a read past the end.
  bool advance() {
    const std::vector<char> exact(pending_.begin(), pending_.end());
    const std::string_view data(exact.data(), exact.size());
    return in_body_ ? read_body(data) : read_head(data);
  }

  bool read_head(std::string_view data) {
    if (data.empty()) return false;
    switch (parser_.parse(data)) {
      case Status::more:
        return false;
      case Status::refused:
        return refuse(parser_.refusal());
      case Status::done:
        break;
    }
    parser_.describe(reading_.content);
    body_.start(parser_.framing(), parser_.length());
    in_body_ = true;
    consume(parser_.size());
    parser_.reset();
    return end_body();
  }

  bool read_body(std::string_view data) {
    const auto step = body_.next(data);
    reading_.content.append(step.data);
    consume(step.consumed);
    if (step.kind == BodyStep::Kind::refused) return refuse(body_.refusal());
    return end_body() && step.kind != BodyStep::Kind::more;
  }

  bool end_body() {
    if (!body_.done()) return true;
    reading_.content.append("\n").append(lines(body_.trailers())).append("--\n");
    in_body_ = false;
    if (parser_.counts()) ++reading_.messages;
    return true;
  }

  bool refuse(Refusal why) {
    reading_.outcome = Outcome::refused;
    reading_.status = why.status;
    return false;
  }

  void consume(std::size_t n) { pending_.erase(pending_.begin(), pending_.begin() + n); }

  Parser parser_;
  BodyReader body_;
  bool in_body_ = false;
  std::vector<char> pending_;
  Reading reading_;
};

struct Requests {
  RequestParser parser{};
  RequestHead head{};

  Status parse(std::string_view data) { return parser.parse(data, head); }
  Refusal refusal() const { return parser.refusal(); }
  void reset() { parser.reset(); }
  Framing framing() const { return head.framing; }
  std::uint64_t length() const { return head.content_length; }
  std::size_t size() const { return head.size; }
  bool counts() const { return true; }
  void describe(std::string& content) const {
    content.append(head.method).append(" ").append(head.target).append(" ").append(head.host).append("\n");
    testing::describe(head.fields, content);
  }
};

struct Responses {
  bool request_was_head;
  ResponseParser parser{};
  ResponseHead head{};

  Status parse(std::string_view data) { return parser.parse(data, head, request_was_head); }
  Refusal refusal() const { return parser.refusal(); }
  void reset() { parser.reset(); }
  Framing framing() const { return head.framing; }
  std::uint64_t length() const { return head.content_length; }
  std::size_t size() const { return head.size; }
  bool counts() const { return head.status >= 200; }
  void describe(std::string& content) const {
    content.append(std::to_string(head.status)).append(" ").append(head.reason).append("\n");
    testing::describe(head.fields, content);
  }
};

}  // namespace

Reading read_requests(std::string_view bytes, const Cut& cut) {
  return StreamReader(Requests{}).read(bytes, cut);
}

Reading read_responses(std::string_view bytes, bool request_was_head, bool then_eof, const Cut& cut) {
  StreamReader reader(Responses{request_was_head});
  Reading reading = reader.read(bytes, cut);
  if (then_eof && reading.outcome == Outcome::incomplete) {
    reading.outcome = reader.ends_at_eof() ? Outcome::complete : Outcome::refused;
    if (reading.outcome == Outcome::complete) ++reading.messages;
  }
  return reading;
}

}  // namespace sluice::http1::testing
