// Pause, flags, mirror and preview tokens as Control carries them out.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "proxy/route/preview.hpp"
#include "unit/change/control_fixture.hpp"

namespace sluice::change {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct TrafficVerbs : ControlFixture {
  void SetUp() override { start(); }
  const route::Service& api() const { return in_force().services.at(0); }
  Reply pause(protocol::Pause message = {}) {
    message.service = "api";
    return loop.run(control->change(by(), message));
  }
  Reply resume(std::uint32_t rate = 0) {
    protocol::Resume message;
    message.service = "api";
    message.rate = rate;
    return loop.run(control->change(by(), message));
  }
  bool told(const std::string& type) {
    for (const auto& event : control->events().after(0).events)
      if (event.type == type) return true;
    return false;
  }
  Result<protocol::PreviewToken> preview(const std::string& pool) {
    protocol::MintPreview message;
    message.target = target(pool);
    return loop.run(control->preview(by(), message));
  }
};

TEST_F(TrafficVerbs, P1_a_pause_is_in_the_snapshot_and_a_resume_brings_its_rate_first) {
  const auto paused = pause();
  ASSERT_TRUE(paused) << paused.error().detail;
  ASSERT_TRUE(api().hold);
  EXPECT_EQ(api().hold->max_hold, 30s);
  EXPECT_EQ(paused->more.at("in_flight").to_number<int>(), 0);
  const auto resumed = resume(50);
  ASSERT_TRUE(resumed);
  EXPECT_FALSE(api().hold);
  EXPECT_EQ(api().live->hold.release_rate.load(), 50u);
  EXPECT_EQ(resumed->undo, "sluicectl pause api --max-hold 30s");
  ASSERT_TRUE(pause());
  EXPECT_EQ(api().live->hold.release_rate.load(), 0u) << "an undo lets all go at once";
}

TEST_F(TrafficVerbs, C3_a_refused_resume_leaves_what_the_workers_let_go_by_as_it_was) {
  ASSERT_TRUE(pause());
  auto& hold = api().live->hold;
  hold.held = 2;
  hold.release_rate = 7;
  hold.release_began_micros = 8;
  hold.released = 9;
  disk.full = true;
  ASSERT_FALSE(resume(50));
  EXPECT_TRUE(api().hold);
  EXPECT_EQ(hold.release_rate.load(), 7u);
  EXPECT_EQ(hold.release_began_micros.load(), 8);
  EXPECT_EQ(hold.released.load(), 9u);
  disk.full = false;
  const auto resumed = resume(50);
  ASSERT_TRUE(resumed);
  EXPECT_EQ(hold.release_rate.load(), 50u);
  EXPECT_EQ(hold.released.load(), 0u);
  EXPECT_EQ(resumed->more.at("held").to_number<int>(), 2);
}

TEST_F(TrafficVerbs, P1_nothing_in_flight_is_announced_once_it_is_so) {
  api().live->in_flight = 1;
  const auto live = api().live;
  protocol::Pause message;
  message.wait = true;
  message.timeout = 30ms;
  const auto late = pause(message);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().exit, protocol::Exit::timed_out);
  EXPECT_THAT(late.error().detail, HasSubstr("1 request is still in flight"));
  EXPECT_FALSE(told("quiet"));
  live->in_flight = 0;
  message.timeout = 10s;
  const auto quiet = pause(message);
  ASSERT_TRUE(quiet);
  EXPECT_FALSE(quiet->changed);
  EXPECT_TRUE(quiet->more.contains("quiet_ms"));
  ASSERT_TRUE(resume());
}

TEST_F(TrafficVerbs, M1_F1_they_are_in_the_snapshot_and_survive_a_restart) {
  protocol::SetFlag flag;
  flag.flag = "a";
  flag.service = "api";
  flag.share = 10'000;
  ASSERT_TRUE(loop.run(control->change(by(), flag)));
  protocol::SetMirror mirror;
  mirror.service = "api";
  mirror.to = "green";
  mirror.share = 500;
  ASSERT_TRUE(loop.run(control->change(by(), mirror)));
  restart();
  ASSERT_EQ(api().flags.size(), 1u);
  EXPECT_EQ(api().flags[0].share, 10'000u);
  ASSERT_TRUE(api().mirror);
  EXPECT_EQ(api().pools[api().mirror->pool].name, "green");
  EXPECT_THAT(file("audit.log"), HasSubstr("api flag a 10%"));
}

TEST_F(TrafficVerbs, S8_the_first_token_makes_the_key_and_changes_nothing_else) {
  EXPECT_FALSE(in_force().preview_key) << "nothing is looked for before there is a token";
  const auto generation = control->generation();
  const auto minted = preview("green");
  ASSERT_TRUE(minted) << minted.error().detail;
  EXPECT_EQ(control->generation(), generation);
  ASSERT_TRUE(in_force().preview_key);
  const auto read = route::read_preview(*in_force().preview_key, minted->token, 0);
  EXPECT_EQ(read.service + "/" + read.pool, "api/green");
  struct stat about {};
  ASSERT_EQ(::stat((folder.path + "/preview.key").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  const auto key = *in_force().preview_key;
  restart();
  EXPECT_EQ(in_force().preview_key, key);
  EXPECT_FALSE(preview("grean"));
}

TEST_F(TrafficVerbs, S8_a_key_file_without_a_key_is_no_key) {
  std::ofstream(folder.path + "/preview.key") << "not hexadecimal";
  restart();
  EXPECT_FALSE(in_force().preview_key);
  EXPECT_TRUE(preview("green"));
}

}  // namespace
}  // namespace sluice::change
