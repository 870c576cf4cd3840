// Sends what one target is to be told: asks its outbox what is due, posts it, and tells the outbox what
// became of it. Control thread only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "control/io/notifier.hpp"
#include "control/io/resolver.hpp"
#include "control/notify/answer.hpp"
#include "control/notify/outbox.hpp"

namespace sluice::notify {

// What became of messages. Outlives the couriers.
class NoticeLog {
 public:
  virtual ~NoticeLog() = default;
  // The end of a message: delivered, or given up.
  virtual void ended(const std::string& target, const Message& message, const Attempt& attempt) = 0;
  // The target began to fail, or takes messages again.
  virtual void failing(const std::string& target, const Attempt& attempt) = 0;
  virtual void recovered(const std::string& target) = 0;
};

class Courier {
 public:
  // All of them outlive it.
  struct Surroundings {
    boost::asio::any_io_executor loop;
    io::Resolver& resolver;
    NoticeLog& log;
    std::string host;  // this machine's name
  };

  Courier(Surroundings around, config::NotifySpec spec);

  // Until stop().
  static boost::asio::awaitable<void> run(std::shared_ptr<Courier> self);
  // What waits is given up, and each message told to the log with `why`.
  void stop(const std::string& why);
  // What waits goes on under the new configuration. Requires: the same name.
  void adopt(config::NotifySpec spec);
  void tell(Notice notice);
  // What waits is tried once more, at once and until the first that fails; no try lasts beyond the deadline.
  void hurry(Clock::time_point deadline);
  // Returns when that is over. Requires: hurry(); and that this lives as long.
  boost::asio::awaitable<void> hurried() const;
  // A test at once, past the queue and the limit; when it is taken, so is what waits. Requires: this lives as
  // long.
  boost::asio::awaitable<Attempt> test(std::int64_t time);  // Unix milliseconds

  const config::NotifySpec& spec() const { return spec_; }
  const Outbox& outbox() const { return outbox_; }
  // Why the last try failed, and since when they do; empty when it did not.
  const std::string& trouble() const { return trouble_; }
  std::int64_t trouble_since() const { return trouble_since_; }  // Unix milliseconds

 private:
  boost::asio::awaitable<Attempt> post(Message message);
  boost::asio::awaitable<Attempt> ask(config::NotifySpec spec, std::string body);
  std::chrono::milliseconds limit() const;
  void take(const Message& message, const Attempt& attempt);
  void note(const Attempt& attempt);

  const Surroundings around_;
  config::NotifySpec spec_;
  Outbox outbox_;
  io::Notifier wakeup_;                     // there may be something to send
  mutable io::Notifier tried_;              // a try has ended
  std::optional<Clock::time_point> until_;  // the deadline of hurry()
  bool sending_ = false, stopped_ = false;
  std::string trouble_;
  std::int64_t trouble_since_ = 0;
};

}  // namespace sluice::notify
