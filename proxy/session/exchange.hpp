// One request: THE way. Match the route, decide the pool, claim a backend, send, relay the answer, record;
// around it the retry loop. It does not know which protocol the client speaks (Downstream). Worker only. See
// proxy/exchange/LIFE_OF_A_REQUEST.md.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "proxy/base/failure.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http1/body.hpp"
#include "proxy/route/decide.hpp"
#include "proxy/session/context.hpp"
#include "proxy/session/downstream.hpp"
#include "proxy/upstream/retry.hpp"

namespace sluice::session {

class Exchange final : private upstream::Activity, private net::Deadline, private ClientWatcher {
 public:
  Exchange(Context& context, Downstream& client);
  ~Exchange() override;

  // Answers the client, one way or the other.
  Task<void> run();
  // Nobody will read an answer: what is being waited for ends soon.
  void end() { client_gone(); }

 private:
  class BackendWaiter;
  // What pump() needs next.
  enum class Pump : std::uint8_t { read, blocked, tunnel, done, failed };

  // the way, in order
  Failure route();
  Failure within_limits();
  Task<Failure> wait_out_pause();
  int preview_pool(const route::Service& service);
  void decide();
  void watch();
  bool enter();
  Task<Failure> queue();
  Task<Failure> forward();
  bool choose();
  bool claim_from(const upstream::WorkerPool& pool);
  bool claim_login(const upstream::WorkerPool& pool);
  void claim(const upstream::WorkerPool& pool, std::size_t index);
  Task<Failure> wait_for_backend();
  void release_claim();
  Failure nobody() const;
  void begin_attempt();
  Task<Failure> connect();
  void prepare_request(iovec (&pieces)[2]);
  Failure after_send(net::IoStatus status);
  Task<void> upload();
  Task<Failure> receive();
  Pump pump();
  Pump pump_head();
  Pump pump_body();
  void begin_answer();
  bool reusable() const;
  Task<void> tunnel();
  Task<void> tunnel_up();
  bool tunnel_idle(net::IoStatus status) const;
  void release_conn(bool reusable);
  std::chrono::milliseconds idle_time() const;
  Task<void> join_upload();

  // after a failed attempt
  bool again(Failure failure);
  bool next_target(upstream::RetryKind kind, bool stale);
  void remember_tried(std::uint32_t id, bool stale);
  bool forget_stale();
  Failure failure_of(net::IoStatus status) const;

  // the records
  void count_attempt(Failure failure, int status);
  void leave_guard();
  Task<void> answer(Failure failure);
  void record(std::string_view error);
  std::span<const http::Field> prepare_extra();

  // what is laid over the service
  std::string_view feature_flags();
  std::string_view user_key();
  const std::string& new_id();
  void mirror(http::ForwardContext forward, std::string_view body);
  bool is_to_be_mirrored();
  void mirror_more(std::string_view piece, bool last);

  // Activity
  bool is_tunnel() const override { return in_tunnel_; }
  net::Clock::time_point began() const override { return began_; }
  std::string_view path() const override { return client_.head().path; }
  std::string_view client() const override { return client_.client_address(); }
  void cut() override;
  void end_within(std::chrono::milliseconds wait) override { expires_after(wait); }
  // Deadline: the grace of a half-closed client, or the end of a tunnel
  void expired() override;
  // ClientWatcher
  void client_gone() override;
  void client_half_closed() override;

  observe::PoolCounters& counters_of(const upstream::WorkerPool& view) {
    observe::PoolLive& live = *view.pool->live;
    return (route::is_override(decision_.by) ? live.previews : live.per_worker)[context_.worker];
  }
  observe::PoolCounters& chosen_counters() { return counters_of(*chosen_); }
  observe::PoolCounters& target_counters() { return counters_of(*target_); }
  // A connection to this pool belongs to one client: it begins by saying who that is (PROXY protocol).
  bool speaks_for_client() const { return target_->pool->proxy_protocol != ProxyVersion::off; }
  const config::ServicePolicies& spec() const { return service_->service->spec; }

  Context& context_;
  Downstream& client_;
  const net::Clock::time_point began_;
  net::Clock::time_point routed_;     // as began_, or when a pause let it go (P1)
  upstream::WorkerSnapshotPtr view_;  // pinned: retries use it, too (C1)

  const upstream::WorkerService* service_ = nullptr;
  std::string_view strip_prefix_;
  route::Decision decision_{};
  observe::Guard::Entry guarded_ = observe::Guard::Entry::refused;  // G6: until its first answer
  const upstream::WorkerPool* chosen_ =
      nullptr;  // decided by share, key or listener: the pool that is judged
  const upstream::WorkerPool* target_ =
      nullptr;                  // the pool asked now: the chosen one, or the stable one that rescues (R2)
  std::uint64_t key_hash_ = 0;  // for balance: hash
  bool entered_ = false;        // holds a place of the service
  const upstream::WorkerPool* full_ = nullptr;  // a backend of it was passed over: it has all it may have
  int retry_after_ = 0;                         // seconds
  Admission::Waiter* waiter_ = nullptr;
  Holds::Waiter* holder_ = nullptr;
  bool watching_ = false;

  upstream::Claim claim_;
  const route::Backend* backend_ = nullptr;           // the one claimed last
  const upstream::WorkerPool* claimed_in_ = nullptr;  // its pool
  std::unique_ptr<upstream::Connection> conn_;
  Buffer request_;              // the head as it goes to the backend, a small body behind it
  bool whole_body_ = false;     // the body has come whole
  bool body_separate_ = false;  // and is too long to go with the head in one piece
  std::array<std::uint64_t, 3> random_;
  char request_id_text_[32];
  std::string_view request_id_;
  std::string extra_;  // values of the fields that the proxy adds to the answer
  std::array<http::Field, 5> extra_fields_;
  std::string new_id_;                // the issued cookie's (S6), once it is asked for
  Mirrors::Copy* copy_ = nullptr;     // waits for the rest of the body (M1)
  std::string_view preview_ignored_;  // why the request's token is not followed; points to a literal
  bool has_token_ = false;            // a preview token

  upstream::Attempt attempt_;
  http1::ResponseHead answer_;
  http1::BodyReader answer_body_;
  bool answer_head_read_ = false;
  bool first_counted_ = false;  // the chosen pool's first attempt has been judged (S9, G4)
  bool retrying_ = false;       // counted in the budget, from the first counted retry to the end
  bool fresh_only_ = false;     // the next attempt does not take an idle connection
  int counted_attempts_ = 0;    // failures that used up one of `attempts`
  int tries_ = 0;
  int interims_ = 0;
  std::array<std::uint32_t, 16> tried_{};  // backend ids; beyond that many the oldest is forgotten
  std::array<bool, 16> tried_stale_{};     // and whether it was an idle connection that had died
  std::size_t tried_count_ = 0;
  net::Clock::time_point attempt_began_{}, answer_began_{};

  bool upload_running_ = false;
  bool upload_started_ = false;
  bool upload_unwanted_ = false;  // join_upload() waits for it
  BodyPiece::Kind upload_end_ = BodyPiece::Kind::done;
  Event upload_done_;

  bool gone_ = false, cut_ = false, in_tunnel_ = false;
  bool flushing_ = false;            // waits for the client to take what was written
  std::uint64_t sent_at_grace_ = 0;  // of the answer's body, when a half-closed client's grace began
  bool tunnel_up_running_ = false, tunnel_half_open_ = false;
  Event tunnel_up_done_;
  std::uint64_t last_byte_ = 0;  // of the backend's answer, or through a tunnel: at that tick of the wheel
  std::uint64_t tunnel_in_ = 0, tunnel_out_ = 0;
};

// The status and the X-Sluice-Error word of a failure (CONTRACT, Headers).
struct OwnAnswer {
  int status;
  std::string_view reason;
  std::string_view text;
};
OwnAnswer answer_for(FailureKind kind);

}  // namespace sluice::session
