#include "control/demo/backend.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <random>

#include "control/demo/http2_conversation.hpp"

namespace sluice::demo {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

constexpr auto kPatience = std::chrono::seconds(120);  // longer than the proxy keeps an idle connection

// One connection of a tiny backend.
class Conversation : public std::enable_shared_from_this<Conversation> {
 public:
  Conversation(Tcp::socket socket, AnswerTo answer_to)
      : stream_(std::move(socket)), answer_to_(std::move(answer_to)) {}

  void read() {
    request_ = {};
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, request_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    const TinyAnswer answer = answer_to_(std::string(request_.target()));
    response_ = {};
    response_.version(11);
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, "text/plain");
    response_.set("X-Version", answer.version);
    response_.keep_alive(request_.keep_alive());
    response_.body() = answer.text;
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](ErrorCode error, std::size_t) {
      if (!error && self->response_.keep_alive()) self->read();
    });
  }

  beast::tcp_stream stream_;
  const AnswerTo answer_to_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

}  // namespace

struct TinyBackend::Server {
  Server(std::string pool_, std::string name_, double fail_, bool speaks_h2_)
      : pool(std::move(pool_)),
        name(std::move(name_)),
        fail(fail_),
        speaks_h2(speaks_h2_),
        acceptor(io, {asio::ip::address_v4::loopback(), 0}) {}

  void accept() {
    acceptor.async_accept([this](ErrorCode error, Tcp::socket socket) {
      if (error) return;
      const AnswerTo answers = [this](const std::string& path) { return answer_to(path); };
      if (speaks_h2)
        converse_http2(std::move(socket), answers);
      else
        std::make_shared<Conversation>(std::move(socket), answers)->read();
      accept();
    });
  }
  TinyAnswer answer_to(const std::string& path) {
    const bool fails = path != "/health" && std::bernoulli_distribution(fail)(random);
    return {fails ? failure.load() : 200, pool,
            (fails ? "broken: " : "hello from ") + pool + " (" + name + ")\n"};
  }

  const std::string pool, name;
  std::atomic<double> fail;
  std::atomic<int> failure{500};  // the status
  const bool speaks_h2;
  std::mt19937 random{std::random_device{}()};
  asio::io_context io{1};
  Tcp::acceptor acceptor;
};

TinyBackend::TinyBackend(std::string pool, std::string name, double fail, bool speaks_h2)
    : server_(std::make_unique<Server>(std::move(pool), std::move(name), fail, speaks_h2)) {
  port_ = server_->acceptor.local_endpoint().port();
  server_->accept();
  thread_ = std::thread([server = server_.get()] { server->io.run(); });
}

TinyBackend::~TinyBackend() {
  server_->io.stop();
  thread_.join();
}

void TinyBackend::fail(double part, int status) {
  server_->failure = status;
  server_->fail = part;
}

Traffic::Traffic(std::uint16_t port, double rate) : thread_([this, port, rate] { run(port, rate); }) {}

Traffic::~Traffic() {
  stop_ = true;
  thread_.join();
}

void Traffic::run(std::uint16_t port, double rate) {
  constexpr auto kTimeout = std::chrono::seconds(5);
  asio::io_context io{1};
  std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> user(1, 1000);
  beast::tcp_stream stream(io);
  const auto interval = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(1 / rate));
  auto next = std::chrono::steady_clock::now();
  // One step of the conversation, with a time limit; false when it failed.
  const auto finish = [&io](ErrorCode& error) {
    io.restart();
    io.run();
    return !error;
  };
  while (!stop_) {
    next = std::max(next + interval, std::chrono::steady_clock::now() - std::chrono::seconds(1));
    std::this_thread::sleep_until(next);
    ErrorCode error;
    if (!stream.socket().is_open()) {
      stream.expires_after(kTimeout);
      stream.async_connect(Tcp::endpoint(asio::ip::address_v4::loopback(), port),
                           [&error](ErrorCode e) { error = e; });
      if (!finish(error)) {
        stream.close();
        continue;
      }
    }
    http::request<http::empty_body> request(http::verb::get, "/", 11);
    request.set(http::field::host, "localhost");
    request.set("X-User-Id", "user-" + std::to_string(user(random)));
    stream.expires_after(kTimeout);
    http::async_write(stream, request, [&error](ErrorCode e, std::size_t) { error = e; });
    if (finish(error)) {
      beast::flat_buffer buffer;
      http::response<http::string_body> response;
      http::async_read(stream, buffer, response, [&error](ErrorCode e, std::size_t) { error = e; });
      finish(error);
      ++answers_;
      if (error || response.result_int() >= 500) ++failures_;
      if (!response.keep_alive()) error = http::error::end_of_stream;
    }
    if (error) stream.close();
  }
}

}  // namespace sluice::demo
