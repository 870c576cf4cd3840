#include "proxy/upstream/backend.hpp"

#include <algorithm>
#include <utility>

namespace sluice::upstream {

namespace {
constexpr std::chrono::milliseconds kAtOnce{0}, kMoment{1000};
}  // namespace

Backend::Backend(std::shared_ptr<observe::BackendLive> live, std::size_t worker)
    : live_(std::move(live)), counters_(live_->per_worker[worker]) {}

Backend::~Backend() { close_idle(); }

std::unique_ptr<Connection> Backend::take_idle() {
  while (!idle_.empty()) {
    auto conn = std::move(idle_.back());
    idle_.pop_back();
    conn->stream.observe(nullptr);
    if (conn->stream.reading() && conn->stream.quiet()) return conn;
    Connection::retire(std::move(conn));  // the backend closed it or sent bytes in this round of the loop
  }
  return nullptr;
}

void Backend::put_idle(std::unique_ptr<Connection> conn, std::chrono::milliseconds idle) {
  const std::size_t kept = idle_.size() + logins_.size();
  if (kept >= kMaxIdleForAMoment || idle <= kAtOnce || !may_wait(*conn))
    return Connection::retire(std::move(conn));
  if (kept >= kMaxIdle) idle = std::min(idle, kMoment);
  let_wait(*conn, idle);
  conn->pool_index_ = idle_.size();
  idle_.push_back(std::move(conn));
}

void Backend::put_login(std::unique_ptr<Connection> conn, std::chrono::milliseconds idle,
                        Connection*& holder) {
  if (idle <= kAtOnce || !may_wait(*conn)) return Connection::retire(std::move(conn));
  let_wait(*conn, idle);
  conn->pool_index_ = logins_.size();
  conn->holder_ = &holder;
  holder = conn.get();
  logins_.push_back(std::move(conn));
}

std::unique_ptr<Connection> Backend::take_login(Connection*& holder) {
  auto conn = remove(logins_, *holder);
  conn->stream.observe(nullptr);
  if (conn->stream.reading() && conn->stream.quiet()) return conn;
  Connection::retire(std::move(conn));
  return nullptr;
}

bool Backend::keeps(Connection& conn) {
  if (quarantined_) quarantined_ = net::Clock::now() < quarantined_until_;
  return conn.tls_context_ == tls_.get() && !left_ && leads_to_endpoint(conn) && !quarantined_ &&
         live_->admin.load(std::memory_order_relaxed) == observe::Admin::ready;
}

void Backend::let_wait(Connection& conn, std::chrono::milliseconds idle) {
  conn.reused = true;
  conn.in.clear();
  conn.parser.reset();
  conn.arm();
  conn.stream.set_timeout(idle);
  conn.stream.observe(&conn);
}

std::unique_ptr<Connection> Backend::remove(std::vector<std::unique_ptr<Connection>>& from,
                                            Connection& conn) {
  const std::size_t index = conn.pool_index_;
  auto removed = std::move(from[index]);
  if (index + 1 != from.size()) {
    from[index] = std::move(from.back());
    from[index]->pool_index_ = index;
  }
  from.pop_back();
  if (Connection** const holder = std::exchange(removed->holder_, nullptr)) *holder = nullptr;
  return removed;
}

void Backend::drop_idle(Connection& conn) {
  auto dropped = remove(conn.holder_ ? logins_ : idle_, conn);
  const bool spoke = dropped->stream.read_ready() && dropped->stream.peek().status == net::IoStatus::ok &&
                     dropped->stream.peek().size > 0;
  Connection::retire(std::move(dropped));
  if (spoke) quarantine();
}

void Backend::set_tls(std::shared_ptr<const tls::ClientContext> tls) {
  if (tls == tls_) return;
  close_idle();
  session_.session.reset();  // a TLS session of the former context
  tls_ = std::move(tls);
}

void Backend::set_protocol(BackendProtocol protocol) {
  if (protocol == protocol_) return;
  close_idle();
  protocol_ = protocol;
}

// After a change of the backend's addresses, a connection's own address is compared with them once.
bool Backend::leads_to_endpoint(Connection& conn) const {
  if (conn.checked_at_move_ == moves_) return true;
  if (!endpoints_.empty() && std::find(endpoints_.begin(), endpoints_.end(), conn.to) == endpoints_.end())
    return false;
  conn.checked_at_move_ = moves_;
  return true;
}

void Backend::set_endpoints(const std::vector<route::Endpoint>& endpoints) {
  left_ = false;
  if (endpoints == endpoints_) return;
  endpoints_ = endpoints;
  ++moves_;
  const auto elsewhere =
      std::partition(idle_.begin(), idle_.end(), [this](auto& conn) { return leads_to_endpoint(*conn); });
  for (auto conn = elsewhere; conn != idle_.end(); ++conn) Connection::retire(std::move(*conn));
  idle_.erase(elsewhere, idle_.end());
  for (std::size_t i = 0; i < idle_.size(); ++i) idle_[i]->pool_index_ = i;
  for (std::size_t i = logins_.size(); i-- > 0;)
    if (!leads_to_endpoint(*logins_[i])) Connection::retire(remove(logins_, *logins_[i]));
  http2_.leave_unless([this](Connection& conn) { return leads_to_endpoint(conn); });
}

void Backend::leave() {
  left_ = true;
  close_idle();
}

void Backend::quarantine() {
  close_idle();
  quarantined_ = true;
  quarantined_until_ = net::Clock::now() + kQuarantine;
}

void Backend::close_idle() {
  for (auto& conn : idle_) Connection::retire(std::move(conn));
  idle_.clear();
  while (!logins_.empty()) Connection::retire(remove(logins_, *logins_.back()));
  http2_.leave();
}

Claim::Claim(Backend& backend, Activity& activity) : backend_(&backend), activity_(&activity) {
  backend.counters_.in_flight.add();
  activity.ActivityHook::link_before(backend.active_);
}

void Claim::give_back() {
  backend_->counters_.in_flight.sub();
  activity_->ActivityHook::unlink();
  backend_ = nullptr;
}

}  // namespace sluice::upstream
