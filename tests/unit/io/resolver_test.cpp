#include "control/io/resolver.hpp"

#include <gtest/gtest.h>

#include "proxy/base/values.hpp"
#include "unit/change/snapshots.hpp"
#include "unit/io/loop.hpp"

namespace sluice::io {
namespace {

using namespace change;

using namespace std::chrono_literals;
using boost::asio::awaitable;

struct Names : testing::Test {
  Loop loop;
  std::map<std::string, Found> says;
  std::vector<std::string> asked;
  Resolver resolver{
      loop.io.get_executor(), answering(loop.io.get_executor(), [this](const NameQuestion& question) {
        asked.push_back(question.name);
        const auto found = says.find(question.name);
        return found == says.end() ? nowhere("there is no such name (NXDOMAIN)") : found->second;
      })};

  Names() { resolver.limits(20ms, 50ms); }
  void resolve(std::vector<std::string> addresses) { loop.run(resolve_all(resolver, std::move(addresses))); }
  std::string text_of(const std::string& address) {
    std::string text;
    for (const auto& endpoint : resolver.find(address))
      text += (text.empty() ? "" : " ") + to_string(endpoint);
    return text;
  }
};

TEST_F(Names, literals_and_sockets_are_known_at_once) {
  EXPECT_EQ(text_of("127.0.0.1:9001"), "127.0.0.1:9001");
  EXPECT_EQ(text_of("[::1]:80"), "[::1]:80");
  EXPECT_EQ(text_of("unix:/run/app.sock"), "unix:/run/app.sock");
  EXPECT_EQ(resolver.error_of("[::1]:80"), "");
  EXPECT_FALSE(resolver.standing("127.0.0.1:9001"));
}

TEST_F(Names, a_name_is_all_its_addresses) {
  says["api.test"] = at({"10.0.0.7", "::1"});
  EXPECT_EQ(resolver.error_of("api.test:80"), "cannot be resolved: 'api.test': no answer yet");
  resolve({"api.test:80", "127.0.0.1:1"});
  EXPECT_EQ(text_of("api.test:80"), "10.0.0.7:80 [::1]:80");
  EXPECT_EQ(text_of("api.test:81"), "10.0.0.7:81 [::1]:81") << "a host is looked up once for all its ports";
  EXPECT_EQ(resolver.error_of("api.test:80"), "");
}

TEST_F(Names, a_failed_look_up_keeps_the_last_answer_and_says_since_when) {
  says["api.test"] = at({"10.0.0.7"}, 0s);
  resolve({"api.test:80"});
  resolver.keep({"api.test:80"});
  const auto since = resolver.standing("api.test:80")->since;
  says.clear();
  ASSERT_TRUE(loop.run_until([this] { return resolver.standing("api.test:80")->stale.has_value(); }));
  EXPECT_EQ(text_of("api.test:80"), "10.0.0.7:80");
  EXPECT_EQ(resolver.standing("api.test:80")->error, "there is no such name (NXDOMAIN)");
  EXPECT_EQ(resolver.standing("api.test:80")->since, since);
  const auto stale = resolver.standing("api.test:80")->stale;
  const auto looks = asked.size();
  ASSERT_TRUE(loop.run_until([&] { return asked.size() > looks + 1; }));
  EXPECT_EQ(resolver.standing("api.test:80")->stale, stale) << "since the first failure";
  says["api.test"] = at({"10.0.0.7"}, 0s);
  ASSERT_TRUE(loop.run_until([this] { return !resolver.standing("api.test:80")->stale; }));
  EXPECT_EQ(resolver.standing("api.test:80")->since, since) << "the same address";
}

TEST_F(Names, changes_are_counted_and_another_order_is_none) {
  says["api.test"] = at({"10.0.0.7", "10.0.0.8"}, 0s);
  resolve({"api.test:80"});
  resolver.keep({"api.test:80"});
  const auto before = resolver.changes();
  says["api.test"] = at({"10.0.0.8", "10.0.0.7"}, 0s);
  const auto looks = asked.size();
  ASSERT_TRUE(loop.run_until([&] { return asked.size() > looks + 2; }));
  EXPECT_EQ(resolver.changes(), before);
  says["api.test"] = at({"10.0.0.9", "10.0.0.8"}, 0s);
  ASSERT_TRUE(loop.run_until([&] { return resolver.changes() > before; }));
  EXPECT_EQ(text_of("api.test:80"), "10.0.0.8:80 10.0.0.9:80") << "what stays keeps its place";
}

TEST_F(Names, a_failed_connection_brings_the_next_look_forward_but_not_below_the_least) {
  resolver.limits(20ms, 1h);
  says["api.test"] = at({"10.0.0.7"}, 3600s);
  resolve({"api.test:80"});
  resolver.keep({"api.test:80"});
  says["api.test"] = at({"10.0.0.8"}, 3600s);
  const auto began = Clock::now();
  resolver.hurry("api.test:80");
  ASSERT_TRUE(loop.run_until([this] { return text_of("api.test:80") == "10.0.0.8:80"; }));
  EXPECT_GE(Clock::now() - began, 15ms);
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(Names, SRV_records_lead_to_hosts_that_are_looked_up_as_well) {
  Found srv;
  srv.services = {{"b.test", 8002, 20, 1}, {"a.test", 8001, 10, 0}};
  srv.ttl = 30s;
  says["_http._tcp.test"] = srv;
  says["a.test"] = at({"10.0.0.1", "10.0.0.2"});
  says["b.test"] = at({"10.0.0.3"});
  resolve({"srv:_http._tcp.test"});
  const auto members = resolver.members("srv:_http._tcp.test");
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(to_string(members[0].endpoint), "10.0.0.1:8001");
  EXPECT_EQ(to_string(members[1].endpoint), "10.0.0.2:8001");
  EXPECT_EQ(members[0].part, 0.5) << "weights of 0 alone count alike";
  EXPECT_EQ(members[0].tier, 0u);
  EXPECT_EQ(to_string(members[2].endpoint), "10.0.0.3:8002");
  EXPECT_EQ(members[2].tier, 1u);
  EXPECT_EQ(members[2].part, 1.0);
}

TEST_F(Names, SRV_records_whose_hosts_are_unknown_say_so) {
  Found srv;
  srv.services = {{"a.test", 8001, 10, 0}};
  says["_http._tcp.test"] = srv;
  resolve({"srv:_http._tcp.test"});
  EXPECT_EQ(
      resolver.error_of("srv:_http._tcp.test"),
      "cannot be resolved: '_http._tcp.test' (SRV): its host 'a.test': there is no such name (NXDOMAIN)");
}

TEST(Resolver, a_slow_name_server_holds_a_change_up_for_the_limit_only) {
  Loop loop;
  std::vector<Answered> waiting;
  Resolver resolver(loop.io.get_executor(),
                    [&waiting](NameQuestion, Answered answered) { waiting.push_back(std::move(answered)); });
  const auto began = Clock::now();
  EXPECT_TRUE(loop.run(resolve_all(resolver, {"slow.test:80"})));
  EXPECT_GE(Clock::now() - began, Resolver::kLimit);
  EXPECT_TRUE(resolver.find("slow.test:80").empty());
  ASSERT_EQ(waiting.size(), 1u);
  waiting[0](at({"10.0.0.7"}));
  EXPECT_FALSE(resolver.find("slow.test:80").empty());
}

TEST(Resolver, may_go_while_a_look_up_is_under_way) {
  Loop loop;
  Answered late;
  {
    Resolver resolver(loop.io.get_executor(),
                      [&late](NameQuestion, Answered answered) { late = std::move(answered); });
    std::optional<bool> resolved;
    loop.begin(resolve_all(resolver, {"slow.test:80"}), resolved);
    loop.io.poll();
    ASSERT_TRUE(loop.run_until([&] { return resolved.has_value(); }));
  }
  late(at({"10.0.0.7"}));
}

TEST(Dns, the_machine_knows_localhost) {
  Loop loop;
  Dns dns(loop.io.get_executor());
  std::optional<Found> found;
  dns.ask({"localhost", false}, [&found](Found answer) { found = std::move(answer); });
  EXPECT_FALSE(found) << "never from inside the call";
  ASSERT_TRUE(loop.run_until([&] { return found.has_value(); }));
  EXPECT_EQ(found->error, "");
  EXPECT_FALSE(found->addresses.empty());
}

}  // namespace
}  // namespace sluice::io
