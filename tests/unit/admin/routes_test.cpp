// The API's paths, methods and parameters, and who may ask over TCP.
#include "control/admin/routes.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/admin/access.hpp"

namespace sluice::admin {
namespace {

using Names = std::vector<std::string>;

void expect_match(const char* method, const char* path, const char* pattern, Names names = {}) {
  const auto matched = match(method, path, {});
  ASSERT_TRUE(matched) << method << " " << path << ": " << matched.error().problem.detail;
  const auto& route = matched->endpoint->route;
  EXPECT_EQ(route.path, pattern) << method << " " << path;
  EXPECT_EQ(route.method, std::string(method) == "HEAD" ? "GET" : method) << path;
  Names found;
  for (const auto& [word, name] : matched->names) found.push_back(name);
  EXPECT_EQ(found, names) << method << " " << path;
}

TEST(Routes, ThePathsOfTheContract) {
  for (const char* look :
       {"/v1/status", "/v1/history", "/v1/events", "/v1/wait", "/v1/config", "/metrics", "/livez", "/readyz",
        "/", "/page.css", "/page.js", "/v1/endpoints", "/v1/whoami", "/v1/history/samples"})
    expect_match("GET", look, look);
  expect_match("HEAD", "/v1/status", "/v1/status");
  for (const char* change :
       {"/v1/cutover", "/v1/rollback", "/v1/undo", "/v1/redo", "/v1/reload", "/v1/explain"})
    expect_match("POST", change, change);
  expect_match("PUT", "/v1/services/api/split", "/v1/services/{service}/split", {"api"});
  expect_match("POST", "/v1/services/api/rollback", "/v1/services/{service}/rollback", {"api"});
  const std::string pool = "/v1/services/api/pools/blue", backend = pool + "/backends/127.0.0.1:9001";
  const std::string pool_pattern = "/v1/services/{service}/pools/{pool}",
                    pattern = pool_pattern + "/backends/{backend}";
  const Names names{"api", "blue", "127.0.0.1:9001"};
  for (const char* method : {"PUT", "PATCH", "DELETE"})
    expect_match(method, backend.c_str(), pattern.c_str(), names);
  for (const std::string verb : {"/drain", "/ready", "/maint"}) {
    expect_match("POST", (backend + verb).c_str(), (pattern + verb).c_str(), names);
    expect_match("POST", (pool + verb).c_str(), (pool_pattern + verb).c_str(), {"api", "blue"});
  }
  expect_match("PUT", "/v1/services/a%2Fb%20c/split", "/v1/services/{service}/split", {"a/b c"});
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

TEST(Routes, WhatHoldsNoStateNeedsNoToken) {
  for (const auto& endpoint : endpoints())
    EXPECT_EQ(is_public(endpoint.route.path), endpoint.route.needs == Role::none) << endpoint.route.path;
}

TEST(Access, WhatIsNoKnownTokenIsRefusedWithWhatToDo) {
  EXPECT_EQ(bearer_of("Bearer secret"), "secret");
  EXPECT_EQ(bearer_of("bearer secret"), "secret");
  for (const char* wrong : {"", "secret", "Bearer", "Bearer ", "Basic secret"})
    EXPECT_EQ(bearer_of(wrong), "") << wrong;
  EXPECT_EQ(no_token("Bearer x", true, "admin.http").status, 401);
  EXPECT_EQ(no_token("Bearer x", true, "admin.http").exit, protocol::Exit::refused);
  EXPECT_EQ(no_token("Bearer x", false, "admin.http").status, 403) << "no file: nothing is enough";
}

TEST(Access, ARoleMayWhatThoseBelowItMay) {
  using config::Role;
  EXPECT_FALSE(check_role(Role::admin, Role::viewer));
  EXPECT_FALSE(check_role(Role::viewer, Role::viewer));
  EXPECT_FALSE(check_role(Role::none, Role::none));
  EXPECT_EQ(check_role(Role::viewer, Role::operate)->detail, "this needs the role operator, yours is viewer");
  EXPECT_EQ(check_role(Role::operate, Role::admin)->status, 403);
  EXPECT_EQ(check_role(Role::none, Role::viewer)->exit, protocol::Exit::refused);
}

TEST(Access, TheMostThatARuleGives) {
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

TEST(Access, PagesOfOtherSitesMayNotAsk) {
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
