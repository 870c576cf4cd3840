// Answers: what the daemon writes is what sluicectl reads, and either may be of another version.
#include "control/protocol/answer.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/protocol/answers.hpp"
#include "control/protocol/status.hpp"
#include "control/protocol/write.hpp"

namespace sluice::protocol {
namespace {

namespace json = boost::json;

// A status with something in every field.
Status full() {
  DrainStatus drain{
      milliseconds(2000), milliseconds(28'000), false, 1, 2, 3, 4, milliseconds(4200), "/slow", {}};
  drain.pace = PaceStatus{};
  drain.pace->slowed = "an opening takes 80 ms";
  BackendStatus backend;
  backend.name = "api-2";
  backend.admin = "draining";
  backend.health = "up";
  backend.weight = 0.5;
  backend.address = "127.0.0.1:9002";
  backend.removing = true;
  backend.last_error = "refused";
  backend.group = "api";
  backend.addresses = Strings{"127.0.0.1:9002"};
  backend.resolved_since = "then";
  backend.resolve_error = "no such name";
  backend.stale_since = "since then";
  backend.drain = drain;
  PoolStatus pool;
  pool.name = "blue";
  pool.share = 95'000;
  pool.share_measured = 0.95012345;
  pool.requests_per_second = 412.0404;
  pool.p95_ms = 140.2;
  pool.backends = {backend};
  RolloutStatus rollout;
  rollout.name = "api";
  rollout.state = "running";
  rollout.active = true;
  rollout.step = 1;
  rollout.steps = 2;
  rollout.share = 5'000;
  rollout.mirror = 10'000;
  rollout.hold = milliseconds(30'000);
  rollout.in_step = milliseconds(1500);
  rollout.gates = {
      {"error_rate", "pass", true, 1, 2, 0.1, 0.2, 0.3, 0.4, {}, 0.5, {}, "rate", "why", 1.5, 2.5}};
  rollout.plan_steps = {{5'000, milliseconds(30'000), true, 10'000}, {100'000, milliseconds(0), false, {}}};
  rollout.ended = "now";
  rollout.log = {{"then", "it began"}};
  auto other = rollout;
  other.name = "web";
  rollout.others = {other};
  ServiceStatus service;
  service.name = "api";
  service.stable = "blue";
  service.pools = {pool};
  service.rollout = rollout;
  service.unconfirmed = UnconfirmedStatus{milliseconds(9)};
  service.retained = RetainedStatus{{"green"}, "then", milliseconds(7)};
  service.traffic = {"paused", 12, 1, milliseconds(30'000), "soon"};
  service.flags = {{"a", 10'000}};
  service.mirror = MirrorStatus{"green", 10'000, true, {1, 2, 3, 4}, true};
  service.set_aside = "why";
  Status status;
  status.generation = 7;
  status.services = {service};
  status.version = "1";
  status.uptime = std::chrono::seconds(5);
  status.durable = false;
  status.warnings = {"not durable"};
  status.listeners = {{"web", "127.0.0.1:0", "127.0.0.1:8080", 8080}};
  return status;
}

TEST(Answer, a_status_comes_back_as_it_was_written) {
  const auto written = answer_json(full());
  const auto again = answer_json(answer_from<Status>(json::parse(write(written))));
  EXPECT_EQ(write(again), write(written));
}

TEST(Answer, what_is_not_set_is_null_or_left_out_as_the_protocol_says) {
  EXPECT_EQ(
      write(answer_json(DrainStatus{})),
      R"({"running_ms":0,"finished":false,"clean":0,"forced":0,"requests":0,"tunnels":0,"left_ms":null})");
  EXPECT_EQ(write(answer_json(ServiceStatus{})),
            R"({"stable":"","pools":{},"rollout":null,"retained":null,"rollback":null,)"
            R"("traffic":{"state":"open","held":0,"in_flight":0},"flags":{},"mirror":null})");
  EXPECT_EQ(write(answer_json(PoolStatus{})),
            R"({"share":0,"share_measured":null,"requests":0,"errors":0,"in_flight":0,"previews":0,)"
            R"("preview_errors":0,"requests_per_second":0,"error_rate":null,"p50_ms":null,"p95_ms":null,)"
            R"("p99_ms":null,"backends":{}})");
  EXPECT_EQ(
      write(answer_json(Explained{})),
      R"({"route":null,"service":null,"pool":null,"backend":null,"result":"","generation":0,"steps":[]})");
}

TEST(Answer, numbers_are_no_longer_than_they_are_good_for) {
  const auto written = answer_json(full().services.front().pools.front());
  EXPECT_EQ(write(written.at("share")), "0.95");
  EXPECT_EQ(write(written.at("share_measured")), "0.95012");
  EXPECT_EQ(write(written.at("requests_per_second")), "412.04");
}

TEST(Answer, an_older_daemon_leaves_the_defaults) {
  const auto status = answer_from<Status>(json::parse(R"({"services":{"api":{"pools":{"blue":{}}}}})"));
  ASSERT_EQ(status.services.size(), 1u);
  EXPECT_TRUE(status.durable);
  EXPECT_EQ(status.services[0].traffic.state, "open");
  EXPECT_FALSE(status.services[0].rollout);
  EXPECT_EQ(status.services[0].pools[0].name, "blue");
  EXPECT_FALSE(status.services[0].pools[0].p50_ms);
}

TEST(Answer, what_a_newer_daemon_says_beside_is_ignored) {
  const auto entry = answer_from<HistoryEntry>(
      json::parse(R"({"generation":8,"verb":"split","moon":"full","actor":{"uid":0}})"));
  EXPECT_EQ(entry.generation, 8u);
  EXPECT_EQ(entry.verb, "split");
  EXPECT_EQ(entry.actor, "") << "of another type: as if it were not there";
}

TEST(Answer, odd_documents_are_no_answer_and_no_crash) {
  for (
      const char* odd :
      {"null", "5", "[]", R"({"services":5})", R"({"generation":"7","uptime_s":null,"warnings":[1,"x"]})",
       R"({"services":{"a":5,"b":{"flags":[],"mirror":7,"pools":{"p":1,"q":{"share":"x","backends":[]}}}}})"})
    answer_json(answer_from<Status>(json::parse(odd)));
  EXPECT_EQ(answer_from<Status>(json::parse(R"({"services":{"a":5,"b":{}}})")).services.size(), 1u);
}

}  // namespace
}  // namespace sluice::protocol
