// A backend as one worker sees it: its idle connections, what runs on it, its counters. Keyed by id and
// carried from view to view, so no change of routing cools a connection (C4). Worker only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "proxy/observe/live.hpp"
#include "proxy/route/snapshot.hpp"
#include "proxy/tls/client.hpp"
#include "proxy/upstream/connection.hpp"
#include "proxy/upstream/http2_pool.hpp"

namespace sluice::upstream {

struct ActivityHook : net::WheelHook {};

// Something that runs on a backend: a request under way or a tunnel. Linked while claimed.
class Activity : private ActivityHook {
 public:
  virtual bool is_tunnel() const = 0;
  virtual net::Clock::time_point began() const = 0;
  virtual std::string_view path() const = 0;
  virtual std::string_view client() const = 0;
  virtual void abort() = 0;                                // a drain's deadline (D3)
  virtual void end_within(std::chrono::milliseconds) = 0;  // a tunnel's own deadline (D1)
  virtual bool is_leaving() const = 0;                     // end_within() was called

 protected:
  virtual ~Activity() {
    if (ActivityHook::linked()) ActivityHook::unlink();
  }

 private:
  friend class Backend;
  friend class Claim;
};

class Backend {
 public:
  // Connections kept per worker for as long as they may be; those above for a moment, lest a burst of a
  // client's streams closes what its next one opens again.
  static constexpr std::size_t kMaxIdle = 256, kMaxIdleForAMoment = 4096;
  static constexpr std::chrono::seconds kQuarantine{10};

  Backend(std::shared_ptr<observe::BackendLive> live, std::size_t worker);
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  ~Backend();  // Requires: it has no HTTP/2 connection left

  std::uint32_t id() const { return live_->id; }
  observe::BackendLive& live() { return *live_; }
  observe::BackendCounters& counters() { return counters_; }

  // The idle connection used last, or null.
  std::unique_ptr<Connection> take_idle();
  // Keeps `conn` for the next request, for `idle` at most (0 or less: closes it). Requires: between two
  // messages, nothing unread, nothing outstanding.
  void put_idle(std::unique_ptr<Connection> conn, std::chrono::milliseconds idle);
  // Likewise for a connection that a client is logged in on (R4): `holder` points to it until it is taken or
  // closed. Logins count towards kMaxIdle, but none is closed for it: the number of client connections bounds
  // them.
  void put_login(std::unique_ptr<Connection> conn, std::chrono::milliseconds idle, Connection*& holder);
  // Null: the connection has ended. Requires: `holder` points to a connection of this backend.
  std::unique_ptr<Connection> take_login(Connection*& holder);
  // The logins, too; and HTTP/2 connections when their last request has ended.
  void close_idle();
  // The backend's addresses now (H4). Idle connections to any other are closed, and none to another is kept.
  void set_endpoints(const std::vector<route::Endpoint>& endpoints);
  // No snapshot in force names the backend any more: no connection is kept until set_endpoints() is called
  // again.
  void leave();
  // The backend sent bytes that belong to no answer. Such bytes, if they come late, cannot be told from the
  // answer to the next request on their connection: for a while (kQuarantine) no connection is used again.
  void quarantine();
  // How new connections are secured; null: in clear. Idle ones that were made otherwise are closed.
  void set_tls(std::shared_ptr<const tls::ClientContext> tls);
  const tls::ClientContext* tls() const { return tls_.get(); }
  // What is spoken on new connections; others are closed.
  void set_protocol(BackendProtocol protocol);
  BackendProtocol protocol() const { return protocol_; }
  std::size_t idle() const { return idle_.size(); }
  Http2Pool& http2() { return http2_; }
  // May a connection that is there wait for further requests, by all that is known of the backend?
  bool keeps(Connection& conn);

  template <class Visit>
  void each_activity(Visit visit) {
    for (net::WheelHook* hook = active_.next; hook != &active_;) {
      net::WheelHook* next = hook->next;  // the visit may end the activity
      visit(static_cast<Activity&>(static_cast<ActivityHook&>(*hook)));
      hook = next;
    }
  }

 private:
  friend class Connection;
  friend class Claim;
  void drop_idle(Connection& conn);
  bool may_wait(Connection& conn) { return keeps(conn) && conn.stream.drained(); }
  static void let_wait(Connection& conn, std::chrono::milliseconds idle);
  std::unique_ptr<Connection> remove(std::vector<std::unique_ptr<Connection>>& from, Connection& conn);
  bool leads_to_endpoint(Connection& conn) const;

  std::shared_ptr<observe::BackendLive> live_;
  observe::BackendCounters& counters_;
  std::shared_ptr<const tls::ClientContext> tls_;
  tls::SessionSlot session_;
  std::vector<std::unique_ptr<Connection>> idle_, logins_;
  Http2Pool http2_;
  BackendProtocol protocol_ = BackendProtocol::h1;
  std::vector<route::Endpoint> endpoints_;  // empty: not told
  std::uint32_t moves_ = 1;                 // counts the changes of endpoints_
  bool left_ = false;                       // leave() was called
  bool quarantined_ = false;
  net::Clock::time_point quarantined_until_;  // while quarantined_
  ActivityHook active_;
};

// A slot on a backend: counted in flight from its making to its end. Made in the step that chooses the
// backend, before anything is awaited.
class Claim {
 public:
  Claim() = default;
  Claim(Backend& backend, Activity& activity);
  Claim(Claim&& other) noexcept
      : backend_(std::exchange(other.backend_, nullptr)), activity_(other.activity_) {}
  Claim& operator=(Claim&& other) noexcept {
    release();
    backend_ = std::exchange(other.backend_, nullptr);
    activity_ = other.activity_;
    return *this;
  }
  ~Claim() { release(); }
  void release() {
    if (backend_) give_back();
  }
  Backend* backend() const { return backend_; }
  explicit operator bool() const { return backend_ != nullptr; }

 private:
  void give_back();

  Backend* backend_ = nullptr;
  Activity* activity_ = nullptr;
};

}  // namespace sluice::upstream
