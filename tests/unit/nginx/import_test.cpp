// What an nginx configuration becomes: read back by the loader that the daemon uses.
#include "control/nginx/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "control/nginx/upstream.hpp"
#include "proxy/config/load.hpp"

namespace sluice::nginx {
namespace {

using testing::HasSubstr;

std::string file(const std::string& name) {
  std::ifstream in(SLUICE_SOURCE_DIR "/tests/support/" + name);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Made {
  Imported imported;
  config::Spec spec;

  const config::ServiceSpec& service(const std::string& name) const { return *spec.service(name); }
  Share share(const std::string& service, const std::string& pool) const {
    for (const auto& [name, share] : spec.service(service)->split)
      if (name == pool) return share;
    return kWhole + 1;
  }
  bool says(int line, const std::string& text) const {
    for (const auto& note : imported.notes)
      if (note.line == line && note.text.find(text) != std::string::npos) return true;
    return false;
  }
};

Made make(const std::string& text) {
  const auto imported = import_text(text, "test.conf");
  if (!imported) {
    ADD_FAILURE() << imported.error().place.line << ": " << imported.error().what;
    return {};
  }
  auto loaded = config::load_text(imported->yaml, "test.yaml");
  for (const auto& complaint : loaded.complaints) ADD_FAILURE() << complaint.text() << "\n" << imported->yaml;
  return {*imported, loaded.spec.value_or(config::Spec{})};
}

TEST(Import, TheGuidesCanaryStagesBecomeShares) {
  const auto five = make(file("guide/nginx-canary-5.conf"));
  EXPECT_EQ(five.share("backend", "stable"), 95'000u);
  EXPECT_EQ(five.share("backend", "canary"), 5'000u);
  EXPECT_TRUE(five.imported.notes.empty()) << five.imported.yaml;
  const auto quarter = make(file("guide/nginx-canary-25.conf"));
  EXPECT_EQ(quarter.share("backend", "canary"), 25'000u);
  const auto* canary = quarter.service("backend").pool("canary");
  ASSERT_EQ(canary->backends.size(), 2u);
  EXPECT_EQ(canary->backends[0].weight, 12u);
  EXPECT_EQ(canary->backends[1].weight, 13u);
  EXPECT_EQ(make(file("guide/nginx-canary-50.conf")).share("backend", "canary"), 50'000u);
  EXPECT_EQ(make(file("guide/nginx-full.conf")).share("backend", "canary"), kWhole);
  EXPECT_EQ(make(file("guide/nginx-no-canary.conf")).share("backend", "stable"), kWhole);
}

TEST(Import, TheGuidesBlueGreenFilesHaveBothServices) {
  const auto green = make(file("guide/nginx.conf.green"));
  EXPECT_EQ(green.share("backend", "green"), kWhole);
  EXPECT_EQ(green.share("frontend", "green"), kWhole);
  EXPECT_TRUE(green.says(5, "nothing in this file leads to it"));
  EXPECT_EQ(make(file("guide/nginx.conf.blue")).share("frontend", "stable"), kWhole);
}

TEST(Import, GrpcPassLeadsToPoolsThatSpeakHttp2) {
  const auto made = make(
      "http { upstream calls { server 10.0.0.1:50051; }\n server { listen 80 http2; http2 on;\n"
      " location /pkg.Service/ { grpc_set_header Host $host; grpc_read_timeout 90s; grpc_pass grpc://calls; "
      "}\n"
      " location /other { grpc_pass grpcs://calls; }\n location / { proxy_pass http://10.0.0.2:80; } } }");
  const auto& calls = made.service("calls");
  EXPECT_EQ(calls.pools.at(0).protocol, BackendProtocol::h2);
  EXPECT_EQ(calls.timeouts.response, std::chrono::seconds(90));
  for (const auto& service : made.spec.services)
    EXPECT_EQ(service.pools.at(0).protocol == BackendProtocol::h2, service.name == "calls");
  EXPECT_TRUE(made.says(4, "grpcs://calls is not translated"));
  EXPECT_FALSE(made.says(3, "not translated"));
}

struct Tough : testing::Test {
  Made made = make(file("nginx/tough.conf"));
};

TEST_F(Tough, SplitClientsThroughAMapBecomesPoolsAndASticky) {
  const auto& api = made.service("api");
  EXPECT_EQ(made.share("api", "green"), 2'500u);
  EXPECT_EQ(made.share("api", "blue"), 97'500u);
  ASSERT_TRUE(api.sticky);
  EXPECT_EQ(api.sticky->keys.at(0).name, "uid");
  EXPECT_EQ(api.sticky->keys.at(0).from, config::StickyKey::From::cookie);
  EXPECT_EQ(api.pool("blue")->backends.at(0).weight, 3u);
  EXPECT_EQ(api.pool("blue")->backends.size(), 3u);
  EXPECT_EQ(api.pool("blue")->backends.at(2).address.text, "unix:/run/api.sock");
  EXPECT_EQ(api.pool("green")->backends.at(1).address.text, "api-green.internal:80");
  EXPECT_EQ(api.timeouts.connect, std::chrono::milliseconds(500));
  EXPECT_EQ(api.timeouts.response, std::chrono::seconds(90));
  EXPECT_TRUE(made.says(36, "dealt anew"));
}

TEST_F(Tough, WeightsStayExactAndOldVersionsAreTold) {
  EXPECT_EQ(made.share("legacy", "canary"), 0u) << "0.00099 % is less than a unit";
  EXPECT_EQ(made.share("legacy", "old"), kWhole);
  const auto& legacy = made.service("legacy");
  EXPECT_EQ(legacy.balance, config::Balance::hash);
  EXPECT_EQ(legacy.sticky->keys.at(0).name, "session");
  EXPECT_EQ(legacy.pool("old")->backends.at(0).weight, 1'000u);
  EXPECT_EQ(legacy.pool("old")->backends.at(1).weight, 428u);
}

TEST_F(Tough, RoutesComeInTheOrderInWhichNginxChooses) {
  std::vector<std::string> order;
  for (const auto& route : made.spec.routes)
    order.push_back(route.host + route.path + (route.headers.empty() ? "" : "+" + route.headers[0].second) +
                    ">" + route.service);
  const auto at = [&](const std::string& text) {
    const auto found = std::find(order.begin(), order.end(), text);
    EXPECT_NE(found, order.end()) << text << " in " << testing::PrintToString(order);
    return found;
  };
  EXPECT_LT(at("example.com/api/admin/>10.0.0.9:7000"), at("example.com/api/>api"));
  EXPECT_LT(at("example.com/api/>api"), at("example.com/+yes>beta"));
  EXPECT_LT(at("example.com/+yes>beta"), at("example.com/>legacy"));
  EXPECT_LT(at("shop.example.com/>legacy"), at("*.internal.example.com/b/>beta"));
  EXPECT_LT(at("*.shop.example.com/>legacy"), at("/>legacy"))
      << "the default server comes last, for any host";
  for (const auto& route : made.spec.routes) EXPECT_EQ(route.strip_prefix, route.path == "/api/admin/");
}

TEST_F(Tough, WhatCannotBeTranslatedIsSaidWithItsLine) {
  const std::pair<int, const char*> notes[] = {
      {8, "conf.d/*.conf is not read"},
      {13, "gzip"},
      {17, "10.0.0.4:8000 is left out"},
      {21, "is down"},
      {27, "slow_start"},
      {28, "scaled down"},
      {34, "nothing in this file leads to it"},
      {41, "regular expression"},
      {46, "TLS"},
      {47, "~^www"},
      {48, "client_max_body_size"},
      {53, "proxy_set_header"},
      {59, "return"},
      {60, "prefixes"},
      {61, "TLS to backends"},
      {62, "/assets/"},
      {67, "$undefined"},
      {67, "if"},
  };
  for (const auto& [line, text] : notes)
    EXPECT_TRUE(made.says(line, text)) << line << " " << text << "\n" << made.imported.yaml;
  for (const auto& note : made.imported.notes)
    EXPECT_THAT(made.imported.yaml, HasSubstr("line " + std::to_string(note.line) + ": " + note.text));
}

TEST(Import, ListenersAndABackupPool) {
  const auto made = make(
      "upstream u { server a:1; server b:1 backup; } server { listen 8080; listen *:81; location / { "
      "proxy_pass http://u; } }");
  ASSERT_EQ(made.spec.listeners.size(), 2u);
  EXPECT_EQ(made.spec.listeners[0].bind.text, "0.0.0.0:8080");
  EXPECT_EQ(made.spec.listeners[1].bind.text, "0.0.0.0:81");
  EXPECT_EQ(made.share("u", "backup"), 0u);
  EXPECT_TRUE(made.says(1, "nothing fails over"));
}

TEST(Import, SharesAddUpWhateverTheWeights) {
  EXPECT_THAT(shares_of({1, 1, 1}), testing::ElementsAre(33'334u, 33'333u, 33'333u));
  EXPECT_THAT(shares_of({1'000'000'000, 1}), testing::ElementsAre(100'000u, 0u));
}

TEST(Import, TimesAndNumbersAtTheEndsOfWhatNginxTakes) {
  for (const std::string time : {"0", "0s", "1ms", "365d", "366d", "99999999999999999999d", ""})
    for (const std::string number : {"0", "1", "1000000", "1000001", "4294967296", "-1", ""}) {
      const auto made =
          make("http { keepalive_timeout " + time + ";\n proxy_connect_timeout " + time +
               "; proxy_read_timeout " + time + ";\n upstream a { server h:1 max_fails=" + number +
               " weight=" + number + " fail_timeout=" + time +
               "; server i:1; }\n server { listen 80; location / { proxy_pass http://a; } } }");
      EXPECT_EQ(made.says(3, "fail_timeout=" + time + " is not translated"), time != "1ms" && time != "365d");
    }
}

TEST(Import, AFileThatProxiesNothingIsAnError) {
  for (const char* text : {"", "events {}", "http { server { location / { root /var/www; } } }"}) {
    const auto imported = import_text(text, "f");
    ASSERT_FALSE(imported) << text;
    EXPECT_THAT(imported.error().what, HasSubstr("no upstream"));
  }
  EXPECT_THAT(import_text("upstream a { server x; } upstream a { server y; }", "f").error().what,
              HasSubstr("duplicate upstream 'a'"));
}

// Whatever is cut out of a good file or put into it: an error with a place, or YAML that loads.
TEST(Import, BrokenFilesNeverMakeBrokenYaml) {
  const std::string whole = file("nginx/tough.conf");
  const auto seed = 20260101u;
  std::mt19937 random(seed);
  for (int i = 0; i < 400; ++i) {
    std::string text = whole;
    const auto at = random() % text.size();
    constexpr std::string_view kPut = "{};\"'$#%:=/~*\\ \n0";
    switch (random() % 3) {
      case 0:
        text.erase(at, 1 + random() % 40);
        break;
      case 1:
        text.insert(at, 1, kPut[random() % kPut.size()]);
        break;
      default:
        text[at] = kPut[random() % kPut.size()];
    }
    const auto imported = import_text(text, "f");
    if (!imported) {
      EXPECT_GE(imported.error().place.line, 1);
      continue;
    }
    const auto loaded = config::load_text(imported->yaml, "f");
    for (const auto& complaint : loaded.complaints)
      ADD_FAILURE() << "seed " << seed << " step " << i << ": " << complaint.text() << "\n" << imported->yaml;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::nginx
