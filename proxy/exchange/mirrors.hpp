// M1: copies of requests, sent beside them to another pool; what it answers is read and thrown away. A copy
// has connections of its own and never makes its request wait: it is sent after it, in a later round of the
// loop; so many are under way at a time, so many wait, and what comes beyond is dropped and counted. Worker
// only.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "proxy/base/task.hpp"
#include "proxy/exchange/concurrency.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http1/body.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/route/balance.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::exchange {

class Mirrors : private net::Poller::Entry {
 public:
  static constexpr std::size_t kActive = 32;          // of a worker, under way at once
  static constexpr std::size_t kWaiting = 128;        // behind them
  static constexpr std::size_t kLongestBody = 16384;  // of a request that is copied
  static constexpr std::chrono::seconds kLongest{
      30};  // that a copy takes, or timeouts.response if that is less

  // `offer` is Context::offer, and outlives this.
  Mirrors(net::Poller& poller, net::TimerWheel& wheel, std::size_t worker,
          const std::function<void(QueueKey key)>& offer);
  ~Mirrors();

  // One request's copy: its bytes as they are to be sent are put into `request`, then it is sent or
  // discarded.
  class Copy : private upstream::Activity, private net::Deadline {
   public:
    explicit Copy(Mirrors& mirrors);
    // The head as it goes on, but for what logs its connection in (R4), and marked as a copy's.
    void store(const http::RequestHead& head, const http::ForwardContext& forward);
    // A piece of the body. The last one may be followed by send().
    void append(std::string_view piece) { request_.append(piece); }

   private:
    friend class Mirrors;
    enum class End : std::uint8_t { none, cut, timed_out, let_go };
    void end(End how);
    bool ended() const { return end_ != End::none; }
    // Activity: a drain's deadline ends it as it ends a request (D3)
    bool is_tunnel() const override { return false; }
    net::Clock::time_point began() const override { return began_; }
    std::string_view path() const override { return "(mirrored)"; }
    std::string_view client() const override { return {}; }
    void cut() override { end(End::cut); }
    void end_within(std::chrono::milliseconds) override { cut(); }
    void expired() override { end(End::timed_out); }

    Buffer request_;
    upstream::WorkerSnapshotPtr view_;  // keeps the two below
    const upstream::WorkerService* service_ = nullptr;
    const upstream::WorkerPool* pool_ = nullptr;
    bool is_head_ = false;
    net::Clock::time_point began_{};
    upstream::Claim claim_;
    upstream::Backend* own_ = nullptr;  // whose connections are the copies'
    std::unique_ptr<upstream::Connection> conn_;
    http1::ResponseHead answer_;
    http1::BodyReader body_;
    std::size_t read_ = 0;
    End end_ = End::none;  // asked for: `cut` and `timed_out` are its failure, `let_go` is nobody's
  };

  // Room for a copy that goes to service.pools[pool]; null, and counted, when there is none.
  Copy* make(const upstream::WorkerSnapshotPtr& view, const upstream::WorkerService& service,
             std::size_t pool);
  void send(Copy* copy);
  void discard(Copy* copy);  // one that was made and not sent

  // Copies of mirrors that are off or changed, or to backends that left, are let go: they hold no place of
  // the next ones. Connections to backends that `view` does not name or that take no requests are closed
  // (D1).
  void adopt(const upstream::WorkerSnapshot& view);
  // All copies are let go, connections are closed; for the worker's end.
  void end();
  std::size_t active() const { return active_.size(); }

 private:
  enum class Outcome : std::uint8_t { answered, failed, stale, dropped };

  void on_events(std::uint32_t) override {}
  void on_deferred() override { start_some(); }
  void start_some();
  static bool is_wanted(const Copy& copy, const upstream::WorkerSnapshot& view);
  void drop(Copy* copy);
  void drop_waiting();
  Task<void> run(Copy* copy);
  Task<Outcome> attempt(Copy& copy, const route::Backend& to, bool fresh);
  Task<bool> connect(Copy& copy, const route::Backend& to);
  Task<Outcome> receive(Copy& copy);
  // The answer's bytes at hand: read on, or how it ended.
  enum class Step : std::uint8_t { read, done, failed };
  Step take_in(Copy& copy, bool& head_read);
  const route::Backend* claim(Copy& copy, bool& full);
  upstream::Backend& own(const route::Backend& backend);
  void recycle(Copy* copy);
  observe::ServiceCounters& counters(const Copy& copy) const;
  // For a rollout that is judged by copies: as an attempt of a user's request would count (G4).
  void count_evidence(const Copy& copy, Outcome outcome) const;

  net::Poller& poller_;
  net::TimerWheel& wheel_;
  const std::size_t worker_;
  const std::function<void(QueueKey key)>& offer_;
  route::RoundRobinState round_robin_;  // not the users': their order is not disturbed
  std::unordered_map<std::uint32_t, std::unique_ptr<upstream::Backend>> own_;  // by id
  std::vector<std::unique_ptr<Copy>> made_;                                    // all there are
  std::vector<Copy*> free_, active_;
  std::deque<Copy*> waiting_;
  std::size_t open_ = 0;  // made and neither sent nor discarded
  bool ended_ = false;
};

}  // namespace sluice::exchange
