// A worker's backend: which idle connections are handed out, and the gauges of what runs on it (D1, D2).
#include "proxy/upstream/backend.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/base/task.hpp"
#include "proxy/upstream/logins.hpp"
#include "proxy/upstream/worker_snapshot.hpp"
#include "support/peer.hpp"

namespace sluice::upstream {
namespace {

using namespace std::chrono_literals;

struct Work : Activity {
  explicit Work(std::function<void()> on_abort_ = [] {}) : on_abort(std::move(on_abort_)) {}
  bool is_tunnel() const override { return false; }
  net::Clock::time_point began() const override { return {}; }
  std::string_view path() const override { return "/"; }
  std::string_view client() const override { return "::1"; }
  void abort() override { on_abort(); }
  void end_within(std::chrono::milliseconds) override {}
  bool is_leaving() const override { return false; }
  std::function<void()> on_abort;
};

class BackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    listening = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listening, 16), 0);
    getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
    to = LoopbackAddress(ntohs(address.sin_port));
  }
  void TearDown() override {
    backend.close_idle();
    for (const int fd : accepted) ::close(fd);
    ::close(listening);
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = net::Clock::now() + 5s;
    while (!condition() && net::Clock::now() < deadline) poller.wait(1ms);
    return condition();
  }
  Task<void> connect(Connection* conn) {
    status = co_await conn->stream.connect(to.data(), to.size());
    connected = true;
  }
  std::unique_ptr<Connection> open() { return open(backend); }
  std::unique_ptr<Connection> open(Backend& of) {
    auto conn = std::make_unique<Connection>(poller, wheel, of);
    connected = false;
    spawn(connect(conn.get()));
    EXPECT_TRUE(until([&] { return connected; }));
    EXPECT_EQ(status, net::IoStatus::ok);
    accepted.push_back(::accept(listening, nullptr, nullptr));
    EXPECT_GE(accepted.back(), 0);
    return conn;
  }

  net::Poller poller;
  net::TimerWheel wheel;
  std::shared_ptr<observe::BackendLive> live = std::make_shared<observe::BackendLive>(7, 1);
  Backend backend{live, 0};
  int listening = -1;
  LoopbackAddress to;
  std::vector<int> accepted;
  net::IoStatus status{};
  bool connected = false;
};

TEST_F(BackendTest, The_connection_used_last_is_taken_first) {
  auto first = open();
  auto second = open();
  Connection* const last = second.get();
  backend.put_idle(std::move(first), 1min);
  backend.put_idle(std::move(second), 1min);
  EXPECT_EQ(backend.idle(), 2u);
  auto taken = backend.take_idle();
  EXPECT_EQ(taken.get(), last);
  EXPECT_TRUE(taken->reused);
  EXPECT_TRUE(taken->stream.reading());
  Connection::retire(std::move(taken));
  EXPECT_EQ(live->per_worker[0].connections.get(), 1u);
}

TEST_F(BackendTest, An_idle_connection_that_its_backend_closes_leaves_the_pool) {
  for (int i = 0; i < 2; ++i) backend.put_idle(open(), 1min);
  ::shutdown(accepted[0], SHUT_WR);
  EXPECT_TRUE(until([&] { return backend.idle() == 1; }));
  EXPECT_EQ(live->per_worker[0].connections.get(), 1u);
  auto left = backend.take_idle();
  EXPECT_NE(left, nullptr);
  Connection::retire(std::move(left));
}

TEST_F(BackendTest, X3_of_a_backend_that_speaks_out_of_turn_no_connection_is_kept) {
  for (int i = 0; i < 3; ++i) backend.put_idle(open(), 1min);
  EXPECT_EQ(::send(accepted[1], "x", 1, 0), 1);
  EXPECT_TRUE(until([&] { return backend.idle() == 0; }));
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
  backend.put_idle(open(), 1min);
  EXPECT_EQ(backend.idle(), 0u);
}

TEST_F(BackendTest, X5_an_idle_connection_is_closed_after_its_time) {
  backend.put_idle(open(), 100ms);
  wheel.advance(1s);
  EXPECT_TRUE(until([&] { return backend.idle() == 0; }));
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(BackendTest, An_expiry_that_came_just_before_it_was_taken_does_not_end_the_next_request) {
  backend.put_idle(open(), 100ms);
  wheel.advance(1s);
  auto taken = backend.take_idle();
  ASSERT_NE(taken, nullptr);
  taken->stream.set_timeout(1min);
  for (int i = 0; i < 5; ++i) poller.wait(1ms);
  EXPECT_TRUE(taken->stream.reading());
  Connection::retire(std::move(taken));
}

TEST(IdleTimes, AreASecondLessThanTheBackendSays) {
  http1::ResponseHead answer;
  EXPECT_EQ(idle_time(answer, 60s, 0ms), 60s) << "it says nothing";
  answer.kept_seconds = 5;
  EXPECT_EQ(idle_time(answer, 60s, 0ms), 4s);
  EXPECT_EQ(idle_time(answer, 3s, 0ms), 3s);
  EXPECT_EQ(idle_time(answer, 60s, 1500ms), 2500ms) << "it has waited meanwhile";
  EXPECT_LE(idle_time(answer, 60s, 10s), 0ms);
  for (const std::uint32_t seconds : {0u, 1u}) {
    answer.kept_seconds = seconds;
    EXPECT_LE(idle_time(answer, 60s, 0ms), 0ms);
  }
  answer.kept_seconds = 1'000'000'000;
  EXPECT_EQ(idle_time(answer, 60s, 0ms), 60s);
}

TEST_F(BackendTest, One_that_may_not_wait_is_closed) {
  const observe::ServiceLive service(1);
  Logins logins;
  backend.put_idle(open(), 0ms);
  backend.put_idle(open(), -1s);
  logins.keep(service, open(), 0ms);
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(logins.at(service), nullptr);
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(BackendTest, R4_a_login_is_taken_by_its_client_alone_and_ends_with_it) {
  const observe::ServiceLive one(1), other(1);
  {
    Logins mine, others;
    auto conn = open();
    Connection* const login = conn.get();
    mine.keep(one, std::move(conn), 1min);
    EXPECT_EQ(mine.at(one), &backend);
    EXPECT_EQ(mine.at(other), nullptr);
    EXPECT_EQ(others.at(one), nullptr);
    EXPECT_EQ(backend.take_idle(), nullptr);
    EXPECT_EQ(others.take(one, backend), nullptr);
    auto taken = mine.take(one, backend);
    EXPECT_EQ(taken.get(), login);
    EXPECT_TRUE(taken->reused);
    EXPECT_EQ(mine.at(one), nullptr);
    Connection::retire(std::move(taken));
    mine.keep(one, open(), 1min);
    mine.keep(other, open(), 1min);
    EXPECT_EQ(live->per_worker[0].connections.get(), 2u);
  }
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(BackendTest, R4_a_login_ends_with_its_connection_its_time_or_its_backend) {
  const observe::ServiceLive service(1);
  Logins logins;
  logins.keep(service, open(), 1min);
  ::shutdown(accepted.back(), SHUT_WR);
  EXPECT_TRUE(until([&] { return logins.at(service) == nullptr; }));
  logins.keep(service, open(), 100ms);
  wheel.advance(1s);
  EXPECT_TRUE(until([&] { return logins.at(service) == nullptr; }));
  logins.keep(service, open(), 1min);
  backend.close_idle();
  EXPECT_EQ(logins.at(service), nullptr);
  live->admin = observe::Admin::draining;
  logins.keep(service, open(), 1min);
  EXPECT_EQ(logins.at(service), nullptr);
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(BackendTest, R4_logins_are_bounded_and_take_room_from_the_others) {
  std::vector<std::unique_ptr<observe::ServiceLive>> services;
  Logins logins;
  for (std::size_t i = 0; i < Logins::kMost + 2; ++i) {
    services.push_back(std::make_unique<observe::ServiceLive>(1));
    logins.keep(*services.back(), open(), 1min);
  }
  EXPECT_EQ(live->per_worker[0].connections.get(), Logins::kMost);
  EXPECT_NE(logins.at(*services.back()), nullptr);
}

TEST_F(BackendTest, D1_a_backend_that_drains_keeps_no_connection) {
  auto conn = open();
  live->admin = observe::Admin::draining;
  backend.put_idle(std::move(conn), 1min);
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(BackendTest, D1_a_backend_that_a_snapshot_drains_loses_its_idle_connections) {
  const auto snapshot = [this](observe::Admin admin) {
    auto made = std::make_shared<route::Snapshot>();
    route::Pool& pool = made->services.emplace_back().pools.emplace_back();
    pool.live = std::make_shared<observe::PoolLive>(1);
    route::Backend& drained = pool.backends.emplace_back();
    drained.live = live;
    drained.admin = admin;
    return made;
  };
  WorkerBackends backends(0);
  backends.adopt(snapshot(observe::Admin::ready))->service(0);
  Backend& known = *backends.find(live->id);
  known.put_idle(open(known), 1min);
  EXPECT_EQ(known.idle(), 1u);
  backends.adopt(snapshot(observe::Admin::draining));
  EXPECT_EQ(known.idle(), 0u);
  EXPECT_EQ(live->per_worker[0].connections.get(), 0u);
}

TEST_F(BackendTest, what_waits_is_closed_when_another_protocol_is_spoken) {
  backend.put_idle(open(backend), 1min);
  backend.set_protocol(BackendProtocol::h1);
  EXPECT_EQ(backend.idle(), 1u);
  backend.set_protocol(BackendProtocol::h2);
  EXPECT_EQ(backend.idle(), 0u);
  EXPECT_EQ(backend.protocol(), BackendProtocol::h2);
}

TEST_F(BackendTest, D2_a_claim_is_counted_from_its_making_to_its_end_wherever_it_is_moved) {
  Work work, other_work;
  {
    Claim claim(backend, work);
    EXPECT_EQ(live->in_flight(), 1u);
    Claim moved = std::move(claim);
    EXPECT_FALSE(claim);
    EXPECT_EQ(live->in_flight(), 1u);
    moved = Claim(backend, other_work);
    EXPECT_EQ(live->in_flight(), 1u);
    moved.release();
    moved.release();
    EXPECT_EQ(live->in_flight(), 0u);
  }
  EXPECT_EQ(live->in_flight(), 0u);
}

TEST_F(BackendTest, D3_visiting_what_runs_allows_the_visited_to_end) {
  Claim claims[3];
  Work works[3] = {Work([&] { claims[0].release(); }), Work([&] { claims[1].release(); }),
                   Work([&] { claims[2].release(); })};
  for (int i = 0; i < 3; ++i) claims[i] = Claim(backend, works[i]);
  int visited = 0;
  backend.each_activity([&](Activity& activity) {
    ++visited;
    activity.abort();
  });
  EXPECT_EQ(visited, 3);
  EXPECT_EQ(live->in_flight(), 0u);
  backend.each_activity([&](Activity&) { ADD_FAILURE() << "nothing runs any more"; });
}

}  // namespace
}  // namespace sluice::upstream
