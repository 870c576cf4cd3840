// The driver on a host that is none: it says what it would do, and the test does it or refuses.
#include "control/rollout_driver/rollout_driver.hpp"

#include <gmock/gmock.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/parse.hpp>

#include "support/memory_files.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"
#include "unit/rollout/rollouts.hpp"

namespace sluice::rollout_driver {
namespace {

using rollout::plan_of_steps;
using state::RolloutPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Each step passes when it is looked at.
config::PlanSpec at_once(std::vector<Share> shares) {
  auto plan = plan_of_steps(std::move(shares), std::chrono::milliseconds(0));
  plan.min_requests = 0;
  return plan;
}

class FakeHost : public Host {
 public:
  explicit FakeHost(boost::asio::any_io_executor loop) : made_(loop) {}

  const state::State& state() const override { return state_; }
  const route::SnapshotPtr& snapshot() const override { return snapshot_; }
  std::optional<protocol::RollbackStatus> way_back(const std::string&) const override { return way; }
  boost::asio::awaitable<boost::system::result<protocol::Changed, protocol::Problem>> make(
      Move move) override {
    asked.push_back(move.verb);
    forced.push_back(move.back);
    if (before_make) before_make();
    if (!refusal.empty()) co_return protocol::refused(refusal);
    auto change = move.change(state_);
    if (!change) co_return change.error();
    protocol::Changed reply;
    reply.changed = change->changed;
    if (reply.changed) put_in_force(std::move(change->next));
    reply.generation = state_.generation;
    co_return reply;
  }
  void event(std::string, std::string text, boost::json::object) override {
    events.push_back(std::move(text));
  }
  void warning(std::string, std::string, boost::json::object) override {}

  std::optional<protocol::RollbackStatus> way;
  void put_in_force(state::State next) {
    state_ = std::move(next);
    snapshot_ = made_.publisher.build(change::two_pools(), state_, snapshot_.get());
  }
  const state::Rollout& rollout() const { return *state_.service("api")->rollout; }
  const route::Service& routed() const { return snapshot_->services.at(0); }

  std::string refusal;  // while not empty, nothing is changed and this is why
  std::function<void()> before_make;
  std::vector<std::string> asked, events;
  std::vector<bool> forced;

 private:
  change::Made made_;
  state::State state_;
  route::SnapshotPtr snapshot_;
};

struct DriverTest : ::testing::Test {
  io::Loop loop;
  sluice::testing::MemoryFiles files;
  FakeHost host{loop.io.get_executor()};
  io::Resolver resolver{loop.io.get_executor(), [](io::NameQuestion, io::Answered) {}};
  io::Background background{loop.io.get_executor()};
  RolloutDriver driver{loop.io.get_executor(), host, resolver, background};

  void begin(config::PlanSpec plan) {
    state::State state = state::from_spec(change::two_pools());
    host.put_in_force(rollout::start(state, rollout::start_of(std::move(plan)), 1'000)->next);
    driver.open_log(files, "/judgements.log");
    boost::asio::co_spawn(loop.io, driver.run(), boost::asio::detached);
  }
  ~DriverTest() override {
    driver.stop();
    loop.io.restart();
    loop.io.poll();
  }
  bool until(const std::function<bool()>& so) { return loop.run_until(so); }
};

TEST_F(DriverTest, G1_each_step_and_the_end_are_moves_of_the_host) {
  begin(at_once({5'000, kWhole}));
  ASSERT_TRUE(until([this] { return host.rollout().phase == RolloutPhase::done; }));
  EXPECT_THAT(host.asked, ElementsAre("rollout step", "rollout done"));
  EXPECT_THAT(host.forced, ElementsAre(false, false));
  EXPECT_EQ(host.events.size(), 2u);
  EXPECT_EQ(host.routed().pools.at(1).share, kWhole);
}

TEST_F(DriverTest, G6_C7_a_tripped_breaker_goes_back_and_is_not_to_be_refused) {
  begin(plan_of_steps({50'000}, std::chrono::hours(1)));
  for (int i = 0; i < 1000 && !host.routed().breaker->tripped(); ++i) host.routed().breaker->count(true);
  ASSERT_TRUE(until([this] { return host.rollout().phase == RolloutPhase::rolled_back; }));
  EXPECT_THAT(host.asked, ElementsAre("rollout back"));
  EXPECT_THAT(host.forced, ElementsAre(true));
  EXPECT_THAT(host.events.back(), HasSubstr("errors"));
  EXPECT_EQ(host.routed().pools.at(1).share, 0u);
}

TEST_F(DriverTest, what_was_refused_is_said_and_the_rollout_stays_where_it_is) {
  host.refusal = "no quorum";
  begin(at_once({5'000, kWhole}));
  const auto waits_for = [this] {
    const auto* watch = driver.watch_of("api", host.rollout());
    return watch ? watch->waits_for : std::string();
  };
  ASSERT_TRUE(until([&] { return waits_for() == "no quorum"; }));
  EXPECT_EQ(host.rollout().step, 0u);
  host.refusal.clear();
  EXPECT_TRUE(until([this] { return host.rollout().phase == RolloutPhase::done; })) << "it is asked again";
}

TEST_F(DriverTest, a_gate_of_the_way_back_holds_its_step_until_it_is_ready) {
  auto plan = at_once({5'000, kWhole});
  plan.gates.emplace_back().metric = "rollback_ready";
  host.way.emplace().text = "not ready: blue has 0 of 1 backend up";
  int looks = 0;
  driver.on_look = [&looks](const std::string& service, const state::Rollout&,
                            const rollout::Evidence& evidence) {
    EXPECT_EQ(service, "api");
    looks += evidence.judgements.size() == 1;
  };
  begin(std::move(plan));
  const auto waits_for = [this] {
    const auto* watch = driver.watch_of("api", host.rollout());
    return watch ? watch->waits_for : std::string();
  };
  ASSERT_TRUE(until([&] { return waits_for() == "rollback_ready: not ready: blue has 0 of 1 backend up"; }));
  ASSERT_TRUE(until([&] { return looks > 3; }));
  EXPECT_EQ(host.rollout().step, 0u);
  EXPECT_TRUE(host.asked.empty());
  host.way->ready = true;
  EXPECT_TRUE(until([this] { return host.rollout().phase == RolloutPhase::done; }));
}

// An upgrade: what this driver has seen, as another one reads it.
TEST_F(DriverTest, G7_the_step_goes_on_in_another_process_with_what_was_seen) {
  begin(plan_of_steps({50'000}, std::chrono::hours(1)));
  const auto watch = [&] { return driver.watch_of("api", host.rollout()); };
  ASSERT_TRUE(until([&] { return watch() != nullptr; }));
  auto& green = host.routed().pools.at(1).live->per_worker[0];
  for (int i = 0; i < 30; ++i) green.by_class[2].add();
  ASSERT_TRUE(until([&] { return watch()->last().n_canary == 30; }));
  auto known = driver.known();
  ASSERT_EQ(known.size(), 1u);
  auto& began = known[0].as_object()["began_us"];
  began = began.to_number<std::int64_t>() - 60'000'000;

  RolloutDriver next{loop.io.get_executor(), host, resolver, background};
  next.open_log(files, "/judgements.log");
  next.remember(known);
  EXPECT_TRUE(host.events.empty());
  bool ended = false;
  boost::asio::co_spawn(loop.io, next.run(), [&ended](std::exception_ptr) { ended = true; });
  const auto there = [&] { return next.watch_of("api", host.rollout()); };
  EXPECT_TRUE(until([&] { return there() && there()->last().n_canary == 30; }))
      << "of the same counters it would count none: it begins with what they are now";
  EXPECT_GE(there()->last().in_step, std::chrono::seconds(60));
  next.stop();
  EXPECT_TRUE(until([&] { return ended; }));
}

TEST_F(DriverTest, G7_a_hold_that_begins_anew_is_an_event) {
  for (const char* known : {"null", "[]", "[{}]"}) {
    host.events.clear();
    begin(plan_of_steps({50'000}, std::chrono::hours(1)));
    driver.remember(boost::json::parse(known));
    EXPECT_THAT(host.events, ElementsAre(HasSubstr("the hold begins anew (G7)"))) << known;
  }
}

TEST_F(DriverTest, what_was_decided_of_a_rollout_that_moved_meanwhile_is_not_done) {
  auto plan = at_once({5'000, 50'000, kWhole});
  plan.steps[1].hold = std::chrono::hours(1);
  host.before_make = [this] {  // the operator's promote comes before
    host.before_make = nullptr;
    host.put_in_force(rollout::advance(host.state(), "api", 2'000, "promoted")->next);
  };
  begin(std::move(plan));
  ASSERT_TRUE(until([this] { return !host.asked.empty() && !host.before_make; }));
  EXPECT_EQ(host.rollout().step, 1u);
  EXPECT_EQ(host.routed().pools.at(1).share, 50'000u);
  EXPECT_TRUE(host.events.empty());
}

}  // namespace
}  // namespace sluice::rollout_driver
