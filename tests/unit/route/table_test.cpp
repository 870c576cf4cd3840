#include "proxy/route/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/heads.hpp"

namespace sluice::route {
namespace {

using ::testing::HasSubstr;
using testing::request;

config::RouteSpec to(std::string service, std::string host, std::string path) {
  config::RouteSpec spec;
  spec.service = std::move(service);
  spec.host = std::move(host);
  spec.path = std::move(path);
  return spec;
}

// Whether a table of this one route knows the request.
bool matches(const config::RouteSpec& spec, const http::RequestHead& head) {
  return RouteTable({spec}, {spec.service}).find(head).has_value();
}

TEST(RouteTable, TheFirstMatchInTheOrderWrittenWins) {
  const RouteTable table({to("a", "", "/a/b"), to("b", "", "/a"), to("c", "", "/a/b/c"), to("d", "", "/")},
                         {"d", "c", "b", "a"});
  EXPECT_EQ(table.find(request("GET", "x", "/a/b/c"))->service, 3u);
  EXPECT_EQ(table.find(request("GET", "x", "/a/b/c"))->route, 0u);
  EXPECT_EQ(table.find(request("GET", "x", "/a/c"))->service, 2u);
  EXPECT_EQ(table.find(request("GET", "x", "/z"))->service, 0u);
  EXPECT_EQ(table.size(), 4u);
}

TEST(RouteTable, WithoutARouteNothingMatches) {
  EXPECT_FALSE(RouteTable().find(request("GET", "x", "/")));
  EXPECT_FALSE(RouteTable({to("a", "", "/a")}, {"a"}).find(request("GET", "x", "/b")));
}

TEST(RouteTable, HostsWithoutCasePortAndFinalDot) {
  const auto spec = to("a", "Api.Example.com", "/");
  for (const auto* host : {"api.example.com", "API.EXAMPLE.COM", "api.example.com:8080", "api.example.com.",
                           "api.example.com.:80", "api.example.com:"})
    EXPECT_TRUE(matches(spec, request("GET", host, "/"))) << host;
  for (const auto* host : {"", "example.com", "xapi.example.com", "api.example.comx",
                           "api.example.com.evil.org", "api.example.com..", ":80", "[api.example.com]"})
    EXPECT_FALSE(matches(spec, request("GET", host, "/"))) << host;
}

TEST(RouteTable, AnIPv6HostKeepsItsColons) {
  const auto spec = to("a", "[2001:DB8::1]", "/");
  EXPECT_TRUE(matches(spec, request("GET", "[2001:db8::1]", "/")));
  EXPECT_TRUE(matches(spec, request("GET", "[2001:db8::1]:8080", "/")));
  EXPECT_FALSE(matches(spec, request("GET", "[2001:db8::2]:8080", "/")));
}

TEST(RouteTable, AWildcardStandsForOneLabelOrMore) {
  const auto spec = to("a", "*.Example.com", "/");
  for (const auto* host : {"a.example.com", "a.b.EXAMPLE.com:1", "a.example.com."})
    EXPECT_TRUE(matches(spec, request("GET", host, "/"))) << host;
  for (const auto* host : {"example.com", ".example.com", "aexample.com", "a.example.com.org", ""})
    EXPECT_FALSE(matches(spec, request("GET", host, "/"))) << host;
}

TEST(RouteTable, AnEmptyHostMatchesAnyAndNone) {
  EXPECT_TRUE(matches(to("a", "", "/"), request("GET", "", "/")));
  EXPECT_TRUE(matches(to("a", "", "/"), request("GET", "whoever", "/")));
}

TEST(RouteTable, PrefixesAreWholeSegments) {
  const auto api = to("a", "", "/api");
  for (const auto* path : {"/api", "/api/", "/api/x", "/api?x=1", "/api//x"})
    EXPECT_TRUE(matches(api, request("GET", "h", path))) << path;
  for (const auto* path : {"/apix", "/ap", "/", "/API", "//api", "/x/api"})
    EXPECT_FALSE(matches(api, request("GET", "h", path))) << path;

  const auto folder = to("a", "", "/static/");
  for (const auto* path : {"/static/", "/static/x", "/static/?q"})
    EXPECT_TRUE(matches(folder, request("GET", "h", path))) << path;
  for (const auto* path : {"/static", "/static?q=/static/", "/staticx/"})
    EXPECT_FALSE(matches(folder, request("GET", "h", path))) << path;
}

TEST(RouteTable, RootMatchesEverythingAndAnEmptyPathIsRoot) {
  for (const auto* written : {"/", ""})
    for (const auto* path : {"/", "/x", "//", "*"})
      EXPECT_TRUE(matches(to("a", "", written), request("OPTIONS", "h", path)));
}

// The policy that the header file states: bytes as they arrived.
TEST(RouteTable, NothingIsNormalised) {
  const auto api = to("a", "", "/api");
  EXPECT_FALSE(matches(api, request("GET", "h", "/%61pi")));
  EXPECT_FALSE(matches(api, request("GET", "h", "/x/../api")));
  EXPECT_FALSE(matches(api, request("GET", "h", "/./api")));
  EXPECT_FALSE(matches(api, request("GET", "h", "/api%2Fx")));
  EXPECT_TRUE(matches(api, request("GET", "h", "/api/../admin")));
}

TEST(RouteTable, EveryHeaderMustBeThereWithExactlyItsValue) {
  auto spec = to("a", "", "/");
  spec.headers = {{"X-Beta", "1"}, {"X-Region", "EU"}};
  EXPECT_TRUE(matches(spec, request("GET", "h", "/", {{"x-region", "EU"}, {"x-beta", "1"}})));
  EXPECT_TRUE(
      matches(spec, request("GET", "h", "/", {{"X-Beta", "0"}, {"X-Beta", "1"}, {"X-Region", "EU"}})));
  EXPECT_FALSE(matches(spec, request("GET", "h", "/", {{"X-Beta", "1"}})));
  EXPECT_FALSE(matches(spec, request("GET", "h", "/", {{"X-Beta", "1"}, {"X-Region", "eu"}})));
  EXPECT_FALSE(matches(spec, request("GET", "h", "/", {{"X-Beta", "1,2"}, {"X-Region", "EU"}})));
  EXPECT_FALSE(matches(spec, request("GET", "h", "/")));
}

TEST(RouteTable, MethodsAreExact) {
  auto spec = to("a", "", "/");
  spec.methods = {"GET", "POST"};
  EXPECT_TRUE(matches(spec, request("GET", "h", "/")));
  EXPECT_TRUE(matches(spec, request("POST", "h", "/")));
  EXPECT_FALSE(matches(spec, request("HEAD", "h", "/")));
  EXPECT_FALSE(matches(spec, request("get", "h", "/")));
}

TEST(RouteTable, StripPrefixIsWithoutTheFinalSlash) {
  for (const auto& [written, stripped] : std::vector<std::pair<std::string, std::string>>{
           {"/static/", "/static"}, {"/static", "/static"}, {"/", ""}, {"", ""}, {"/a/b/", "/a/b"}}) {
    auto spec = to("a", "", written);
    const auto target = written + (written.ends_with('/') ? "x" : "/x");
    EXPECT_EQ(RouteTable({spec}, {"a"}).find(request("GET", "h", target))->strip_prefix, "") << written;
    spec.strip_prefix = true;
    const RouteTable table({spec}, {"a"});
    EXPECT_EQ(table.find(request("GET", "h", target))->strip_prefix, stripped) << written;
  }
}

TEST(RouteTable, WhyNamesWhatDoesNotMatch) {
  auto spec = to("api", "*.example.com", "/v1");
  spec.methods = {"GET", "POST"};
  spec.headers = {{"X-Beta", "1"}};
  const RouteTable table({to("web", "www.example.com", "/"), spec}, {"web", "api"});
  EXPECT_EQ(table.why(1, request("GET", "a.example.com", "/v1/x", {{"X-Beta", "1"}})),
            "route 2 (host *.example.com, path /v1, methods GET and POST, X-Beta: 1) matches: service api");
  EXPECT_EQ(table.why(0, request("GET", "a.example.com:80", "/")),
            "route 1 (host www.example.com, path /) does not match: the host is 'a.example.com'");
  EXPECT_THAT(table.why(1, request("GET", "a.example.com", "/v2")), HasSubstr("the path is '/v2'"));
  EXPECT_THAT(table.why(1, request("PUT", "a.example.com", "/v1")),
              HasSubstr("the method is 'PUT', the route takes GET and POST"));
  EXPECT_THAT(table.why(1, request("GET", "a.example.com", "/v1")),
              HasSubstr("header X-Beta is absent, not '1'"));
  EXPECT_THAT(table.why(1, request("GET", "a.example.com", "/v1", {{"x-beta", "2"}})),
              HasSubstr("header X-Beta is '2', not '1'"));
}

// find() and why() must never say different things.
TEST(RouteTable, WhyAgreesWithFind) {
  auto beta = to("beta", "", "/");
  beta.headers = {{"X-Beta", "1"}};
  const RouteTable table({beta, to("a", "a.org", "/x"), to("b", "*.a.org", "/")}, {"beta", "a", "b"});
  for (const auto* host : {"a.org", "b.a.org", "c.org"}) {
    for (const auto* path : {"/", "/x", "/x/y", "/xy"}) {
      const auto head = request("GET", host, path);
      const auto match = table.find(head);
      for (std::size_t i = 0; i < table.size() && !(match && i > match->route); ++i) {
        const bool says = table.why(i, head).find(" matches: ") != std::string::npos;
        EXPECT_EQ(says, match && match->route == i) << host << path << " route " << i;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::route
