// The one way of a change: C1-C7, T1, T4.
#include <boost/json/serialize.hpp>

#include "unit/change/control_fixture.hpp"

namespace sluice::change {
namespace {

using protocol::Exit;

struct ControlTest : ControlFixture {
  ControlTest() { start(); }
};

TEST_F(ControlTest, starts_with_the_configured_table_as_generation_1) {
  EXPECT_EQ(control->generation(), 1u);
  EXPECT_EQ(share(0), kWhole);
  EXPECT_TRUE(control->readiness().ready);
  ASSERT_EQ(workers.published.size(), 1u);
}

TEST_F(ControlTest, a_split_is_one_new_generation_and_says_how_to_undo_it) {
  const auto reply = split(95'000, 5'000);
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_TRUE(reply->changed);
  EXPECT_EQ(reply->generation, 2u);
  EXPECT_EQ(boost::json::serialize(reply->before), R"({"blue":"100%","green":"0%"})");
  EXPECT_EQ(boost::json::serialize(reply->after), R"({"blue":"95%","green":"5%"})");
  EXPECT_TRUE(reply->undo.starts_with("sluicectl ")) << reply->undo;
  EXPECT_TRUE(reply->durable);
  EXPECT_EQ(share(1), 5'000u);
  EXPECT_EQ(workers.published.back()->generation, 2u);
}

TEST_F(ControlTest, what_is_so_already_is_unchanged) {
  const auto reply = split(100'000, 0);
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->changed);
  EXPECT_EQ(reply->generation, 1u);
  EXPECT_EQ(reply->undo, "");
  EXPECT_EQ(workers.published.size(), 1u);
}

TEST_F(ControlTest, C2_the_reply_comes_after_every_worker_has_acknowledged) {
  workers.hold_acknowledgements = true;
  std::optional<Reply> reply;
  loop.begin(control->change(by(), to({"blue", "green"}, {50'000, 50'000})), reply);
  ASSERT_TRUE(loop.run_until([this] { return !workers.held.empty(); }));
  loop.io.restart();
  loop.io.run_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(reply);
  workers.acknowledge();
  ASSERT_TRUE(loop.run_until([&] { return reply.has_value(); }));
  EXPECT_TRUE(*reply);
}

TEST_F(ControlTest, one_change_at_a_time_in_the_order_of_asking) {
  workers.hold_acknowledgements = true;
  std::optional<Reply> first, second;
  loop.begin(control->change(by(), to({"blue", "green"}, {50'000, 50'000})), first);
  loop.begin(control->change(by(), to({"blue", "green"}, {10'000, 90'000})), second);
  ASSERT_TRUE(loop.run_until([this] { return workers.held.size() == 1; }));
  loop.io.restart();
  loop.io.poll();
  EXPECT_EQ(workers.published.back()->generation, 2u) << "the second waits its turn";
  workers.hold_acknowledgements = false;
  workers.acknowledge();
  ASSERT_TRUE(loop.run_until([&] { return first && second; }));
  EXPECT_EQ((*first)->generation, 2u);
  EXPECT_EQ((*second)->generation, 3u);
  EXPECT_EQ(share(1), 90'000u);
}

TEST_F(ControlTest, a_dry_run_changes_nothing_and_tells_what_would) {
  Invocation request = by();
  request.options.dry_run = true;
  const auto reply = split(95'000, 5'000, request);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->changed && reply->dry_run);
  EXPECT_EQ(reply->generation, 1u);
  EXPECT_EQ(boost::json::serialize(reply->after), R"({"blue":"95%","green":"5%"})");
  EXPECT_EQ(control->generation(), 1u);
  EXPECT_EQ(workers.published.size(), 1u);
}

TEST_F(ControlTest, a_generation_that_moved_is_a_conflict) {
  Invocation request = by();
  request.options.if_generation = 7;
  const auto reply = split(95'000, 5'000, request);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::conflict);
  request.options.if_generation = 1;
  EXPECT_TRUE(split(95'000, 5'000, request));
}

TEST_F(ControlTest, names_that_are_not_there_are_not_found) {
  protocol::Cutover message;
  message.services = {{"ap", "green"}};
  const auto reply = loop.run(control->change(by(), message));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::not_found);
  EXPECT_EQ(cutover("gren").error().exit, Exit::not_found);
}

TEST_F(ControlTest, C5_no_share_for_a_pool_without_an_eligible_backend) {
  loop.run(control->change(by(), protocol::Maint{target("green", "127.0.0.1:9101")}));
  live(1, 1).health.store(observe::Health::down);
  const auto reply = cutover("green");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::refused);
  EXPECT_EQ(reply.error().detail,
            "api/green would get 100% and has no eligible backend: 127.0.0.1:9101 is maint and "
            "127.0.0.1:9102 is down");
  EXPECT_NE(reply.error().suggestion.find("--force"), std::string::npos);
  EXPECT_EQ(share(1), 0u);
  Invocation request = by();
  request.options.force = true;
  EXPECT_TRUE(cutover("green", request));
  EXPECT_EQ(share(1), kWhole);
}

TEST_F(ControlTest, C5_leaving_a_broken_pool_is_never_refused) {
  live(0, 0).health.store(observe::Health::down);
  live(0, 1).health.store(observe::Health::down);
  EXPECT_TRUE(split(50'000, 50'000)) << "blue is broken and loses share";
  EXPECT_TRUE(cutover("green"));
}

TEST_F(ControlTest, C7_rollback_goes_back_to_the_last_stable_table) {
  ASSERT_TRUE(split(95'000, 5'000));
  ASSERT_TRUE(split(50'000, 50'000));
  const auto reply = rollback();
  ASSERT_TRUE(reply);
  EXPECT_EQ(share(0), kWhole);
  EXPECT_EQ(reply->generation, 4u);
}

TEST_F(ControlTest, C7_rollback_works_with_a_full_disk_and_says_so) {
  ASSERT_TRUE(cutover("green"));
  disk.full = true;
  const auto reply = rollback();
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_FALSE(reply->durable);
  EXPECT_EQ(share(0), kWhole);
  const auto status = control->views().status_now();
  EXPECT_FALSE(status.durable);
  ASSERT_FALSE(status.warnings.empty());
  EXPECT_NE(status.warnings[0].find("not durable"), std::string::npos);
}

TEST_F(ControlTest, C7_what_was_not_durable_becomes_so_when_the_disk_is_well_again) {
  ASSERT_TRUE(cutover("green"));
  disk.full = true;
  ASSERT_TRUE(rollback());
  disk.full = false;
  ASSERT_TRUE(loop.run_until([this] { return control->views().status_now().durable; }));
  restart();
  EXPECT_EQ(share(0), kWhole);
  EXPECT_EQ(control->generation(), 3u);
}

TEST_F(ControlTest, C3_with_a_full_disk_a_split_is_refused_and_nothing_changes) {
  disk.full = true;
  const auto reply = split(95'000, 5'000);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::refused);
  EXPECT_NE(reply.error().detail.find("No space left on device"), std::string::npos) << reply.error().detail;
  EXPECT_EQ(share(0), kWhole);
  EXPECT_EQ(control->generation(), 1u);
  Invocation request = by();
  request.options.force = true;
  const auto forced = split(95'000, 5'000, request);
  ASSERT_TRUE(forced);
  EXPECT_FALSE(forced->durable);
}

TEST_F(ControlTest, T1_a_restart_comes_back_with_the_last_acknowledged_table) {
  ASSERT_TRUE(split(95'000, 5'000));
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Maint{target("blue", "127.0.0.1:9002")})));
  restart();
  EXPECT_EQ(control->generation(), 3u) << "neither lower nor used again";
  EXPECT_EQ(share(1), 5'000u);
  EXPECT_EQ(backend_in(in_force(), 0, 1).admin, observe::Admin::maint);
  ASSERT_TRUE(split(90'000, 10'000));
  EXPECT_EQ(control->generation(), 4u);
}

TEST_F(ControlTest, T2_the_configuration_wins_where_it_changed) {
  ASSERT_TRUE(split(95'000, 5'000));
  spec.services[0].split = {{"blue", 30'000}, {"green", 70'000}};
  restart();
  EXPECT_EQ(share(1), 70'000u);
  EXPECT_GT(control->generation(), 2u);
  EXPECT_FALSE(control->views().status_now().warnings.empty()) << "the conflict is named";
}

TEST_F(ControlTest, undo_goes_back_one_or_to_any_generation) {
  ASSERT_TRUE(split(95'000, 5'000));
  ASSERT_TRUE(split(50'000, 50'000));
  ASSERT_TRUE(loop.run(control->change(by(), protocol::Undo{})));
  EXPECT_EQ(share(1), 5'000u);
  protocol::Undo to_first;
  to_first.to_generation = 1;
  ASSERT_TRUE(loop.run(control->change(by(), to_first)));
  EXPECT_EQ(share(1), 0u);
  EXPECT_EQ(control->generation(), 5u);
  protocol::Undo too_far;
  too_far.to_generation = 99;
  EXPECT_EQ(loop.run(control->change(by(), too_far)).error().exit, Exit::not_found);
}

TEST_F(ControlTest, C4_a_thousand_changes_keep_live_objects_and_generations_in_order) {
  const auto* first = &live(0, 0);
  for (int i = 0; i < 1000; ++i) {
    const auto reply = i % 2 ? split(100'000, 0) : split(50'000, 50'000);
    ASSERT_TRUE(reply && reply->changed);
    ASSERT_EQ(reply->generation, static_cast<std::uint64_t>(i) + 2);
  }
  EXPECT_EQ(&live(0, 0), first);
}

TEST_F(ControlTest, T4_every_attempt_has_an_audit_line) {
  Invocation request = by("olga");
  request.options.reason = "canary looks good";
  ASSERT_TRUE(split(95'000, 5'000, request));
  split(95'000, 5'000, request);
  request.options.if_generation = 77;
  split(1'000, 99'000, request);
  std::istringstream lines(file("audit.log"));
  std::vector<std::string> line;
  for (std::string text; std::getline(lines, text);) line.push_back(text);
  ASSERT_EQ(line.size(), 3u);
  for (const auto& each : line) {
    EXPECT_NE(each.find("olga"), std::string::npos) << each;
    EXPECT_NE(each.find("canary looks good"), std::string::npos) << each;
  }
  EXPECT_NE(line[0].find("\"done\""), std::string::npos) << line[0];
  EXPECT_NE(line[0].find("green=5%"), std::string::npos) << line[0];
  EXPECT_NE(line[1].find("unchanged"), std::string::npos) << line[1];
  EXPECT_NE(line[2].find("refused: "), std::string::npos) << line[2];
}

TEST_F(ControlTest, history_has_the_latest_first) {
  Invocation request = by("olga");
  request.options.reason = "why not";
  ASSERT_TRUE(split(95'000, 5'000, request));
  const auto history = control->views().history("api", 10);
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].generation, 2u);
  EXPECT_EQ(history[0].verb, "split");
  EXPECT_EQ(history[0].actor, "olga");
  EXPECT_EQ(history[0].reason, "why not");
  EXPECT_EQ(history[0].services, std::vector<std::string>{"api"});
  EXPECT_EQ(history[1].verb, "start");
  EXPECT_TRUE(control->views().history("other", 10).empty());
  EXPECT_EQ(control->views().history("", 1).size(), 1u);
}

TEST_F(ControlTest, a_change_is_an_event) {
  const auto before = control->events().last_id();
  ASSERT_TRUE(split(95'000, 5'000));
  const auto slice = control->events().after(before);
  ASSERT_EQ(slice.events.size(), 1u);
  EXPECT_EQ(slice.events[0].type, "change");
  EXPECT_EQ(slice.events[0].service, "api");
  EXPECT_EQ(slice.events[0].detail.at("generation").to_number<int>(), 2);
}

TEST_F(ControlTest, D6_shutting_down_is_not_ready_first) {
  EXPECT_EQ(loop.run(control->shut_down()), 3u);
  EXPECT_FALSE(control->readiness().ready);
}

TEST_F(ControlTest, suspects_of_the_workers_are_ejected) {
  workers.on_suspect(live(0, 0).id);
  EXPECT_EQ(live(0, 0).health.load(), observe::Health::ejected);
  EXPECT_EQ(control->counters().ejections, 1u);
  EXPECT_EQ(control->events().after(0).events.back().type, "ejected");
}

TEST_F(ControlTest, may_go_while_a_change_waits_for_the_workers) {
  workers.hold_acknowledgements = true;
  std::optional<Reply> reply;
  loop.begin(control->change(by(), to({"blue", "green"}, {50'000, 50'000})), reply);
  ASSERT_TRUE(loop.run_until([this] { return !workers.held.empty(); }));
  control.reset();
  EXPECT_FALSE(reply);
}

TEST_F(ControlFixture, a_state_folder_that_cannot_be_is_an_error_at_the_start) {
  spec.state_dir = "/proc/no/such/folder";
  Control refused(loop.io, workers, store(), spec, options);
  EXPECT_NE(loop.run(refused.open()), "");
}

TEST_F(ControlFixture, a_full_disk_is_an_error_at_the_start) {
  disk.full = true;
  Control refused(loop.io, workers, store(), spec, options);
  EXPECT_NE(loop.run(refused.open()).find("No space left on device"), std::string::npos);
}

TEST_F(ControlFixture, a_port_in_use_is_an_error_at_the_start) {
  workers.listener_error = "127.0.0.1:80 (listener web): Address already in use (errno 98)";
  Control refused(loop.io, workers, store(), spec, options);
  EXPECT_EQ(loop.run(refused.open()), workers.listener_error);
}

}  // namespace
}  // namespace sluice::change
