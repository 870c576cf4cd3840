// Sends the workers' spans to the collector of the configuration, a batch after the other. One that does not
// take them costs them, a count and a line of the log when it begins and when it is over. Control thread
// only.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "control/io/background.hpp"
#include "control/io/notifier.hpp"
#include "control/io/resolver.hpp"
#include "control/tracing/answer.hpp"
#include "control/tracing/batcher.hpp"
#include "control/tracing/otlp.hpp"

namespace sluice::tracing {

// Of spans, by what became of them.
struct Results {
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;   // the collector did not take them
  std::uint64_t dropped = 0;  // a worker's ring was full
};

class Exporter {
 public:
  // All of them outlive it.
  struct Surroundings {
    boost::asio::any_io_executor loop;
    io::Resolver& resolver;
    io::Background& background;
    observe::Spans* spans;  // null: there are never any
  };
  Exporter(Surroundings around, std::string version);
  ~Exporter();

  // Where spans go from now on. What was traced until tracing goes off is still sent.
  void adopt(const config::TracingSpec& spec);
  bool on() const { return batcher_ != nullptr; }
  Results results() const;

  // The end: what is there is tried once, for at most `limit`. Requires: no worker writes spans any more.
  boost::asio::awaitable<void> finish(std::chrono::milliseconds limit);
  void stop();

 private:
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<void> send(Batch batch);
  boost::asio::awaitable<io::HttpAnswer> post(std::string body);
  boost::asio::awaitable<void> wait(std::chrono::seconds time);
  std::chrono::milliseconds limit() const;
  bool may_wait(std::chrono::seconds wait) const;
  void take(Batch batch);
  void note(const std::string& why);

  const Surroundings around_;
  Resource resource_;
  config::TracingSpec spec_;             // the last one that was on
  std::atomic<std::size_t> waiting_{0};  // batches that were made and not sent yet
  std::unique_ptr<Batcher> batcher_;     // while tracing is on
  std::deque<Batch> batches_;
  io::Notifier wakeup_;                         // a batch came, or the end
  io::Notifier sent_;                           // one is done with
  std::optional<io::Clock::time_point> until_;  // the deadline of finish()
  bool running_ = false, stopped_ = false, failing_ = false;
  Results results_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice::tracing
