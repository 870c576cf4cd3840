// H1-H3 over an upgrade: what one process knows of its backends is known in the next.
#include "control/health/known_health.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::health {
namespace {

using namespace change;
using namespace std::chrono_literals;
using observe::Health;

// What knows, in one process.
struct Side {
  Side(io::Loop& loop, const config::Spec& spec)
      : made(loop.io.get_executor()),
        registry(loop.io.get_executor()),
        detector(loop.io.get_executor(), registry, [] { return std::uint64_t{1} << 63; }) {
    snapshot = made.publisher.build(spec, state::from_spec(spec), nullptr);
    made.publisher.install(*snapshot, route::Snapshot());
    registry.adopt(snapshot);
  }
  observe::BackendLive& live(std::size_t pool, std::size_t backend) {
    return *backend_in(*snapshot, pool, backend).live;
  }
  void probe(std::size_t pool, std::size_t backend, bool ok, int times) {
    for (int i = 0; i < times; ++i)
      registry.observed(live(pool, backend).id, {ok, false, ok ? "status 200" : "status 503"});
  }

  Made made;
  HealthRegistry registry;
  OutlierDetector detector;
  route::SnapshotPtr snapshot;
};

struct KnownHealthTest : testing::Test {
  KnownHealthTest() {
    spec.services[0].health_check.emplace();  // rise 2, fall 3
    spec.services[0].slow_start = 30s;
    spec.services[0].outlier.ejection = 1h;
  }
  // Through the text, as between processes.
  bool hand_over(Side& from, Side& to) {
    const auto text = boost::json::serialize(known_health(from.registry, from.detector));
    return remember(boost::json::parse(text), to.registry, to.detector);
  }

  io::Loop loop;
  config::Spec spec = two_pools();
};

TEST_F(KnownHealthTest, what_was_down_stays_down_until_its_probes_say_otherwise) {
  Side before(loop, spec), after(loop, spec);
  before.probe(0, 0, true, 2);
  before.probe(0, 1, false, 3);
  before.probe(0, 1, true, 1);
  ASSERT_TRUE(hand_over(before, after));
  EXPECT_EQ(after.live(0, 0).health.load(), Health::up);
  EXPECT_EQ(after.live(0, 1).health.load(), Health::down);
  EXPECT_EQ(after.live(1, 0).health.load(), Health::unknown);
  EXPECT_TRUE(after.registry.any_unknown());
  after.probe(0, 1, true, 1);
  EXPECT_EQ(after.live(0, 1).health.load(), Health::up) << "the first of the two was passed before";
  EXPECT_GT(after.live(0, 1).ramp_started_micros.load(), 0) << "it came back, and starts slowly";
}

TEST_F(KnownHealthTest, an_ejection_goes_on_for_the_rest_of_its_time) {
  Side before(loop, spec), after(loop, spec);
  for (const std::size_t i : {0, 1}) before.probe(0, i, true, 2);
  ASSERT_TRUE(before.detector.consider(before.live(0, 0).id));
  ASSERT_TRUE(hand_over(before, after));
  EXPECT_EQ(after.live(0, 0).health.load(), Health::ejected);
  const auto was = *before.detector.known(before.live(0, 0).id),
             is = *after.detector.known(after.live(0, 0).id);
  EXPECT_EQ(std::chrono::duration_cast<std::chrono::microseconds>(is.until - was.until).count(), 0);
  EXPECT_EQ(is.count.count(), 1);
  after.detector.lift(after.live(0, 0).id, "test");
  EXPECT_EQ(after.live(0, 0).health.load(), Health::up);
}

TEST_F(KnownHealthTest, H3_earlier_ejections_make_the_next_one_longer) {
  Side before(loop, spec), after(loop, spec);
  for (const std::size_t i : {0, 1}) before.probe(0, i, true, 2);
  ASSERT_TRUE(before.detector.consider(before.live(0, 0).id));
  before.detector.lift(before.live(0, 0).id, "test");
  ASSERT_TRUE(hand_over(before, after));
  EXPECT_EQ(after.live(0, 0).health.load(), Health::up);
  std::chrono::milliseconds lasts{0};
  after.detector.on_ejected = [&lasts](const MonitoredBackend&, std::chrono::milliseconds time) {
    lasts = time;
  };
  ASSERT_TRUE(after.detector.consider(after.live(0, 0).id));
  EXPECT_EQ(lasts, 2h);
}

TEST_F(KnownHealthTest, a_slow_start_goes_on_where_it_was) {
  Side before(loop, spec), after(loop, spec);
  before.probe(0, 0, false, 3);
  before.probe(0, 0, true, 2);
  ASSERT_GT(before.live(0, 0).ramp_started_micros.load(), 0);
  ASSERT_TRUE(hand_over(before, after));
  EXPECT_EQ(after.live(0, 0).ramp_started_micros.load(), before.live(0, 0).ramp_started_micros.load());
}

TEST_F(KnownHealthTest, at_another_address_it_is_another_one) {
  Side before(loop, spec);
  before.probe(0, 0, false, 3);
  before.probe(0, 1, false, 3);
  spec.services[0].pools[0].backends[0].address = *parse_address("127.0.0.1:9009");
  Side after(loop, spec);
  ASSERT_TRUE(hand_over(before, after));
  EXPECT_EQ(after.live(0, 0).health.load(), Health::unknown);
  EXPECT_EQ(after.live(0, 1).health.load(), Health::down);
}

TEST_F(KnownHealthTest, without_a_health_check_nothing_is_down) {
  Side before(loop, spec);
  before.probe(0, 0, false, 3);
  spec.services[0].health_check.reset();
  Side after(loop, spec);
  ASSERT_TRUE(hand_over(before, after));
  EXPECT_EQ(after.live(0, 0).health.load(), Health::unknown);
}

TEST_F(KnownHealthTest, times_of_another_clock_hold_nobody_for_ever) {
  Side before(loop, spec), after(loop, spec);
  for (const std::size_t i : {0, 1}) before.probe(0, i, true, 2);
  ASSERT_TRUE(before.detector.consider(before.live(0, 0).id));
  auto text = known_health(before.registry, before.detector);
  auto& one = text[0].as_object();
  one["ramp_us"] = INT64_MAX / 2;
  one["ejections"].as_object()["until_us"] = INT64_MAX / 2000;
  ASSERT_TRUE(remember(text, after.registry, after.detector));
  const auto now = io::Clock::now();
  EXPECT_LE(after.live(0, 0).ramp_started_micros.load(),
            std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
  EXPECT_LE(after.detector.known(after.live(0, 0).id)->until, now + 11h);
}

TEST_F(KnownHealthTest, what_cannot_be_read_is_not_known) {
  Side before(loop, spec), after(loop, spec);
  before.probe(0, 0, false, 3);
  const auto good = known_health(before.registry, before.detector);
  for (const char* key : {"service", "addresses", "health", "in_a_row", "usable", "ramp_us"}) {
    auto bad = good;
    bad[1].as_object()[key] = "other";
    if (std::string(key) == "service") bad[1].as_object()[key] = 7;
    EXPECT_FALSE(remember(bad, after.registry, after.detector)) << key;
    bad[1].as_object().erase(key);
    EXPECT_FALSE(remember(bad, after.registry, after.detector)) << key;
  }
  EXPECT_FALSE(remember(nullptr, after.registry, after.detector));
  EXPECT_EQ(after.live(0, 0).health.load(), Health::unknown) << "none of it, not half of it";
}

}  // namespace
}  // namespace sluice::health
