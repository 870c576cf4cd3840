#include "control/health/probe.hpp"

#include <gtest/gtest.h>

#include "control/health/prober.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/answering_server.hpp"
#include "unit/io/loop.hpp"

namespace sluice::health {
namespace {

using namespace change;

using namespace std::chrono_literals;
using observe::Health;

const char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const char kSick[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

TEST(ProbeRequest, asks_as_configured) {
  config::HealthCheckSpec spec;
  spec.path = "/health/";
  io::Destination to;
  to.address = "127.0.0.1:9001";
  EXPECT_EQ(text_of(probe_request(to, spec)),
            "GET /health/ HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: sluice-health\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n");
  spec.host = "api.example.com";
  EXPECT_NE(text_of(probe_request(to, spec)).find("Host: api.example.com\r\n"), std::string::npos);
}

struct ProbeTest : testing::Test {
  io::Loop loop;
  config::HealthCheckSpec spec;

  ProbeResult probe_of(io::Destination to) {
    const auto answer = loop.run(fetch(loop.io.get_executor(), probe_request(std::move(to), spec)));
    return judge(answer, spec);
  }
  ProbeResult probe_of(const io::AnsweringServer& target) { return probe_of(target.destination()); }
  ProbeResult probe_answered(const std::string& answer) {
    const io::AnsweringServer target(loop.io, answer);
    return probe_of(target);
  }
};

TEST_F(ProbeTest, judges_by_the_status) {
  EXPECT_TRUE(probe_answered(kOk).ok);
  EXPECT_TRUE(probe_answered("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n").ok);
  const auto sick = probe_answered(kSick);
  EXPECT_FALSE(sick.ok);
  EXPECT_EQ(sick.what, "status 503");
  spec.expect_low = 503, spec.expect_high = 503;
  EXPECT_TRUE(probe_answered(kSick).ok);
}

TEST_F(ProbeTest, an_answer_that_is_no_http_fails) {
  const std::string not_http = "the answer is not HTTP/1.1: ";
  EXPECT_EQ(probe_answered("hello\r\n\r\n").what, not_http + "it does not begin with a status line");
  EXPECT_EQ(probe_answered("SSH-2.0-OpenSSH_9.2\r\n").what, not_http + "it is SSH");
  EXPECT_EQ(probe_answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n").what,
            not_http + "its head is malformed");
  EXPECT_EQ(probe_answered("HTTP/1.1 200 OK\r\nA: no end").what, "the answer broke off");
  for (const char* bad : {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n",
                          "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 Odd\r\n\r\n"})
    EXPECT_FALSE(probe_answered(bad).ok) << bad;
}

// Such a backend was down for ever.
TEST_F(ProbeTest, interim_answers_before_the_final_one_are_skipped) {
  const std::string ok = kOk;
  EXPECT_TRUE(probe_answered("HTTP/1.1 100 Continue\r\n\r\n" + ok).ok);
  EXPECT_TRUE(
      probe_answered("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok)
          .ok);
  EXPECT_EQ(probe_answered("HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kSick)).what, "status 503");
  EXPECT_EQ(probe_answered("HTTP/1.1 103 Early Hints\r\n\r\n").what, "the answer broke off");
  std::string flood;
  for (int i = 0; i < 17; ++i) flood += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(probe_answered(flood + ok).what, "more than 16 interim answers (1xx)");
}

TEST_F(ProbeTest, a_protocol_that_nobody_asked_for_fails) {
  spec.expect_low = 100, spec.expect_high = 599;
  EXPECT_EQ(
      probe_answered("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").what,
      "status 101: the protocol was switched, though nothing had asked for it");
}

TEST_F(ProbeTest, every_framing_of_an_answer_will_do) {
  EXPECT_TRUE(probe_answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").ok);
  EXPECT_TRUE(probe_answered("HTTP/1.0 200 OK\r\n\r\nuntil it closes").ok);
  EXPECT_TRUE(probe_answered("HTTP/1.1 204 No Content\r\n\r\n").ok);
}

TEST_F(ProbeTest, a_large_page_is_read_to_its_end_behind_the_verdict) {
  const std::string page(8 << 20, 'x');
  io::AnsweringServer target(
      loop.io, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page);
  EXPECT_TRUE(probe_of(target).ok);
  EXPECT_TRUE(loop.run_until([&] { return target.sent_whole() == 1; })) << "the backend's write met a reset";
}

TEST_F(ProbeTest, a_refused_connection_fails_with_its_reason) {
  io::AnsweringServer target(loop.io, kOk);
  auto to = target.destination();
  {
    const io::AnsweringServer closed(loop.io, kOk);
    to.endpoints.front().port = closed.port();
  }
  const auto result = probe_of(to);
  EXPECT_FALSE(result.ok);
  EXPECT_FALSE(result.ours);
  EXPECT_EQ(result.what, "connect: Connection refused");
}

TEST_F(ProbeTest, X5_the_timeout_is_of_the_whole_probe) {
  spec.timeout = 50ms;
  const io::AnsweringServer silent(loop.io, "");
  const auto began = io::Clock::now();
  const auto result = probe_of(silent);
  EXPECT_FALSE(result.ok);
  EXPECT_EQ(result.what, "no answer within 50ms");
  EXPECT_GE(io::Clock::now() - began, 49ms);
}

TEST_F(ProbeTest, a_backend_that_does_not_close_delays_no_verdict) {
  io::AnsweringServer target(loop.io, kOk);
  target.keep_open();
  spec.timeout = 60s;
  EXPECT_TRUE(probe_of(target).ok);
}

struct ProberTest : testing::Test {
  io::Loop loop;
  io::AnsweringServer blue{loop.io, kOk}, green{loop.io, kOk};
  Made made{loop.io.get_executor()};
  config::Spec spec = two_pools();
  route::SnapshotPtr snapshot;
  HealthRegistry registry{loop.io.get_executor()};
  std::uint64_t random = 1;
  std::optional<Prober> prober;

  ProberTest() {
    spec.services[0].pools = {pool_spec("blue", {blue.address()}), pool_spec("green", {green.address()})};
    spec.services[0].health_check.emplace();
    spec.services[0].health_check->interval = 20ms;
    prober.emplace(loop.io.get_executor(), registry, [this] { return random *= 6364136223846793005u; });
  }
  void adopt() {
    snapshot = made.publisher.build(spec, state::from_spec(spec), snapshot.get());
    made.publisher.install(*snapshot, route::Snapshot());
    const auto touched = registry.adopt(snapshot);
    prober->adopt(touched);
  }
  bool turns(std::size_t pool, Health wanted) {
    return loop.run_until([&] { return backend_in(*snapshot, pool, 0).live->health.load() == wanted; });
  }
};

TEST_F(ProberTest, H2_finds_out_what_is_up_and_what_is_down_with_share_0_as_well) {
  adopt();
  EXPECT_TRUE(turns(0, Health::up));
  EXPECT_TRUE(turns(1, Health::up)) << "green has no share";
  green.answer(kSick);
  EXPECT_TRUE(turns(1, Health::down));
  EXPECT_EQ(backend_in(*snapshot, 0, 0).live->health.load(), Health::up);
  green.answer(kOk);
  EXPECT_TRUE(turns(1, Health::up));
}

TEST_F(ProberTest, probing_ends_with_the_check_and_with_the_backend) {
  adopt();
  EXPECT_EQ(prober->probing(), 2u);
  spec.services[0].pools[1] = pool_spec("green", {blue.address()});
  adopt();
  EXPECT_EQ(prober->probing(), 2u);
  EXPECT_TRUE(turns(1, Health::up));
  spec.services[0].health_check.reset();
  adopt();
  EXPECT_EQ(prober->probing(), 0u);
  const auto asked = blue.requests().size();
  loop.io.restart();
  loop.io.run_for(60ms);
  EXPECT_LE(blue.requests().size(), asked + 2) << "only what was under way";
  EXPECT_EQ(backend_in(*snapshot, 0, 0).live->health.load(), Health::unknown);
}

TEST_F(ProberTest, a_new_interval_counts_at_once) {
  spec.services[0].health_check->interval = 1h;
  adopt();
  loop.io.run_for(20ms);
  spec.services[0].health_check->interval = 10ms;
  adopt();
  EXPECT_TRUE(turns(0, Health::up));
}

TEST_F(ProberTest, may_go_while_probes_are_under_way) {
  adopt();
  loop.run_until([this] { return !blue.requests().empty(); });
  prober.reset();
  loop.io.restart();
  loop.io.run_for(50ms);
  EXPECT_EQ(registry.all().size(), 2u);
}

}  // namespace
}  // namespace sluice::health
