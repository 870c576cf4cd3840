// D8: what one Control knows is known in the next, and the first one follows what the next one changes.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "unit/change/control_fixture.hpp"

namespace sluice::change {
namespace {

using observe::Health;

// A process before this one that has clients left, and does as it is told.
struct FakeUpgrades final : Upgrades {
  boost::asio::awaitable<Result<protocol::Changed>> upgrade(Invocation, protocol::Upgrade) override {
    co_return protocol::refused("not here");
  }
  std::optional<protocol::PredecessorStatus> predecessor() const override { return before; }
  std::uint64_t count() const override { return 1; }
  boost::asio::awaitable<void> tell_predecessor(std::string text) override {
    news.push_back(std::move(text));
    if (on_news) on_news();
    co_return;
  }

  std::optional<protocol::PredecessorStatus> before = protocol::PredecessorStatus();
  std::vector<std::string> news;
  std::function<void()> on_news;
};

struct ControlUpgradeTest : ControlFixture {
  FakeUpgrades upgrades;

  void take_over(Knowledge knowledge) {
    control = std::make_unique<Control>(loop.io, workers, store(), spec, options);
    control->set_upgrades(&upgrades);
    control->take_over(std::move(knowledge));
    ASSERT_EQ(loop.run(control->open()), "");
    ASSERT_EQ(loop.run(control->start()), "");
  }
  std::string events() {
    std::string all;
    for (const auto& event : control->events().after(0).events) all += event.text + "\n";
    return all;
  }
  static boost::asio::awaitable<bool> done(boost::asio::awaitable<void> work) {
    co_await std::move(work);
    co_return true;
  }
  void follow(const std::string& news) { loop.run(done(control->follow(news))); }
};

TEST_F(ControlUpgradeTest, H1_backends_of_which_nothing_is_known_are_probed_before_the_first_client_comes) {
  spec.services[0].health_check.emplace().interval = std::chrono::milliseconds(100);
  for (auto& pool : spec.services[0].pools)
    for (auto& backend : pool.backends) backend.address = *parse_address("127.0.0.1:1");  // nobody listens
  Health first = Health::up;
  workers.on_start = [&] { first = live(0, 0).health.load(); };
  take_over({"no such text", {}});
  EXPECT_EQ(first, Health::down);
}

TEST_F(ControlUpgradeTest, G7_a_hold_that_begins_anew_is_said) {
  start();
  protocol::RolloutStart message;
  message.services = {{"api", "green"}};
  message.steps = {"50%", "100%"};
  message.hold = std::chrono::hours(1);
  ASSERT_TRUE(loop.run(control->change(by(), message)));
  const Knowledge known = control->knowledge();
  EXPECT_NE(known.text.find("\"rollouts\":["), std::string::npos);
  control.reset();
  take_over({"", {}});
  EXPECT_NE(events().find("the hold begins anew"), std::string::npos) << events();
}

TEST_F(ControlUpgradeTest, C2_the_process_before_this_one_is_told_first) {
  take_over({"", {}});
  std::size_t published = 0;
  upgrades.on_news = [&] { published = workers.published.size(); };
  ASSERT_TRUE(split(70'000, 30'000));
  EXPECT_EQ(upgrades.news.size(), 1u);
  EXPECT_EQ(published, 1u) << "before the workers of this one";
  upgrades.before.reset();
  ASSERT_TRUE(split(60'000, 40'000));
  EXPECT_EQ(upgrades.news.size(), 1u) << "it has ended";
}

TEST_F(ControlUpgradeTest, C2_the_process_before_routes_by_what_it_is_told) {
  take_over({"", {}});
  ASSERT_TRUE(split(20'000, 80'000));
  ASSERT_TRUE(split(60'000, 40'000));
  control->hand_over();
  EXPECT_FALSE(split(70'000, 30'000)) << "an operator's changes are the other one's";
  follow(upgrades.news.front());
  EXPECT_EQ(share(1), 80'000u);
  EXPECT_EQ(workers.published.back()->generation, 2u);
}

TEST_F(ControlUpgradeTest, news_that_cannot_be_read_change_nothing) {
  take_over({"", {}});
  ASSERT_TRUE(split(20'000, 80'000));
  ASSERT_TRUE(split(60'000, 40'000));
  control->hand_over();
  const auto published = workers.published.size();
  auto bad = boost::json::parse(upgrades.news.front());
  bad.at("state").at("services").at(0).as_object().erase("pools");
  for (const std::string& text : {std::string(), std::string("{}"), boost::json::serialize(bad)})
    follow(text);
  EXPECT_EQ(workers.published.size(), published);
  EXPECT_EQ(share(1), 40'000u);
}

}  // namespace
}  // namespace sluice::change
