// A backend for probes, on a port of its own: answers every request with the same bytes, or not at all.
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
#include <string>
#include <vector>

#include "proxy/route/snapshot.hpp"

namespace sluice::core {

class ProbeTarget {
 public:
  ProbeTarget(boost::asio::io_context& loop, std::string answer)
      : answer_(std::move(answer)),
        acceptor_(loop, {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()) {
    boost::asio::co_spawn(loop, accept(), boost::asio::detached);
  }

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  route::Endpoint endpoint() const {
    route::Endpoint endpoint;
    endpoint.ip = {127, 0, 0, 1};
    endpoint.port = port_;
    return endpoint;
  }
  void answer(std::string with) { answer_ = std::move(with); }
  bool close_after_answer = true;
  std::vector<std::string> requests;

 private:
  using Socket = boost::asio::ip::tcp::socket;

  boost::asio::awaitable<void> accept() {
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    while (true) {
      auto [failure, socket] = co_await acceptor_.async_accept(token);
      if (failure) co_return;
      boost::asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), boost::asio::detached);
    }
  }
  boost::asio::awaitable<void> serve(Socket socket) {
    constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    std::string request;
    auto buffer = boost::asio::dynamic_buffer(request);
    const auto [no_read, read] = co_await boost::asio::async_read_until(socket, buffer, "\r\n\r\n", token);
    if (no_read) co_return;
    requests.push_back(request);
    const std::string answer = answer_;
    const auto to_write = boost::asio::buffer(answer);
    co_await boost::asio::async_write(socket, to_write, token);
    if (close_after_answer && !answer.empty()) co_return;
    char more[64];  // until the other side closes
    const auto room = boost::asio::buffer(more);
    while (true) {
      const auto [gone, n] = co_await socket.async_read_some(room, token);
      if (gone) co_return;
    }
  }

  std::string answer_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
};

}  // namespace sluice::core
