// What is valid and probably not meant.
#include "proxy/config/notes.hpp"

#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> noted(const std::string& yaml) {
  const Loaded loaded = load_text(yaml, "f.yaml");
  EXPECT_THAT(texts(loaded.complaints), IsEmpty()) << yaml;
  std::vector<std::string> all;
  if (loaded.spec)
    for (const auto& note : notes(*loaded.spec)) all.push_back(note_text(note));
  return all;
}

TEST(Notes, NoneForWhatIsMeant) {
  EXPECT_THAT(noted(service_7_5("retries: {attempts: 2}")), IsEmpty());
  EXPECT_THAT(noted(pools_5_5("pools: {blue: {backends: [\"h:1\"]}, green: {backends: [\"h:2\"]}}\n"
                              "    split: {blue: 100%, green: 0%}")),
              IsEmpty());
}

TEST(Notes, AServiceWithoutABackendIsToldHowOneIsAdded) {
  EXPECT_THAT(
      noted(pools_5_5(
          "pools: {blue: {backends: []}, green: {backends: []}}\n    split: {blue: 100%, green: 0%}")),
      ElementsAre("f.yaml:4:3: note: service 'api' has no backend, its requests get 503 until one is written "
                  "here or added: sluicectl add api/blue HOST:PORT"));
}

TEST(Notes, TheSameAddressInTwoPools) {
  EXPECT_THAT(
      noted(pools_5_5("pools:\n"
                      "      blue: {backends: [\"App.local:1\", \"h:2\"]}\n"
                      "      green:\n"
                      "        backends: [\"h:3\", {name: other, address: \"app.local:1\"}]\n"
                      "    split: {blue: 100%, green: 0%}")),
      ElementsAre("f.yaml:8:27: note: address app.local:1 is in pool 'green' and in pool 'blue' (line "
                  "6) of service 'api'; a shift between the two changes nothing for the requests "
                  "that go there"));
}

TEST(Notes, TheSameAddressTwiceInOnePool) {
  EXPECT_THAT(noted(pools_5_5("pools: {blue: {backends: [\"[::1]:1\", {name: b, address: \"[0::1]:1\"}]}}")),
              ElementsAre(StartsWith("f.yaml:5:42: note: backends '[::1]:1' (line 5) and 'b' of pool 'blue' "
                                     "have the same address [0::1]:1")));
}

TEST(Notes, ServicesMayShareBackends) {
  EXPECT_THAT(noted(top_3_1("routes: [{service: api}]\nlisteners: [{name: web, bind: \"127.0.0.1:1\"}]")
                        .substr(top_3_1("").find("services"))),
              IsEmpty());
}

TEST(Notes, ARouteThatNeverMatches) {
  const auto routes = [](const std::string& list) {
    return noted(
        "listeners: [{name: web, bind: \"127.0.0.1:8080\"}]\n"
        "services: {api: {pools: {blue: {backends: [\"h:1\"]}}}}\nroutes:\n" +
        list);
  };
  EXPECT_THAT(
      routes("  - {path: /, service: api}\n  - {path: /a, service: api}\n"),
      ElementsAre("f.yaml:5:5: note: this route never matches: the one in line 4 takes all its requests, "
                  "and the first that matches counts"));
  // The first of those that take all its requests, whichever is the longer.
  EXPECT_THAT(routes("  - {path: /a/b, service: api}\n  - {path: /a, service: api}\n"
                     "  - {path: /a/b/c, service: api}\n"),
              ElementsAre(StartsWith("f.yaml:6:5: note: this route never matches: the one in line 4 ")));
  EXPECT_EQ(routes("  - {path: /a/, service: api}\n  - {host: h, path: /a/b, service: api}\n").size(), 1u);
  EXPECT_EQ(routes("  - {host: h, service: api}\n  - {host: h, methods: [GET], service: api}\n").size(), 1u);
  EXPECT_EQ(routes("  - {methods: [GET, PUT], service: api}\n  - {methods: [GET], service: api}\n").size(),
            1u);
  EXPECT_THAT(routes("  - {path: /a, service: api}\n  - {path: /ab, service: api}\n  - {service: api}\n"
                     "  - {host: h, path: /x, headers: {A: b}, service: api}\n")
                  .size(),
              1u);  // the last
  EXPECT_THAT(routes("  - {headers: {A: b}, service: api}\n  - {headers: {A: c}, service: api}\n"
                     "  - {methods: [GET], service: api}\n  - {host: h, service: api}\n  - {service: api}\n"),
              IsEmpty());
}

TEST(Notes, ARescueThatOneAttemptLeavesNoRoomFor) {
  EXPECT_THAT(
      noted(service_7_5("retries: {attempts: 1, rescue: stable}")),
      ElementsAre(StartsWith("f.yaml:7:25: note: service 'api' has 'attempts: 1' and 'rescue: stable'; ")));
  EXPECT_EQ(noted(service_7_5("retries: {attempts: 1}")).size(), 1u);  // the rescue is the default
  EXPECT_THAT(noted(service_7_5("retries: {attempts: 1, rescue: none}")), IsEmpty());
  // Failed connects take none of the attempts.
  EXPECT_THAT(noted(service_7_5("retries: {attempts: 1, on: [connect]}")), IsEmpty());
  EXPECT_THAT(noted(pools_5_5("pools: {blue: {backends: [\"h:1\"]}}\n    retries: {attempts: 1}")),
              IsEmpty());
}

TEST(Notes, KeysByWhichUsersChangeTheirPool) {
  EXPECT_THAT(
      noted(service_7_5("sticky: {keys: [header:X-User-Id, cookie:v], issue_cookie: v}")),
      ElementsAre(
          "f.yaml:7:20: note: users of service 'api' who are known by cookie:v may change their pool "
          "with the first request that has header:X-User-Id as well (a login, say), because it stands "
          "before it in 'keys'; write cookie:v first"));
  EXPECT_THAT(
      noted(service_7_5("sticky: {keys: [cookie:s, header:U, cookie:v], issue_cookie: {name: v}}")),
      ElementsAre(StartsWith("f.yaml:7:20: note: users of service 'api' who are known by cookie:v may "
                             "change their pool with the first request that has cookie:s")));
  EXPECT_THAT(noted(service_7_5("sticky: {keys: [header:U, query:q]}")),
              ElementsAre(testing::HasSubstr(
                  "known by query:q may change their pool with the first request that has header:U")));
}

TEST(Notes, KeysByWhichTheyKeepIt) {
  for (const char* sticky :
       {"{keys: [cookie:v, header:U], issue_cookie: v}", "{keys: [header:U], issue_cookie: v}",
        "{keys: [header:U, cookie:s], issue_cookie: v}", "{keys: [header:U]}", "{keys: [ip]}"})
    EXPECT_THAT(noted(service_7_5(std::string("sticky: ") + sticky)), IsEmpty()) << sticky;
}

TEST(Notes, ACookieThatIsNeverIssued) {
  EXPECT_THAT(noted(service_7_5("sticky: {keys: [header:U, ip], issue_cookie: v}")),
              ElementsAre("f.yaml:7:20: note: no cookie 'v' is ever issued by service 'api', because every "
                          "request has the key ip; leave ip out of 'keys'"));
}

TEST(Notes, GrpcWebToAPoolThatSpeaksHttp1) {
  const auto pools = [](const std::string& green) {
    return noted(pools_5_5("pools: {blue: {backends: [\"h:1\"], protocol: h2}, green: {backends: [\"h:2\"]" +
                           green + "}}\n    split: {blue: 100%, green: 0%}\n    grpc_web: on"));
  };
  EXPECT_THAT(pools(""),
              ElementsAre("f.yaml:5:54: note: service 'api' has 'grpc_web: on', but its pool 'green' "
                          "speaks HTTP/1.1, which carries no gRPC; write 'protocol: h2'"));
  EXPECT_THAT(pools(", protocol: h2"), IsEmpty());
  EXPECT_THAT(pools(", protocol: auto"), IsEmpty());
}

}  // namespace
}  // namespace sluice::config
