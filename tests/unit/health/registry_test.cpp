// HealthRegistry and OutlierDetector.
#include <gtest/gtest.h>

#include "control/health/health_registry.hpp"
#include "control/health/outlier_detector.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::health {
namespace {

using namespace change;

using namespace std::chrono_literals;
using observe::Admin;
using observe::Health;

const ProbeResult kPassed{true, false, "status 200"};
const ProbeResult kFailed{false, false, "status 503"};
const ProbeResult kLocal{false, true, "connect: Too many open files"};

struct Registry : testing::Test {
  io::Loop loop;
  Made made{loop.io.get_executor()};
  config::Spec spec = two_pools();
  state::State state;
  io::Clock::time_point now = io::Clock::time_point(100s);
  HealthRegistry registry{loop.io.get_executor(), [this] { return now; }};
  route::SnapshotPtr snapshot;
  std::vector<std::string> flips;

  Registry() {
    spec.services[0].health_check.emplace();  // rise 2, fall 3
    spec.services[0].slow_start = 30s;
    state = state::from_spec(spec);
    registry.on_flip = [this](const MonitoredBackend& backend, Health) {
      flips.push_back(to_string(backend));
    };
    adopt();
  }
  void adopt() {
    snapshot = made.publisher.build(spec, state, snapshot.get());
    made.publisher.install(*snapshot, route::Snapshot());
    registry.adopt(snapshot);
  }
  observe::BackendLive& live(std::size_t pool, std::size_t backend) {
    return *backend_in(*snapshot, pool, backend).live;
  }
  void probe(std::size_t pool, std::size_t backend, const ProbeResult& result, int times) {
    for (int i = 0; i < times; ++i) registry.observed(live(pool, backend).id, result);
  }
};

TEST_F(Registry, H1_probes_write_health_and_never_the_admin_state) {
  state.service("api")->pool("blue")->backend("127.0.0.1:9001")->admin = Admin::draining;
  adopt();
  probe(0, 0, kPassed, 2);
  EXPECT_EQ(live(0, 0).health.load(), Health::up);
  EXPECT_EQ(live(0, 0).admin.load(), Admin::draining);
  EXPECT_EQ(flips, std::vector<std::string>{"api/blue/127.0.0.1:9001"}) << "only flips are told";
}

TEST_F(Registry, X7_our_own_lack_of_descriptors_says_nothing_of_a_backend) {
  probe(0, 0, kPassed, 2);
  probe(0, 0, kLocal, 10);
  EXPECT_EQ(live(0, 0).health.load(), Health::up);
}

TEST_F(Registry, C4_health_is_kept_over_a_change) {
  probe(0, 0, kPassed, 2);
  probe(0, 1, kFailed, 3);
  spec.services[0].timeouts.connect = 5s;
  adopt();
  EXPECT_EQ(live(0, 0).health.load(), Health::up);
  EXPECT_EQ(live(0, 1).health.load(), Health::down);
  EXPECT_EQ(registry.find(live(0, 1).id)->probed.error, "status 503");
}

TEST_F(Registry, without_a_health_check_health_is_unknown) {
  probe(0, 0, kFailed, 3);
  spec.services[0].health_check.reset();
  adopt();
  EXPECT_EQ(live(0, 0).health.load(), Health::unknown);
}

TEST_F(Registry, ejection_stands_above_probes_and_gives_way_to_them) {
  probe(0, 0, kPassed, 2);
  registry.set_ejected(live(0, 0).id, true);
  EXPECT_EQ(live(0, 0).health.load(), Health::ejected);
  probe(0, 0, kFailed, 3);
  EXPECT_EQ(live(0, 0).health.load(), Health::ejected);
  registry.set_ejected(live(0, 0).id, false);
  EXPECT_EQ(live(0, 0).health.load(), Health::down);
}

TEST_F(Registry, slow_start_begins_when_a_backend_comes_back_and_not_with_the_daemon) {
  probe(0, 0, kPassed, 2);
  EXPECT_EQ(live(0, 0).ramp_started_micros.load(), 0) << "it ran before the daemon did";
  probe(0, 0, kFailed, 3);
  now += 7s;
  probe(0, 0, kPassed, 2);
  EXPECT_EQ(live(0, 0).ramp_started_micros.load(), 107'000'000);
}

TEST_F(Registry, slow_start_begins_when_a_drained_backend_is_ready_again) {
  probe(0, 0, kPassed, 2);
  auto& admin = state.service("api")->pool("blue")->backend("127.0.0.1:9001")->admin;
  admin = Admin::draining;
  adopt();
  EXPECT_EQ(live(0, 0).ramp_started_micros.load(), 0);
  admin = Admin::ready;
  adopt();
  EXPECT_EQ(live(0, 0).ramp_started_micros.load(), 100'000'000);
}

TEST_F(Registry, slow_start_begins_for_an_added_backend_when_it_is_up) {
  state::BackendState added;
  added.name = added.address = "127.0.0.1:9003";
  state.service("api")->pool("blue")->backends.push_back(added);
  adopt();
  EXPECT_EQ(live(0, 2).ramp_started_micros.load(), 0);
  probe(0, 2, kPassed, 2);
  EXPECT_EQ(live(0, 2).ramp_started_micros.load(), 100'000'000);
}

TEST_F(Registry, no_slow_start_no_ramp) {
  spec.services[0].slow_start = 0ms;
  adopt();
  probe(0, 0, kFailed, 3);
  probe(0, 0, kPassed, 2);
  EXPECT_EQ(live(0, 0).ramp_started_micros.load(), 0);
}

TEST(EjectionCount, H3_grows_with_repetition_up_to_ten_times) {
  EjectionCount count;
  io::Clock::time_point now{};
  for (int i = 1; i <= 15; ++i) {
    const auto time = count.next(30s, now, 0);
    EXPECT_EQ(time, 30s * std::min(i, 10));
    now += time;
  }
}

TEST(EjectionCount, H3_has_jitter_of_a_tenth) {
  EXPECT_EQ(EjectionCount().next(30s, io::Clock::time_point(), 1), 33s);
  EXPECT_EQ(EjectionCount().next(30s, io::Clock::time_point(), -1), 27s);
}

TEST(EjectionCount, H3_forgets_in_quiet_times) {
  EjectionCount count;
  io::Clock::time_point now(1s);
  now += count.next(30s, now, 0);
  now += count.next(30s, now, 0);
  EXPECT_EQ(count.next(30s, now + 150s, 0), 60s) << "one of two is forgotten";
  EXPECT_EQ(count.next(30s, now + 10'000s, 0), 30s);
}

struct OutlierDetectorTest : Registry {
  OutlierDetector detector{loop.io.get_executor(), registry,
                           [] { return std::uint64_t{1} << 63; }};  // no jitter
};

TEST_F(OutlierDetectorTest, H3_ejects_and_brings_back) {
  spec.services[0].outlier.ejection = 20ms;
  adopt();
  live(0, 0).consecutive_errors.store(5);
  EXPECT_TRUE(detector.consider(live(0, 0).id));
  EXPECT_EQ(live(0, 0).health.load(), Health::ejected);
  EXPECT_EQ(live(0, 0).consecutive_errors.load(), 0u);
  EXPECT_EQ(snapshot->services[0].pools[0].live->ejections.load(), 1u);
  EXPECT_FALSE(detector.consider(live(0, 0).id)) << "it is ejected already";
  EXPECT_TRUE(loop.run_until([this] { return live(0, 0).health.load() == Health::unknown; }));
}

TEST_F(OutlierDetectorTest, H3_a_checked_backend_comes_back_as_probes_see_it) {
  spec.services[0].outlier.ejection = 10ms;
  adopt();
  probe(0, 0, kPassed, 2);
  probe(0, 1, kPassed, 2);
  EXPECT_TRUE(detector.consider(live(0, 0).id));
  EXPECT_TRUE(loop.run_until([this] { return live(0, 0).health.load() == Health::up; }));
  EXPECT_GT(live(0, 0).ramp_started_micros.load(), 0) << "and starts slowly";
}

TEST_F(OutlierDetectorTest, H3_never_goes_below_min_available) {
  EXPECT_TRUE(detector.consider(live(0, 0).id));
  EXPECT_FALSE(detector.consider(live(0, 1).id));
  EXPECT_EQ(live(0, 1).health.load(), Health::unknown);
  EXPECT_EQ(detector.total(), 1u);
}

TEST_F(OutlierDetectorTest, H3_down_and_draining_backends_do_not_count_as_available) {
  probe(0, 1, kFailed, 3);
  EXPECT_FALSE(detector.consider(live(0, 0).id));
  state.service("api")->pool("green")->backend("127.0.0.1:9101")->admin = Admin::draining;
  adopt();
  EXPECT_FALSE(detector.consider(live(1, 1).id));
}

TEST_F(OutlierDetectorTest, can_be_turned_off) {
  spec.services[0].outlier.consecutive_errors = 0;
  adopt();
  EXPECT_FALSE(detector.consider(live(0, 0).id));
}

}  // namespace
}  // namespace sluice::health
