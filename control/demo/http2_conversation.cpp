#include "control/demo/http2_conversation.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <utility>

#include "proxy/h2/session.hpp"

namespace sluice::demo {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

namespace {

std::uint64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::string path_of(const h2::FieldBlock& block) {
  for (std::size_t i = 0; i < block.size(); ++i)
    if (block[i].name == ":path") return std::string(block[i].value);
  return {};
}

class Http2Conversation : public std::enable_shared_from_this<Http2Conversation> {
 public:
  Http2Conversation(asio::ip::tcp::socket socket, AnswerTo answer_to)
      : socket_(std::move(socket)), answer_to_(std::move(answer_to)), session_(h2::Role::server, {}) {}

  void read() {
    write();
    socket_.async_read_some(asio::buffer(in_),
                            [self = shared_from_this()](ErrorCode error, std::size_t size) {
                              if (!error) self->take({self->in_.data(), size});
                            });
  }

 private:
  void take(std::string_view bytes) {
    using Kind = h2::Event::Kind;
    for (const h2::Event& event : session_.receive(bytes, now_ms())) {
      if (event.kind == Kind::head) paths_[event.stream] = path_of(*event.block);
      if (event.kind == Kind::data) session_.consumed(event.stream, event.data.size());
      if (event.kind == Kind::reset) end(event.stream);
      if (event.last || event.kind == Kind::end || event.kind == Kind::trailers) answer(event.stream);
    }
    read();
  }

  void answer(h2::StreamId stream) {
    TinyAnswer answer = answer_to_(paths_[stream]);
    h2::FieldList fields;
    fields.field(":status", static_cast<std::uint64_t>(answer.status));
    fields.field("content-type", "text/plain");
    fields.field("x-version", answer.version);
    session_.send_head(stream, fields, false);
    std::string& text = texts_[stream] = std::move(answer.text);
    session_.send_data(stream, text, true);
  }

  void write() {
    if (writing_) return;
    session_.produce(out_, 64 * 1024);
    for (auto at = texts_.begin(); at != texts_.end();) {
      const h2::StreamId stream = (at++)->first;
      if (session_.ended(stream)) end(stream);
    }
    if (out_.empty()) return;
    writing_ = true;
    asio::async_write(socket_, asio::buffer(out_.data(), out_.size()),
                      [self = shared_from_this()](ErrorCode error, std::size_t) {
                        self->writing_ = false;
                        self->out_.clear();
                        if (!error) self->write();
                      });
  }

  void end(h2::StreamId stream) {
    session_.forget(stream);
    texts_.erase(stream);
    paths_.erase(stream);
  }

  asio::ip::tcp::socket socket_;
  const AnswerTo answer_to_;
  h2::Session session_;
  std::array<char, 16 * 1024> in_;
  Buffer out_;
  bool writing_ = false;
  std::map<h2::StreamId, std::string> paths_, texts_;
};

}  // namespace

void converse_http2(asio::ip::tcp::socket socket, AnswerTo answer_to) {
  std::make_shared<Http2Conversation>(std::move(socket), std::move(answer_to))->read();
}

}  // namespace sluice::demo
