#include "control/core/resolver.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

#include "proxy/base/values.hpp"
#include "unit/core/loop.hpp"
#include "unit/core/snapshots.hpp"

namespace sluice::core {
namespace {

using boost::asio::awaitable;

awaitable<bool> resolve(Resolver& resolver, std::initializer_list<const char*> addresses) {
  return resolve_all(resolver, {addresses.begin(), addresses.end()});
}

Lookup at(const char* ip) {
  const auto address = parse_address(std::string(ip) + ":1");
  return {literal(*address), ""};
}

std::string text_of(const Resolver& resolver, const std::string& address) {
  const auto endpoint = resolver.find(address);
  return endpoint ? to_string(*endpoint) : "";
}

TEST(Resolver, literals_are_known_at_once) {
  Loop loop;
  const Resolver resolver(loop.io.get_executor());
  EXPECT_EQ(text_of(resolver, "127.0.0.1:9001"), "127.0.0.1:9001");
  EXPECT_EQ(text_of(resolver, "[::1]:80"), "[::1]:80");
  EXPECT_EQ(resolver.error_of("[::1]:80"), "");
}

TEST(Resolver, names_are_known_when_they_were_looked_up) {
  Loop loop;
  Resolver resolver(loop.io.get_executor(), [](const std::string&) { return at("10.0.0.7"); });
  EXPECT_FALSE(resolver.find("api.test:80"));
  EXPECT_EQ(resolver.error_of("api.test:80"), "'api.test' does not resolve: no answer yet");
  EXPECT_TRUE(loop.run(resolve(resolver, {"api.test:80", "127.0.0.1:1"})));
  EXPECT_EQ(text_of(resolver, "api.test:80"), "10.0.0.7:80");
  EXPECT_EQ(text_of(resolver, "api.test:81"), "10.0.0.7:81") << "a host is looked up once for all its ports";
}

TEST(Resolver, the_system_knows_localhost) {
  Loop loop;
  Resolver resolver(loop.io.get_executor());
  EXPECT_TRUE(loop.run(resolve(resolver, {"localhost:80"})));
  EXPECT_TRUE(resolver.find("localhost:80")) << resolver.error_of("localhost:80");
}

TEST(Resolver, a_failed_look_up_later_keeps_the_last_answer) {
  Loop loop;
  std::atomic<int> asked{0};
  Resolver resolver(loop.io.get_executor(), [&asked](const std::string&) {
    return asked++ == 0 ? at("10.0.0.7") : Lookup{std::nullopt, "try again"};
  });
  loop.run(resolve(resolver, {"api.test:80"}));
  EXPECT_FALSE(loop.run(resolver.refresh({"api.test:80"})));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(text_of(resolver, "api.test:80"), "10.0.0.7:80");
}

TEST(Resolver, refresh_tells_a_new_address) {
  Loop loop;
  std::atomic<int> asked{0};
  Resolver resolver(loop.io.get_executor(),
                    [&asked](const std::string&) { return at(asked++ == 0 ? "10.0.0.7" : "10.0.0.8"); });
  loop.run(resolve(resolver, {"api.test:80"}));
  EXPECT_TRUE(loop.run(resolver.refresh({"api.test:80"})));
  EXPECT_EQ(text_of(resolver, "api.test:80"), "10.0.0.8:80");
  EXPECT_FALSE(loop.run(resolver.refresh({"api.test:80"})));
}

TEST(Resolver, a_slow_name_server_holds_a_change_up_for_the_limit_only) {
  Loop loop;
  const auto release = std::make_shared<std::promise<void>>();
  const std::shared_future<void> released = release->get_future();
  const auto began = Clock::now();
  {
    Resolver resolver(loop.io.get_executor(), [released](const std::string&) {
      released.wait();
      return at("10.0.0.7");
    });
    EXPECT_TRUE(loop.run(resolve(resolver, {"slow.test:80"})));
    EXPECT_GE(Clock::now() - began, Resolver::kLimit);
    EXPECT_FALSE(resolver.find("slow.test:80"));
    release->set_value();
    EXPECT_TRUE(loop.run_until([&] { return resolver.find("slow.test:80").has_value(); }));
  }
}

TEST(Resolver, may_go_while_a_look_up_is_under_way) {
  Loop loop;
  const auto release = std::make_shared<std::promise<void>>();
  const auto finished = std::make_shared<std::promise<void>>();
  const std::shared_future<void> released = release->get_future();
  {
    Resolver resolver(loop.io.get_executor(), [released, finished](const std::string&) {
      released.wait();
      finished->set_value();
      return at("10.0.0.7");
    });
    std::optional<bool> resolved;
    loop.begin(resolve(resolver, {"slow.test:80"}), resolved);
    loop.io.poll();
    // The coroutine waits in the resolver: it has to end before the resolver does.
    release->set_value();
    ASSERT_TRUE(loop.run_until([&] { return resolved.has_value(); }));
  }
  finished->get_future().wait();
  loop.io.restart();
  loop.io.poll();
}

}  // namespace
}  // namespace sluice::core
