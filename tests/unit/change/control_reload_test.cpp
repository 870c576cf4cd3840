// The configuration read again: T2, T3, C4.
#include "proxy/config/load.hpp"
#include "unit/change/control_fixture.hpp"

namespace sluice::change {
namespace {

using protocol::Exit;

const char kConfig[] = R"(
listeners: [{name: web, bind: "127.0.0.1:8080"}]
state_dir: STATE
services:
  api:
    pools:
      blue: {backends: ["127.0.0.1:9001", "127.0.0.1:9002"]}
      green: {backends: ["127.0.0.1:9101", "127.0.0.1:9102"]}
    split: {blue: BLUE, green: GREEN}
    timeouts: {connect: CONNECT}
routes: [{path: /, service: api}]
)";

struct ReloadTest : ControlFixture {
  ReloadTest() {
    options.config_file = folder.path + "/sluice.yaml";
    write("100%", "0%");
    auto loaded = config::load_file(options.config_file);
    EXPECT_TRUE(loaded.spec) << (loaded.complaints.empty() ? "" : loaded.complaints[0].text());
    if (loaded.spec) spec = *loaded.spec;
    start();
  }
  void write(const std::string& blue, const std::string& green, const std::string& connect = "1s") {
    std::string text = kConfig;
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"STATE", folder.path}, {"BLUE", blue}, {"GREEN", green}, {"CONNECT", connect}})
      text.replace(text.find(from), from.size(), to);
    write_text(text);
  }
  void write_text(const std::string& text) { std::ofstream(options.config_file) << text; }
  Reply reload(Invocation invocation = by()) {
    return loop.run(control->change(std::move(invocation), protocol::Reload{}));
  }
};

TEST_F(ReloadTest, what_says_the_same_is_unchanged) {
  const auto reply = reload();
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_FALSE(reply->changed);
  EXPECT_EQ(control->generation(), 1u);
}

TEST_F(ReloadTest, a_new_setting_is_a_new_generation_and_keeps_the_sequence) {
  const auto sequence = in_force().services[0].sequence;
  write("100%", "0%", "3s");
  const auto reply = reload();
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_EQ(reply->generation, 2u);
  EXPECT_EQ(in_force().services[0].spec.timeouts.connect, std::chrono::seconds(3));
  EXPECT_EQ(in_force().services[0].sequence, sequence);
}

TEST_F(ReloadTest, T2_a_runtime_split_stays_unless_the_configured_one_changed) {
  ASSERT_TRUE(split(95'000, 5'000));
  write("100%", "0%", "3s");
  ASSERT_TRUE(reload());
  EXPECT_EQ(share(1), 5'000u);
  write("50%", "50%", "3s");
  const auto reply = reload();
  ASSERT_TRUE(reply);
  EXPECT_EQ(share(1), 50'000u);
  EXPECT_EQ(reply->more.at("conflicts").as_array().size(), 1u);
}

TEST_F(ReloadTest, a_bad_configuration_changes_nothing_and_is_shown) {
  write_text("listeners: [{name: web, bind: \"127.0.0.1:8080\"}]\nservcies: {}\n");
  const auto reply = reload();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::usage);
  EXPECT_NE(reply.error().detail.find(options.config_file + ":2:1: "), std::string::npos)
      << reply.error().detail;
  EXPECT_EQ(control->generation(), 1u);
  EXPECT_EQ(control->counters().reloads_failed, 1u);
}

TEST_F(ReloadTest, a_port_in_use_changes_nothing) {
  write("50%", "50%");
  workers.listener_error = "127.0.0.1:8080 (listener web): Address already in use (errno 98)";
  const auto reply = reload();
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().exit, Exit::refused);
  EXPECT_NE(reply.error().detail.find("errno 98"), std::string::npos);
  EXPECT_EQ(share(1), 0u);
  workers.listener_error.clear();
  EXPECT_TRUE(reload());
  EXPECT_EQ(share(1), 50'000u);
}

TEST_F(ReloadTest, a_full_disk_changes_nothing) {
  write("50%", "50%", "3s");
  disk.full = true;
  const auto reply = reload();
  ASSERT_FALSE(reply);
  EXPECT_EQ(share(1), 0u);
  EXPECT_EQ(control->spec().services[0].timeouts.connect, std::chrono::seconds(1));
}

TEST_F(ReloadTest, a_dry_run_tells_what_would_change) {
  write("50%", "50%");
  Invocation invocation = by();
  invocation.options.dry_run = true;
  const auto reply = reload(invocation);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->changed);
  EXPECT_EQ(reply->after.at("api").at("green").as_string(), "50%");
  EXPECT_EQ(share(1), 0u);
}

TEST_F(ReloadTest, effective_spec_has_what_was_changed_at_run_time) {
  ASSERT_TRUE(split(95'000, 5'000));
  protocol::Add add;
  add.target = target("blue", "b3");
  add.address = "127.0.0.1:9003";
  ASSERT_TRUE(loop.run(control->change(by(), add)));
  const auto effective = control->views().effective_spec();
  EXPECT_EQ(effective.services[0].split[1].second, 5'000u);
  EXPECT_EQ(effective.services[0].pools[0].backends.size(), 3u);
  EXPECT_EQ(effective.services[0].pools[0].backends[2].address.port, 9003);
}

TEST_F(ReloadTest, what_needs_a_restart_is_said) {
  std::string text = kConfig;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"STATE", folder.path}, {"BLUE", "100%"}, {"GREEN", "0%"}, {"CONNECT", "1s"}})
    text.replace(text.find(from), from.size(), to);
  write_text(text + "workers: 7\n");
  const auto reply = reload();
  ASSERT_TRUE(reply) << reply.error().detail;
  ASSERT_EQ(reply->more.at("warnings").as_array().size(), 1u);
  EXPECT_EQ(control->spec().workers, 0u);
}

}  // namespace
}  // namespace sluice::change
