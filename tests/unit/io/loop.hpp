// A loop for tests of coroutines: it runs until something is so, or a deadline.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>

namespace sluice::io {

struct Loop {
  boost::asio::io_context io{1};

  bool run_until(const std::function<bool()>& so,
                 std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!so()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  // The coroutine's result; fails the test when it does not end.
  template <class T>
  T run(boost::asio::awaitable<T> coroutine) {
    std::optional<T> result;
    boost::asio::co_spawn(io, std::move(coroutine), [&result](std::exception_ptr failure, T value) {
      if (failure) std::rethrow_exception(failure);
      result.emplace(std::move(value));
    });
    EXPECT_TRUE(run_until([&result] { return result.has_value(); })) << "the coroutine did not end";
    return result ? std::move(*result) : T{};
  }

  // Begins it and goes on; `out` is set when it ends, and has to outlive it.
  template <class T>
  void begin(boost::asio::awaitable<T> coroutine, std::optional<T>& out) {
    boost::asio::co_spawn(io, std::move(coroutine), [&out](std::exception_ptr failure, T value) {
      if (failure) std::rethrow_exception(failure);
      out.emplace(std::move(value));
    });
  }
};

}  // namespace sluice::io
