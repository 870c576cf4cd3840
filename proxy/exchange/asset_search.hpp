// A file that the chosen pool does not have is asked of the service's other pools, one after the other, each
// once: in a shift a page of one version and the files that it names may be answered by different pools
// (config::AssetSpec). The first answer waits unread meanwhile, and is the client's if no other is better. It
// takes no part in retries, in what pools are judged by (G4), in ejection (H3) and in the breaker (G6): what
// other pools do with such a request says nothing of them. Worker only.
#pragma once

#include <memory>
#include <string_view>

#include "proxy/base/frames.hpp"
#include "proxy/exchange/context.hpp"
#include "proxy/exchange/forwarding.hpp"
#include "proxy/exchange/placement.hpp"
#include "proxy/exchange/plan.hpp"
#include "proxy/exchange/request_trace.hpp"

namespace sluice::exchange {

class AssetSearch final : private upstream::Activity {
 public:
  // All outlive it. `trace` may be null.
  AssetSearch(Context& context, const Plan& plan, client::ClientStream& client, const RequestId& id,
              User& user, RequestTrace* trace);
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // Another pool may be asked when `first` has said `status`: the service looks for such files, and nothing
  // fixes the request's pool.
  static bool is_wanted(const Plan& plan, const http::RequestHead& head, int status);

  // Returns when a pool other than `first` has a better answer, whose head has been read, or none has.
  Task<void> run(const upstream::WorkerPool& first);
  // The pool that has it; null: none.
  const upstream::WorkerPool* found() const { return found_; }
  // The request that has it goes to the exchange, and so does its place. Requires: found().
  upstream::RequestPtr hand_over(Placement& placement);
  // Nobody waits for it any more.
  void stop();

  // What has come of an answer that nobody wants is read, up to a bound and without waiting: then its
  // connection can serve again.
  static void discard(upstream::RequestPtr request);

 private:
  bool claim(const upstream::WorkerPool& pool);
  void release();
  Task<bool> ask(const upstream::WorkerPool& pool);
  Task<bool> attempt(const upstream::WorkerPool& pool, bool fresh);
  upstream::Target target_in(const route::Pool& pool);
  upstream::Request::SendAwaiter send();
  Task<bool> take_head();

  // Activity
  bool is_tunnel() const override { return false; }
  net::Clock::time_point began() const override { return began_; }
  std::string_view path() const override { return client_.head().path; }
  std::string_view client() const override { return client_.info().address; }
  void abort() override;  // the next pool is asked
  void end_within(std::chrono::milliseconds) override {}
  bool is_leaving() const override { return aborted_; }

  Context& context_;
  const Plan& plan_;
  client::ClientStream& client_;
  const RequestId& id_;
  User& user_;
  RequestTrace* const trace_;
  const net::Clock::time_point began_ = net::Clock::now();
  const upstream::WorkerPool* found_ = nullptr;
  const upstream::WorkerPool* pool_ = nullptr;  // of the claim
  std::size_t index_ = 0;                       // of the claim's backend in it
  upstream::Claim claim_;
  upstream::RequestPtr request_;
  std::unique_ptr<SocketAddresses> addresses_;  // for a backend that is told (PROXY protocol)
  bool aborted_ = false;                        // what is under way
  bool stopped_ = false;
};

}  // namespace sluice::exchange
