// Where one request goes now: the pool that is asked, and the backend of it that the request has claimed.
// Claims before anything is suspended: what is counted in flight is counted in the step that chooses. Worker
// only.
#pragma once

#include "proxy/exchange/attempts.hpp"
#include "proxy/exchange/context.hpp"
#include "proxy/exchange/plan.hpp"
#include "proxy/upstream/selector.hpp"

namespace sluice::exchange {

class Placement {
 public:
  // All outlive it. `activity` is what is linked to the backend while it is claimed.
  Placement(Context& context, const Plan& plan, const Attempts& attempts, client::ClientStream& client,
            upstream::Activity& activity);
  ~Placement() { release(); }

  // The pool that is asked from now on.
  void ask(const upstream::WorkerPool& pool) { asked_ = &pool; }
  const upstream::WorkerPool& asked() const { return *asked_; }

  // Takes a slot on a backend of the asked pool that was not tried yet: the one where the client is logged in
  // (R4), else the one that the pool's balance selects. False: there is none; full() tells more. D2: a drain
  // is seen here at once, since the live state is read, and is not reported done before this worker has
  // adopted it and every claim made until then is released.
  bool claim();
  // The pool where the last claim() that failed passed over backends which have as many requests as they may
  // have. Null: there was none since forget_full().
  const upstream::WorkerPool* full() const { return full_; }
  void forget_full() { full_ = nullptr; }
  // The slot is given back for another one: that of a backend of `pool`, which is not the pool that is asked.
  void move_to(const upstream::WorkerPool& pool, std::size_t index);
  // Gives the slot back, and offers it to a request that waits for it. Without one nothing happens.
  void release();

  explicit operator bool() const { return static_cast<bool>(claim_); }
  // Requires: claimed.
  upstream::Backend& backend() const { return *claim_.backend(); }
  // The pool that it was claimed in; another one may be asked by now. Requires: claimed.
  const upstream::WorkerPool& claimed_in() const { return *claimed_in_; }
  // The one that was claimed last; null: none ever was.
  const route::Backend* last() const { return last_; }

 private:
  bool claim_login();
  void take(const upstream::WorkerPool& pool, std::size_t index);

  Context& context_;
  const Plan& plan_;
  const Attempts& attempts_;
  client::ClientStream& client_;
  upstream::Activity& activity_;
  const upstream::WorkerPool* asked_ = nullptr;
  const upstream::WorkerPool* full_ = nullptr;
  upstream::Claim claim_;
  const route::Backend* last_ = nullptr;
  const upstream::WorkerPool* claimed_in_ = nullptr;
};

}  // namespace sluice::exchange
