// Work that goes on by itself on the loop, after whoever began it has gone on. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>

namespace sluice::io {

class Background {
 public:
  explicit Background(boost::asio::any_io_executor loop) : loop_(std::move(loop)) {}

  // What the work uses: every spawned coroutine keeps it alive until it ends. To be called before spawn().
  void keep_alive(std::weak_ptr<void> owner) { owner_ = std::move(owner); }
  void spawn(boost::asio::awaitable<void> work);

 private:
  boost::asio::any_io_executor loop_;
  std::weak_ptr<void> owner_;
};

}  // namespace sluice::io
