#include "control/io/background.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::io {

namespace {

boost::asio::awaitable<void> run(std::shared_ptr<void> owner, boost::asio::awaitable<void> work) {
  co_await std::move(work);
  owner.reset();
}

}  // namespace

void Background::spawn(boost::asio::awaitable<void> work) {
  boost::asio::co_spawn(loop_, run(owner_.lock(), std::move(work)), boost::asio::detached);
}

}  // namespace sluice::io
