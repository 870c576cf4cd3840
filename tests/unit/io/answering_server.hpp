// A server on a port of its own: answers every request with the same bytes, or not at all.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <vector>

#include "control/io/connection.hpp"

namespace sluice::io {

class AnsweringServer {
 public:
  AnsweringServer(boost::asio::io_context& loop, std::string with)
      : inner_(std::make_shared<Inner>(loop, std::move(with))) {
    boost::asio::co_spawn(loop, accept(inner_), boost::asio::detached);
  }
  ~AnsweringServer() { inner_->acceptor.close(); }

  std::uint16_t port() const { return inner_->port; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  route::Endpoint endpoint() const {
    route::Endpoint endpoint;
    endpoint.ip = *parse_ip("127.0.0.1");
    endpoint.port = port();
    return endpoint;
  }
  Destination destination() const {
    Destination to;
    to.address = address();
    to.endpoints.push_back(endpoint());
    return to;
  }
  void answer(std::string with) { inner_->answer = std::move(with); }
  void keep_open() { inner_->close_after_answer = false; }
  // Answers that were written to their last byte.
  int sent_whole() const { return inner_->sent_whole; }
  const std::vector<std::string>& requests() const { return inner_->requests; }

 private:
  using Socket = boost::asio::ip::tcp::socket;

  // Shared with the coroutines, which end a turn of the loop later than the target.
  struct Inner {
    Inner(boost::asio::io_context& loop, std::string with)
        : answer(std::move(with)),
          acceptor(loop, {boost::asio::ip::address_v4::loopback(), 0}),
          port(acceptor.local_endpoint().port()) {}
    std::string answer;
    boost::asio::ip::tcp::acceptor acceptor;
    std::uint16_t port;
    bool close_after_answer = true;
    std::vector<std::string> requests;
    int sent_whole = 0;
  };

  static boost::asio::awaitable<void> accept(std::shared_ptr<Inner> inner) {
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    while (true) {
      auto [failure, socket] = co_await inner->acceptor.async_accept(token);
      if (failure) co_return;
      boost::asio::co_spawn(inner->acceptor.get_executor(), serve(inner, std::move(socket)),
                            boost::asio::detached);
    }
  }
  static boost::asio::awaitable<void> serve(std::shared_ptr<Inner> inner, Socket socket) {
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    std::string request;
    auto buffer = boost::asio::dynamic_buffer(request);
    const auto [no_read, read] = co_await boost::asio::async_read_until(socket, buffer, "\r\n\r\n", token);
    if (no_read) co_return;
    inner->requests.push_back(request);
    const std::string answer = inner->answer;
    const auto to_write = boost::asio::buffer(answer);
    const auto [no_write, written] = co_await boost::asio::async_write(socket, to_write, token);
    if (!no_write) ++inner->sent_whole;
    if (inner->close_after_answer && !answer.empty()) co_return;
    char more[64];  // until the other side closes
    const auto room = boost::asio::buffer(more);
    while (true) {
      const auto [gone, n] = co_await socket.async_read_some(room, token);
      if (gone) co_return;
    }
  }

  std::shared_ptr<Inner> inner_;
};

}  // namespace sluice::io
