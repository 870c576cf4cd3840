// M1: copies of requests, without sockets: how many run, what ends them, what is counted, and that they leave
// nothing behind.
#include "proxy/exchange/mirrors.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "support/heads.hpp"

namespace sluice::exchange {
namespace {

using namespace std::chrono_literals;
using upstream::AnswerEvent;
using upstream::Connected;

constexpr std::size_t kPiece = 100'000;

// How the backend of a copy behaves.
struct Behaviour {
  bool reused = false;  // the connection
  Connected connected = Connected::ok;
  bool dead = false;    // the connection ends before an answer
  bool silent = false;  // nothing comes
  int status = 200;
  int pieces = 1;              // of the body, kPiece bytes each
  const char* grpc = nullptr;  // the status in trailers, in place of a body
};

class CopyRequest final : public upstream::Request {
 public:
  CopyRequest(net::Poller& poller, const Behaviour& behaviour, int& open, int& pieces)
      : poller_(poller), behaviour_(behaviour), open_(open), pieces_(pieces), piece_(kPiece, 'x') {
    reused_ = behaviour.reused;
    answer_.status = behaviour.status;
    ++open_;
  }
  Task<Connected> connect() override { co_return behaviour_.connected; }
  AnswerEvent next() override {
    if (!came_) return {};
    if (!std::exchange(head_taken_, true)) return {AnswerEvent::Kind::head};
    if (behaviour_.grpc) return {AnswerEvent::Kind::end};
    return {AnswerEvent::Kind::data, ++pieces_ == behaviour_.pieces, FailureKind::none, piece_};
  }
  const http::ResponseHead& answer() const override { return answer_; }
  std::span<const http::Field> trailers() const override {
    if (!behaviour_.grpc) return {};
    return {&trailer_, 1};
  }
  void cancel() override {
    canceled_ = true;
    if (waiting_) poller_.resume_later(std::exchange(waiting_, nullptr));
  }
  Task<StreamStatus> read_tunnel(std::string_view&, std::chrono::milliseconds) override {
    co_return StreamStatus::reset;
  }
  Task<StreamStatus> write_tunnel(std::string_view, std::chrono::milliseconds) override {
    co_return StreamStatus::reset;
  }
  void set_tunnel_timeout(std::chrono::milliseconds) override {}
  void end_tunnel() override {}

 private:
  void end(bool) override {
    EXPECT_FALSE(waiting_);
    --open_;
    delete this;
  }
  void begin_head(const http::RequestHead&, const http::ForwardContext& forward, std::string_view,
                  bool whole) override {
    EXPECT_TRUE(forward.mirror);
    EXPECT_TRUE(whole);
    phase_ = upstream::Phase::sent;
  }
  void begin_data(std::string_view, bool, std::span<const http::Field>) override {}
  bool is_sent() override { return true; }
  void resume_when_sent(std::coroutine_handle<>) override {}
  StreamStatus take_sent() override { return StreamStatus::ok; }
  bool has_arrived() override { return !behaviour_.silent; }
  void resume_when_arrived(std::coroutine_handle<> h) override { waiting_ = h; }
  StreamStatus take_arrival() override {
    if (canceled_) return StreamStatus::canceled;
    if (behaviour_.dead) return StreamStatus::ended;
    came_ = true;
    phase_ = upstream::Phase::answered;
    return StreamStatus::ok;
  }

  net::Poller& poller_;
  const Behaviour behaviour_;
  int& open_;
  int& pieces_;
  const std::string piece_;
  http::ResponseHead answer_;
  const http::Field trailer_{"grpc-status", behaviour_.grpc ? behaviour_.grpc : ""};
  bool came_ = false, head_taken_ = false, canceled_ = false;
  std::coroutine_handle<> waiting_;
};

class CopyConnector final : public upstream::Connector {
 public:
  explicit CopyConnector(net::Poller& poller) : poller_(poller) {}
  upstream::RequestPtr open(const upstream::Target& target, bool fresh) override {
    targets.push_back(target);
    Behaviour now = behaviour;
    if (fresh) now.reused = now.dead = false;
    pieces = 0;
    return upstream::RequestPtr(new CopyRequest(poller_, now, opened, pieces));
  }
  Behaviour behaviour;
  std::vector<upstream::Target> targets;
  int opened = 0;
  int pieces = 0;  // of the last answer, that were taken

 private:
  net::Poller& poller_;
};

class MirrorsTest : public ::testing::Test {
 protected:
  MirrorsTest() {
    spec.name = "api";
    for (const char* name : {"stable", "mirror"}) {
      route::Pool& pool = pools.emplace_back();
      pool.name = name;
      pool.live = std::make_shared<observe::PoolLive>(1);
      route::Backend& backend = pool.backends.emplace_back();
      backend.name = name;
      backend.endpoints.resize(1);
      backend.live = std::make_shared<observe::BackendLive>(static_cast<std::uint32_t>(pools.size()), 1);
    }
    mirror = route::MirrorTo{1, config::kWhole, false, shadow};
    publish();
  }
  ~MirrorsTest() override {
    mirrors.end();
    rounds();
    EXPECT_EQ(mirrors.active(), 0u);
    EXPECT_EQ(connector.opened, 0);
    EXPECT_EQ(counted().mirror_in_flight.get(), 0u);
    EXPECT_EQ(to().live->in_flight(), 0u);
  }

  void publish() {
    auto snapshot = std::make_shared<route::Snapshot>();
    route::Service& service = snapshot->services.emplace_back();
    service.spec = spec;
    service.live = live;
    service.pools = pools;
    service.mirror = mirror;
    view = backends.adopt(snapshot);
    mirrors.adopt(*view);
  }
  Mirrors::Copy* make() {
    Mirrors::Copy* copy = mirrors.make(view, view->service(0), 1);
    if (copy) copy->store(head, {});
    return copy;
  }
  void copy() {
    if (Mirrors::Copy* made = make()) mirrors.send(made);
  }
  void rounds(std::chrono::milliseconds time = 0ms) {
    now_ += time;
    wheel.advance(now_);
    for (int i = 0; i < 10; ++i) poller.wait(0ms);
  }
  observe::ServiceCounters& counted() { return live->per_worker[0]; }
  observe::PoolCounters& evidence() { return shadow->live.per_worker[0]; }
  route::Backend& to() { return pools[1].backends[0]; }

  net::Poller poller;
  net::TimerWheel wheel;
  CopyConnector connector{poller};
  int offered = 0;
  std::function<void(QueueKey)> offer_slot = [this](QueueKey key) {
    EXPECT_EQ(key, QueueKey(*pools[1].live));
    ++offered;
  };
  Mirrors mirrors{poller, wheel, 0, connector, offer_slot};
  upstream::WorkerBackends backends{0};
  upstream::WorkerSnapshotPtr view;
  config::ServicePolicies spec;
  std::shared_ptr<observe::ServiceLive> live = std::make_shared<observe::ServiceLive>(1);
  std::shared_ptr<observe::Shadow> shadow =
      std::make_shared<observe::Shadow>(1, std::make_shared<observe::Breaker>(1, 1, 100));
  std::vector<route::Pool> pools;
  std::optional<route::MirrorTo> mirror;
  const http::RequestHead head = testing::request("GET", "api.example", "/a");

 private:
  std::chrono::milliseconds now_{0};
};

TEST_F(MirrorsTest, M1_a_copy_goes_after_its_request_and_its_answer_is_counted) {
  copy();
  EXPECT_TRUE(connector.targets.empty()) << "not from within the request's own step";
  EXPECT_EQ(counted().mirror_in_flight.get(), 1u);
  rounds();
  ASSERT_EQ(connector.targets.size(), 1u);
  EXPECT_TRUE(connector.targets[0].is_copy);
  EXPECT_EQ(connector.targets[0].logins, nullptr);
  EXPECT_NE(connector.targets[0].backend, view->service(0).pools[1].backends[0].get())
      << "connections of its own";
  EXPECT_EQ(counted().mirrored.get(), 1u);
  EXPECT_EQ(evidence().by_class[2].get(), 1u);
  EXPECT_EQ(evidence().errors.get(), 0u);
}

TEST_F(MirrorsTest, G4_an_error_of_the_backend_is_a_failure_and_evidence) {
  connector.behaviour.status = 503;
  copy();
  rounds();
  connector.behaviour.connected = Connected::failed;
  copy();
  rounds();
  EXPECT_EQ(counted().mirror_failed.get(), 2u);
  EXPECT_EQ(evidence().errors.get(), 2u);
  EXPECT_EQ(evidence().by_class[5].get(), 2u);
}

TEST_F(MirrorsTest, G4_a_copied_gRPC_call_counts_by_its_status) {
  http::RequestHead call = head;
  call.is_grpc = true;
  for (const char* status : {"13", "0", "5"}) {
    connector.behaviour.grpc = status;
    Mirrors::Copy* const made = mirrors.make(view, view->service(0), 1);
    made->store(call, {});
    mirrors.send(made);
    rounds();
  }
  EXPECT_EQ(evidence().errors.get(), 1u);
  EXPECT_EQ(evidence().by_class[5].get(), 1u);
  EXPECT_EQ(evidence().by_class[4].get(), 1u);
  EXPECT_EQ(evidence().by_class[2].get(), 1u);
  EXPECT_EQ(counted().mirror_failed.get(), 1u);
}

TEST_F(MirrorsTest, an_idle_connection_that_was_dead_costs_another_try_and_a_new_one_none) {
  connector.behaviour.reused = connector.behaviour.dead = true;
  copy();
  rounds();
  EXPECT_EQ(connector.targets.size(), 2u);
  EXPECT_EQ(counted().mirrored.get(), 1u);
  connector.behaviour.reused = false;
  copy();
  rounds();
  EXPECT_EQ(connector.targets.size(), 3u);
  EXPECT_EQ(counted().mirror_failed.get(), 1u);
}

TEST_F(MirrorsTest, M1_copies_beyond_those_that_run_and_those_that_wait_are_dropped) {
  connector.behaviour.silent = true;
  for (std::size_t i = 0; i < Mirrors::kActive; ++i) copy();
  rounds();
  EXPECT_EQ(mirrors.active(), Mirrors::kActive);
  for (std::size_t i = 0; i < Mirrors::kWaiting + 5; ++i) copy();
  rounds();
  EXPECT_EQ(mirrors.active(), Mirrors::kActive);
  EXPECT_EQ(counted().mirror_dropped.get(), 5u);
  EXPECT_EQ(make(), nullptr);
  connector.behaviour.silent = false;
  rounds(spec.timeouts.response + 100ms);
  EXPECT_EQ(counted().mirror_failed.get(), Mirrors::kActive);
  EXPECT_EQ(counted().mirrored.get(), Mirrors::kWaiting);
  EXPECT_EQ(evidence().errors.get(), Mirrors::kActive) << "too slow is a failure";
}

TEST_F(MirrorsTest, a_copy_of_which_the_body_never_comes_gives_its_room_back) {
  for (std::size_t i = 0; i < 2 * Mirrors::kWaiting; ++i) {
    Mirrors::Copy* made = make();
    ASSERT_NE(made, nullptr);
    made->append("half");
    mirrors.discard(made);
  }
  EXPECT_EQ(counted().mirror_in_flight.get(), 0u);
  EXPECT_TRUE(connector.targets.empty());
}

TEST_F(MirrorsTest, a_backend_that_has_all_it_may_have_gets_no_copy_and_its_slot_is_offered_on) {
  to().max_in_flight = 1;
  publish();
  live->waiting_for_backend = 1;
  to().live->per_worker[0].in_flight.add();
  copy();
  rounds();
  EXPECT_EQ(counted().mirror_dropped.get(), 1u);
  EXPECT_EQ(offered, 0);
  to().live->per_worker[0].in_flight.sub();
  copy();
  rounds();
  EXPECT_EQ(counted().mirrored.get(), 1u);
  EXPECT_EQ(offered, 1);
}

TEST_F(MirrorsTest, without_a_backend_a_copy_has_failed) {
  to().admin = observe::Admin::draining;
  publish();
  copy();
  rounds();
  EXPECT_EQ(counted().mirror_failed.get(), 1u);
  EXPECT_EQ(evidence().errors.get(), 1u);
}

TEST_F(MirrorsTest, D3_a_drains_deadline_ends_a_copy_and_says_nothing_of_the_pool) {
  connector.behaviour.silent = true;
  copy();
  rounds();
  EXPECT_EQ(to().live->in_flight(), 1u) << "a drain waits for it (D2)";
  backends.each_backend([](upstream::Backend& backend) {
    backend.each_activity([](upstream::Activity& activity) { activity.abort(); });
  });
  rounds();
  EXPECT_EQ(counted().mirror_failed.get(), 1u);
  EXPECT_EQ(evidence().errors.get(), 0u);
}

TEST_F(MirrorsTest, M1_copies_of_a_mirror_that_is_off_are_let_go_wherever_they_are) {
  connector.behaviour.silent = true;
  for (std::size_t i = 0; i < Mirrors::kActive + 3; ++i) copy();
  rounds();
  Mirrors::Copy* const unsent = make();
  mirror.reset();
  publish();
  rounds();
  EXPECT_EQ(mirrors.active(), 0u);
  mirrors.send(unsent);
  EXPECT_EQ(counted().mirror_dropped.get(), Mirrors::kActive + 4);
  EXPECT_EQ(counted().mirror_failed.get(), 0u);
  EXPECT_EQ(evidence().errors.get(), 0u);
}

TEST_F(MirrorsTest, a_change_that_keeps_the_mirror_keeps_its_copies) {
  connector.behaviour.silent = true;
  copy();
  rounds();
  publish();
  rounds();
  EXPECT_EQ(mirrors.active(), 1u);
  to().admin = observe::Admin::maint;
  publish();
  rounds();
  EXPECT_EQ(mirrors.active(), 0u);
  EXPECT_EQ(counted().mirror_dropped.get(), 1u);
}

TEST_F(MirrorsTest, X4_of_a_long_answer_only_a_part_is_read) {
  connector.behaviour.pieces = 100;
  copy();
  rounds();
  EXPECT_EQ(connector.pieces, 3);
  EXPECT_EQ(counted().mirrored.get(), 1u);
}

}  // namespace
}  // namespace sluice::exchange
