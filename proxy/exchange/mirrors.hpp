// M1: copies of requests, sent beside them to another pool; what it answers is
// read and thrown away. A copy has connections of its own and never makes its
// request wait: it is sent after it, in a later round of the loop. So many
// copies are under way at a time, so many wait, and any beyond these are
// dropped and counted. Worker only.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "proxy/base/task.hpp"
#include "proxy/exchange/concurrency.hpp"
#include "proxy/exchange/span_parts.hpp"
#include "proxy/http/stored_request.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/upstream/request.hpp"
#include "proxy/upstream/selector.hpp"
#include "proxy/upstream/worker_snapshot.hpp"

namespace sluice::exchange {

class Mirrors : private net::Poller::Entry {
 public:
  static constexpr std::size_t kActive = 32;          // of a worker, under way at once
  static constexpr std::size_t kWaiting = 128;        // behind them
  static constexpr std::size_t kLongestBody = 16384;  // of a request that is copied
  // The time that a copy gets, or timeouts.response if that is less.
  static constexpr std::chrono::seconds kLongest{30};

  // `offer_slot` is Context::offer_slot. All that is passed outlives this.
  Mirrors(net::Poller& poller, net::TimerWheel& wheel, std::size_t worker, upstream::Connector& connector,
          const std::function<void(QueueKey key)>& offer_slot);
  ~Mirrors();

  // One request's copy: it is made, the request is stored in it, then it is
  // sent or discarded.
  class Copy : private upstream::Activity, private net::Deadline {
   public:
    Copy(net::TimerWheel& wheel, upstream::WorkerSnapshotPtr view, const upstream::WorkerService& service,
         std::size_t pool)
        : Deadline(wheel), view_(std::move(view)), service_(service), pool_(service.pools[pool]) {}
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }
    // Requires: the body is of known length, and not longer than kLongestBody.
    void store(const http::RequestHead& head, http::ForwardContext forward, const CopySpan& span = {}) {
      forward.mirror = true;
      span_ = span;
      request_.store(head, forward, head.content_length);
    }
    void append(std::string_view body) { request_.append_body(body); }

   private:
    friend class Mirrors;
    // Why the copy is to end: `aborted` and `timed_out` are its failure, `let_go`
    // is nobody's.
    enum class End : std::uint8_t { none, aborted, timed_out, let_go };
    void end(End how);
    bool ended() const { return end_ != End::none; }
    bool let_go() const { return end_ == End::let_go; }
    upstream::Target target(upstream::Backend& backend) const;
    void take_head(const http::ResponseHead& answer);
    void take_trailers(std::span<const http::Field> trailers);
    // Activity: a drain's deadline ends a copy as it ends a request (D3).
    bool is_tunnel() const override { return false; }
    net::Clock::time_point began() const override { return began_; }
    std::string_view path() const override { return "(mirrored)"; }
    std::string_view client() const override { return {}; }
    void abort() override { end(End::aborted); }
    void end_within(std::chrono::milliseconds) override { abort(); }
    bool is_leaving() const override { return ended(); }
    void expired() override { end(End::timed_out); }

    const upstream::WorkerSnapshotPtr view_;  // keeps what the next three point to
    const upstream::WorkerService& service_;
    const upstream::WorkerPool& pool_;
    const route::Backend* to_ = nullptr;  // while claimed
    http::StoredRequest request_;
    net::Clock::time_point began_{};
    upstream::Claim claim_;
    upstream::RequestPtr under_way_;
    int status_ = 0;                  // of the answer; of a gRPC call what its outcome is in HTTP
    std::optional<GrpcStatus> grpc_;  // that the answer's head says
    End end_ = End::none;
    CopySpan span_;
  };

  // Room for a copy that goes to service.pools[pool]; null, and counted, when
  // there is none.
  Copy* make(const upstream::WorkerSnapshotPtr& view, const upstream::WorkerService& service,
             std::size_t pool);
  void send(Copy* copy);
  void discard(Copy* copy) { erase(copy); }  // a copy that was made and not sent

  // Copies of mirrors that are off or changed, or to backends that left, are
  // let go: they hold no slot of the next ones. Connections to backends that
  // `view` does not name or that take no requests are closed (D1).
  void adopt(const upstream::WorkerSnapshot& view);
  // All copies are let go, connections are closed; for the worker's end.
  void end();
  std::size_t active() const { return active_; }

 private:
  enum class Outcome : std::uint8_t { answered, failed, stale, dropped };

  void on_events(std::uint32_t) override {}
  void on_deferred() override { start_some(); }
  void start_some();
  static bool is_wanted(const Copy& copy, const upstream::WorkerSnapshot& view);
  void drop(Copy* copy);
  void drop_waiting();
  Task<void> run(Copy* copy);
  upstream::Selection::Kind claim(Copy& copy);
  Task<Outcome> attempt(Copy& copy, bool fresh);
  Task<bool> take_answer(Copy& copy);
  void count(const Copy& copy, Outcome outcome) const;
  void count_evidence(const Copy& copy, Outcome outcome) const;
  static void tell(const Copy& copy, Outcome outcome);
  upstream::Backend& own(const Copy& copy);
  void erase(Copy* copy);
  observe::ServiceCounters& counters(const Copy& copy) const;

  net::Poller& poller_;
  net::TimerWheel& wheel_;
  const std::size_t worker_;
  upstream::Connector& connector_;
  const std::function<void(QueueKey key)>& offer_slot_;
  route::RoundRobinState round_robin_;  // of the copies; users' requests have their own
  // The connections of copies, by the id of the backend that they lead to.
  std::unordered_map<std::uint32_t, std::unique_ptr<upstream::Backend>> own_;
  std::vector<std::unique_ptr<Copy>> copies_;  // being made, waiting and under way
  std::deque<Copy*> waiting_;
  std::size_t active_ = 0;  // under way
  bool ended_ = false;
};

}  // namespace sluice::exchange
