// The API's paths, methods and parameters, and who may ask over TCP.
#include "control/admin/routes.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/admin/guard.hpp"

namespace sluice::admin {
namespace {

using Names = std::vector<std::string>;

void expect_match(const char* method, const char* path, Endpoint endpoint, Names names = {}) {
  const auto matched = match(method, path, {});
  ASSERT_TRUE(matched) << method << " " << path << ": " << matched.error().problem.detail;
  EXPECT_EQ(matched->endpoint, endpoint) << method << " " << path;
  EXPECT_EQ(matched->names, names) << method << " " << path;
}

TEST(Routes, ThePathsOfTheContract) {
  expect_match("GET", "/v1/status", Endpoint::status);
  expect_match("HEAD", "/v1/status", Endpoint::status);
  expect_match("PUT", "/v1/services/api/split", Endpoint::split, {"api"});
  expect_match("POST", "/v1/cutover", Endpoint::cutover);
  expect_match("POST", "/v1/services/api/rollback", Endpoint::rollback_service, {"api"});
  expect_match("POST", "/v1/rollback", Endpoint::rollback);
  expect_match("POST", "/v1/undo", Endpoint::undo);
  const char* backend = "/v1/services/api/pools/blue/backends/127.0.0.1:9001";
  const Names names{"api", "blue", "127.0.0.1:9001"};
  expect_match("PUT", backend, Endpoint::put_backend, names);
  expect_match("PATCH", backend, Endpoint::patch_backend, names);
  expect_match("DELETE", backend, Endpoint::delete_backend, names);
  for (const auto& [verb, endpoint] :
       {std::pair("drain", Endpoint::drain), std::pair("ready", Endpoint::ready),
        std::pair("maint", Endpoint::maint)}) {
    expect_match("POST", (std::string(backend) + "/" + verb).c_str(), endpoint, names);
    expect_match("POST", (std::string("/v1/services/api/pools/blue/") + verb).c_str(), endpoint,
                 {"api", "blue"});
  }
  expect_match("POST", "/v1/explain", Endpoint::explain);
  expect_match("GET", "/v1/history", Endpoint::history);
  expect_match("GET", "/v1/events", Endpoint::events);
  expect_match("GET", "/v1/wait", Endpoint::wait);
  expect_match("POST", "/v1/reload", Endpoint::reload);
  expect_match("GET", "/v1/config", Endpoint::config);
  expect_match("GET", "/metrics", Endpoint::metrics);
  expect_match("GET", "/livez", Endpoint::livez);
  expect_match("GET", "/readyz", Endpoint::readyz);
  expect_match("GET", "/", Endpoint::root);
  expect_match("PUT", "/v1/services/a%2Fb%20c/split", Endpoint::split, {"a/b c"});
}

TEST(Routes, WrongMethodsAre405WithAllow) {
  EXPECT_EQ(match("GET", "/v1/cutover", {}).error().allow, "POST");
  EXPECT_EQ(match("GET", "/v1/cutover", {}).error().problem.status, 405);
  EXPECT_EQ(match("POST", "/v1/services/a/pools/b/backends/c", {}).error().allow, "PUT, PATCH, DELETE");
  EXPECT_EQ(match("DELETE", "/metrics", {}).error().allow, "GET");
}

TEST(Routes, UnknownPathsAre404AndBrokenOnes400) {
  for (const char* path : {"/v1", "/v1/", "/v2/status", "/v1/status/", "/v1/services//split",
                           "/v1/services/api/split/x", "//", "/metrics2"})
    EXPECT_EQ(match("GET", path, {}).error().problem.status, 404) << path;
  EXPECT_EQ(match("GET", "/v1/services/%zz/split", {}).error().problem.status, 400);
}

TEST(Routes, UnknownParametersAreNamed) {
  EXPECT_TRUE(match("PUT", "/v1/services/api/split", {"dry_run", "rest", "force", "reason"}));
  const auto wrong = match("POST", "/v1/cutover", {"dryrun"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().problem.status, 400);
  EXPECT_EQ(wrong.error().problem.field, "dryrun");
  EXPECT_EQ(wrong.error().problem.suggestion, "did you mean 'dry_run'?");
  EXPECT_FALSE(match("GET", "/metrics", {"x"}));
}

TEST(Routes, ProtocolMdNamesEveryEndpoint) {
  std::ifstream in(SLUICE_SOURCE_DIR "/control/PROTOCOL.md");
  std::stringstream text;
  text << in.rdbuf();
  std::istringstream lines(endpoint_list());
  for (std::string method, path; lines >> method >> path;)
    EXPECT_NE(text.str().find("`" + method + " " + path), std::string::npos) << method << " " << path;
}

TEST(Guard, WhatIsNoKnownTokenIsRefusedWithWhatToDo) {
  EXPECT_EQ(bearer_of("Bearer secret"), "secret");
  EXPECT_EQ(bearer_of("bearer secret"), "secret");
  for (const char* wrong : {"", "secret", "Bearer", "Bearer ", "Basic secret"})
    EXPECT_EQ(bearer_of(wrong), "") << wrong;
  EXPECT_EQ(no_token("Bearer x", true, "admin.http").status, 401);
  EXPECT_EQ(no_token("Bearer x", true, "admin.http").exit, protocol::Exit::refused);
  EXPECT_EQ(no_token("Bearer x", false, "admin.http").status, 403) << "no file: nothing is enough";
}

TEST(Guard, ARoleMayWhatThoseBelowItMay) {
  using config::Role;
  EXPECT_FALSE(check_role(Role::admin, Role::viewer));
  EXPECT_FALSE(check_role(Role::viewer, Role::viewer));
  EXPECT_FALSE(check_role(Role::none, Role::none));
  EXPECT_EQ(check_role(Role::viewer, Role::operate)->detail, "this needs the role operator, yours is viewer");
  EXPECT_EQ(check_role(Role::operate, Role::admin)->status, 403);
  EXPECT_EQ(check_role(Role::none, Role::viewer)->exit, protocol::Exit::refused);
}

TEST(Guard, TheMostThatARuleGives) {
  using config::Role;
  const std::vector<config::RoleSpec> roles = {{Role::viewer, "", "staff", {}, 50, {}},
                                               {Role::operate, "ann", "", 1000, {}, {}},
                                               {Role::viewer, "ann", "", 1000, {}, {}}};
  const std::vector<std::uint32_t> none, staff = {7, 50};
  EXPECT_EQ(role_of(1000, none, 99, roles), Role::operate);
  EXPECT_EQ(role_of(1001, staff, 99, roles), Role::viewer);
  EXPECT_EQ(role_of(1001, none, 99, roles), Role::none);
  EXPECT_EQ(role_of(50, none, 99, roles), Role::none) << "a group's number is no user's";
  EXPECT_EQ(role_of(0, none, 99, roles), Role::admin);
  EXPECT_EQ(role_of(99, none, 99, roles), Role::admin) << "the daemon's own";
  EXPECT_EQ(role_of(1001, none, 99, {}), Role::admin) << "without rules the socket's mode decides";
}

TEST(Guard, PagesOfOtherSitesMayNotAsk) {
  for (const char* host :
       {"127.0.0.1:9900", "[::1]:9900", "localhost", "LOCALHOST:9900", "admin.internal:9900", "10.1.2.3"})
    EXPECT_FALSE(check_browser(host, "", "admin.internal")) << host;
  for (const char* host : {"", "evil.example", "evil.example:9900", "localhost.evil.example",
                           "127.0.0.1.evil.example", "[", "[]"})
    EXPECT_EQ(check_browser(host, "", "127.0.0.1").value_or(protocol::Problem{}).status, 403) << host;
  EXPECT_FALSE(check_browser("127.0.0.1:9900", "http://127.0.0.1:9900", "127.0.0.1"));
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:8080", "https://"})
    EXPECT_TRUE(check_browser("127.0.0.1:9900", origin, "127.0.0.1")) << origin;
}

}  // namespace
}  // namespace sluice::admin
