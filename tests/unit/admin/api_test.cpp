// The verbs over the API, without sockets: a real Control whose workers are none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <charconv>
#include <cstdio>
#include <limits>
#include <map>
#include <sstream>

#include "control/admin/commands.hpp"
#include "control/admin/exposition.hpp"
#include "unit/change/control_fixture.hpp"

namespace sluice::admin {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

struct Api : change::ControlFixture {
  std::unique_ptr<Commands> commands;

  void SetUp() override {
    start();
    commands = std::make_unique<Commands>(*control);
  }
  admin::Reply call(const std::string& method, const std::string& path, const std::string& body = "",
                    protocol::Query query = {}, const std::string& if_match = "") {
    Call made;
    made.method = method;
    made.path = path;
    made.body = body;
    made.query = std::move(query);
    made.if_match = if_match;
    made.reason = "from a header";
    made.actor.uid = 1000;
    made.actor.pid = 4711;
    return loop.run(commands->run(std::move(made)));
  }
  static json::object document(const admin::Reply& reply) { return json::parse(reply.body).as_object(); }
};

TEST_F(Api, ASplitAnswersWithBeforeAfterGenerationAndUndo) {
  const auto generation = control->generation();
  const auto reply = call("PUT", "/v1/services/api/split", R"({"blue":"95%","green":0.05})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto said = document(reply);
  EXPECT_EQ(said.at("generation").to_number<std::uint64_t>(), generation + 1);
  EXPECT_TRUE(said.at("changed").as_bool());
  EXPECT_EQ(said.at("before"), json::parse(R"({"blue":"100%","green":"0%"})"));
  EXPECT_EQ(said.at("after"), json::parse(R"({"blue":"95%","green":"5%"})"));
  EXPECT_THAT(std::string(said.at("undo").as_string()), HasSubstr("sluicectl "));
  EXPECT_EQ(share(1), 5'000u);
  EXPECT_THAT(reply.headers, testing::Contains(std::pair(std::string("ETag"),
                                                         "\"" + std::to_string(generation + 1) + "\"")));
  EXPECT_EQ(call("PUT", "/v1/services/api/split", R"({"green":"0.5%"})", {{"rest", "blue"}}).status, 200);
  EXPECT_EQ(share(1), 500u);
}

TEST_F(Api, DryRunAndMovedGenerationsChangeNothing) {
  const auto generation = control->generation();
  const auto dry =
      call("PUT", "/v1/services/api/split", R"({"blue":"95%","green":"5%"})", {{"dry_run", "true"}});
  EXPECT_EQ(dry.status, 200) << dry.body;
  EXPECT_EQ(document(dry).at("after"), json::parse(R"({"blue":"95%","green":"5%"})"));
  const auto moved = call("POST", "/v1/cutover", R"({"services":{"api":"green"}})", {},
                          "\"" + std::to_string(generation + 9) + "\"");
  EXPECT_EQ(moved.status, 412) << moved.body;
  EXPECT_EQ(document(moved).at("exit").as_int64(), 5);
  EXPECT_EQ(moved.content_type, "application/problem+json");
  EXPECT_EQ(call("POST", "/v1/cutover", R"({"services":{"api":"green"}})", {}, "\"seven\"").status, 400);
  EXPECT_EQ(control->generation(), generation);
  EXPECT_EQ(share(1), 0u);
  EXPECT_EQ(call("POST", "/v1/cutover", R"({"services":{"api":"green"}})", {},
                 "\"" + std::to_string(generation) + "\"")
                .status,
            200);
}

TEST_F(Api, EveryMalformedRequestIsAProblemThatNamesTheField) {
  struct Case {
    const char *method, *path, *body, *field;
    int status;
  };
  const std::string deep(100'000, '[');
  const Case cases[] = {
      {"POST", "/v1/cutover", R"({"services":{"api":"green"},"servces":1})", "servces", 400},
      {"POST", "/v1/cutover", R"({"services":5})", "services", 400},
      {"POST", "/v1/cutover", "", "services", 400},
      {"POST", "/v1/cutover", "{not json", "", 400},
      {"POST", "/v1/cutover", deep.c_str(), "", 400},
      {"POST", "/v1/cutover", "\"\xff\"", "", 400},
      {"PUT", "/v1/services/api/split", R"({"blue":[],"green":"5%"})", "blue", 400},
      {"PUT", "/v1/services/api/split", R"({"blue":"95%"})", "", 400},
      {"PUT", "/v1/services/nope/split", R"({"blue":"100%"})", "", 404},
      {"PUT", "/v1/services/api/split", R"({"gren":"100%"})", "", 404},
      {"POST", "/v1/rollback", "{}", "services", 400},
      {"POST", "/v1/services/api/rollback", R"({"x":1})", "x", 400},
      {"POST", "/v1/undo", R"({"to_generation":"x"})", "to_generation", 400},
      {"POST", "/v1/undo", R"({"to_generation":9999})", "", 404},
      {"POST", "/v1/services/api/pools/blue/drain", R"({"timeout":5})", "timeout", 400},
      {"POST", "/v1/services/api/pools/nope/ready", "", "", 404},
      {"PATCH", "/v1/services/api/pools/blue/backends/127.0.0.1:9001", "{}", "weight", 400},
      {"PATCH", "/v1/services/api/pools/blue/backends/127.0.0.1:9001", R"({"weight":1001})", "weight", 400},
      {"PUT", "/v1/services/api/pools/blue/backends/x", R"({"address":"nowhere"})", "address", 400},
      {"POST", "/v1/explain", "{}", "url", 400},
      {"POST", "/v1/explain", R"({"url":"/a b"})", "url", 400},
      {"POST", "/v1/explain", R"({"url":"/","headers":["no colon"]})", "headers", 400},
      {"GET", "/v1/wait", "", "for", 400},
      {"GET", "/v1/nothing", "", "", 404},
  };
  for (const auto& [method, path, body, field, status] : cases) {
    const auto reply = call(method, path, body);
    EXPECT_EQ(reply.status, status) << path << " " << std::string(body).substr(0, 60) << reply.body;
    EXPECT_EQ(reply.content_type, "application/problem+json");
    const auto problem = document(reply);
    for (const char* key : {"type", "title", "detail", "exit"}) EXPECT_TRUE(problem.contains(key)) << key;
    EXPECT_EQ(problem.at("status").as_int64(), status);
    if (*field) {
      ASSERT_TRUE(problem.contains("field")) << path << reply.body;
      EXPECT_EQ(problem.at("field").as_string(), field);
    }
  }
  EXPECT_EQ(call("POST", "/v1/cutover", "{}", {{"dry_run", "maybe"}}).status, 400);
  EXPECT_EQ(call("GET", "/v1/wait", "", {{"for", "healthy"}, {"target", "api"}}).status, 400);
  EXPECT_EQ(call("GET", "/v1/history", "", {{"limit", "many"}}).status, 400);
  EXPECT_EQ(share(0), kWhole) << "nothing of it changed anything";
}

TEST_F(Api, BackendsComeGoAndDrain) {
  const std::string third = "/v1/services/api/pools/blue/backends/third";
  ASSERT_EQ(call("PUT", third, R"({"address":"127.0.0.1:9003","weight":2})").status, 200);
  EXPECT_EQ(in_force().services[0].pools[0].backends.size(), 3u);
  EXPECT_TRUE(document(call("PATCH", third, R"({"weight":4})")).at("changed").as_bool());
  EXPECT_EQ(in_force().services[0].pools[0].backends[2].weight, 4u);
  const auto drained = call("POST", third + "/drain", R"({"wait":true})");
  ASSERT_EQ(drained.status, 200) << drained.body;
  EXPECT_EQ(document(drained).at("drained").at("forced").to_number<int>(), 0);
  EXPECT_EQ(call("POST", third + "/ready").status, 200);
  EXPECT_EQ(call("POST", third + "/maint").status, 200);
  EXPECT_EQ(call("DELETE", third, "", {{"timeout", "1s"}}).status, 200);
  EXPECT_EQ(in_force().services[0].pools[0].backends.size(), 2u);
  EXPECT_EQ(call("DELETE", third, "", {{"timeout", "soon"}}).status, 400);
  EXPECT_EQ(call("DELETE", third).status, 404);
}

TEST_F(Api, T4_HistoryNamesWhoAndWhy) {
  call("POST", "/v1/cutover", R"({"services":{"api":"green"}})");
  call("POST", "/v1/services/api/rollback", "", {{"reason", "INC-12\nforged line"}});
  const auto history = document(call("GET", "/v1/history")).at("history").as_array();
  ASSERT_GE(history.size(), 2u);
  EXPECT_EQ(history[0].at("reason").as_string(), "INC-12 forged line");
  EXPECT_EQ(history[1].at("reason").as_string(), "from a header");
  EXPECT_EQ(history[1].at("actor").as_string(), "uid 1000 pid 4711");
  EXPECT_EQ(history[1].at("verb").as_string(), "cutover");
  EXPECT_EQ(document(call("GET", "/v1/history", "", {{"limit", "1"}})).at("history").as_array().size(), 1u);
}

TEST_F(Api, StatusHasTheContractsShape) {
  const auto status = document(call("GET", "/v1/status"));
  EXPECT_EQ(status.at("generation").to_number<std::uint64_t>(), control->generation());
  const auto& api = status.at("services").at("api");
  EXPECT_EQ(api.at("stable").as_string(), "blue");
  EXPECT_TRUE(api.at("rollout").is_null());
  const auto& blue = api.at("pools").at("blue").as_object();
  for (const char* key :
       {"share", "requests", "errors", "in_flight", "p50_ms", "p95_ms", "p99_ms", "backends"})
    EXPECT_TRUE(blue.contains(key)) << key;
  EXPECT_EQ(blue.at("share").to_number<double>(), 1.0);
  const auto& backend = blue.at("backends").at("127.0.0.1:9001").as_object();
  for (const char* key : {"admin", "health", "weight", "in_flight", "requests"})
    EXPECT_TRUE(backend.contains(key)) << key;
  EXPECT_EQ(call("GET", "/v1/status", "", {{"service", "ap"}}).status, 404);
  EXPECT_EQ(document(call("GET", "/v1/status", "", {{"service", "api"}})).at("services").as_object().size(),
            1u);
}

TEST_F(Api, ExplainWalksThroughTheDecision) {
  const auto explained = document(call(
      "POST", "/v1/explain", R"({"url":"http://api.example.com/pay?x=1#part","headers":["X-User-Id: 42"]})"));
  EXPECT_EQ(explained.at("service").as_string(), "api");
  EXPECT_EQ(explained.at("pool").as_string(), "blue");
  EXPECT_EQ(explained.at("candidates").as_array().size(), 2u);
  EXPECT_EQ(explained.at("result").as_string(), "forwarded");
  EXPECT_FALSE(explained.at("steps").as_array().empty());
  const auto place = in_force().services[0].sequence->next.load();
  call("POST", "/v1/explain", R"({"url":"/"})");
  EXPECT_EQ(in_force().services[0].sequence->next.load(), place) << "it takes no place of the exact split";
  call("POST", "/v1/services/api/pools/blue/backends/127.0.0.1:9001/maint");
  EXPECT_EQ(document(call("POST", "/v1/explain", R"({"url":"/"})")).at("backend").as_string(),
            "127.0.0.1:9002");
}

TEST_F(Api, HealthConfigAndTheRoot) {
  EXPECT_EQ(call("GET", "/livez").status, 200);
  EXPECT_EQ(call("GET", "/readyz").status, 200);
  EXPECT_THAT(call("GET", "/").body, HasSubstr("/v1/status"));
  EXPECT_THAT(call("GET", "/v1/config").body, HasSubstr("services:"));
  const auto config = document(call("GET", "/v1/config", "", {{"format", "json"}}));
  EXPECT_TRUE(config.at("services").at("api").at("pools").as_object().contains("blue"));
  EXPECT_EQ(call("GET", "/v1/config", "", {{"format", "toml"}}).status, 400);
}

// -- metrics

struct Metrics : Api {
  // `api` and so many others: more than few.
  virtual int others() const { return 50; }
  void SetUp() override {
    for (int i = 0; i < others(); ++i) {
      config::ServiceSpec other = spec.services[0];
      other.name = "other" + std::to_string(i);
      spec.services.push_back(other);
    }
    Api::SetUp();
  }
  std::string text() {
    admin::Reply reply = call("GET", "/metrics");
    while (reply.more && reply.more->more()) reply.body += reply.more->next();
    return reply.body;
  }
  double value(const std::string& sample) {
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(sample + " ")) return std::stod(line.substr(sample.size() + 1));
    ADD_FAILURE() << "no sample " << sample;
    return -1;
  }
  static constexpr const char* kApi = R"(service="api")";
  static std::string of(const std::string& pool) { return "{" + (kApi + (",pool=\"" + pool + "\"}")); }
  bool has(const std::string& part) { return text().find(part) != std::string::npos; }
  int lines(const std::string& with) {
    std::istringstream in(text());
    int count = 0;
    for (std::string line; std::getline(in, line);) count += line.find(with) != std::string::npos;
    return count;
  }
  observe::PoolCounters& counters(std::size_t pool) {
    return in_force().services[0].pools[pool].live->per_worker[0];
  }
  void answered(std::size_t pool, int status_class, int n) {
    counters(pool).requests.add(static_cast<std::uint64_t>(n));
    counters(pool).by_class[static_cast<std::size_t>(status_class)].add(static_cast<std::uint64_t>(n));
    for (int i = 0; i < n; ++i) counters(pool).duration.record(7'000);
  }
  static std::string old_name(const char* role, const char* status) {
    return std::string("http_requests_total{service=\"api\",pod=\"api-") + role + "\",status=\"" + status +
           "\"}";
  }
};

struct MetricsOfFew : Metrics {
  int others() const override { return 49; }
};

TEST_F(MetricsOfFew, AllIsToldFromTheStart) {
  for (const std::string pool : {"blue", "green"})
    for (const char* name : {"sluice_requests_total", "sluice_request_errors_total", "sluice_retries_total"})
      EXPECT_EQ(value(name + of(pool)), 0);
  EXPECT_EQ(value(R"(sluice_backend_eligible{service="api",pool="blue",backend="127.0.0.1:9001"})"), 1);
  EXPECT_EQ(value(R"(sluice_service_traffic_state{service="api",state="open"})"), 1);
  EXPECT_EQ(value(R"(sluice_rollout_active{service="api"})"), 0);
}

TEST_F(Metrics, EveryClassOfBothRolesIsThereFromTheStart) {
  for (const char* role : {"active", "canary"})
    for (const char* status : {"2xx", "3xx", "4xx", "5xx"}) EXPECT_EQ(value(old_name(role, status)), 0);
}

TEST_F(Metrics, AServiceToWhichNothingHappenedIsTwelveLines) {
  EXPECT_EQ(lines(kApi), 12);
  for (const std::string pool : {"blue", "green"}) {
    EXPECT_EQ(value("sluice_requests_total" + of(pool)), 0);
    EXPECT_EQ(value("sluice_split_share_ratio" + of(pool)), pool == "blue");
  }
}

// The first error of a canary is no first sample: increase() sees it.
TEST_F(Metrics, TheFirstRequestBringsTheZerosOfAllPools) {
  answered(0, 2, 1);
  EXPECT_EQ(value("sluice_requests_total" + of("blue")), 1);
  for (const char* name : {"sluice_request_errors_total", "sluice_retries_total", "sluice_ejections_total",
                           "sluice_requests_in_flight"})
    EXPECT_EQ(value(name + of("green")), 0);
  EXPECT_EQ(value(R"(sluice_upstream_errors_total{service="api",pool="green",reason="reset"})"), 0);
  EXPECT_EQ(value(R"(sluice_responses_total{service="api",status="5xx"})"), 0);
  EXPECT_EQ(value(R"(sluice_service_traffic_state{service="api",state="open"})"), 1);
  EXPECT_EQ(value(old_name("canary", "1xx")), 0);
  EXPECT_EQ(value("sluice_request_duration_seconds_count" + of("blue")), 1);
  EXPECT_FALSE(has("sluice_request_duration_seconds_count" + of("green"))) << "it had no request";
  EXPECT_FALSE(has("sluice_grpc_responses_total{service"));
  counters(1).grpc[14].add();
  EXPECT_EQ(value(R"(sluice_grpc_responses_total{service="api",pool="green",status="14"})"), 1);
  EXPECT_EQ(value(R"(sluice_grpc_responses_total{service="api",pool="blue",status="0"})"), 0);
}

TEST_F(Metrics, CopiesAndPreviewsAreToldOfWhenThereWereSome) {
  answered(0, 2, 1);
  EXPECT_FALSE(has("sluice_mirrored_requests_total{"));
  EXPECT_FALSE(has("sluice_preview_requests_total{"));
  in_force().services[0].live->per_worker[0].mirror_failed.add();
  in_force().services[0].pools[1].live->previews[0].requests.add(3);
  EXPECT_EQ(value(R"(sluice_mirrored_requests_total{service="api",result="failed"})"), 1);
  EXPECT_EQ(value(R"(sluice_mirrored_requests_total{service="api",result="answered"})"), 0);
  EXPECT_EQ(value("sluice_preview_requests_total" + of("green")), 3);
  EXPECT_EQ(value("sluice_preview_requests_total" + of("blue")), 0);
}

TEST_F(Metrics, ABackendThatWasDownIsToldOfFromThenOn) {
  auto& health = live(1, 0).health;
  health = observe::Health::down;
  const std::string state =
      R"(sluice_backend_health_state{service="api",pool="green",backend="127.0.0.1:9101",state=)";
  EXPECT_EQ(value(state + "\"down\"}"), 1);
  EXPECT_EQ(value(R"(sluice_backend_eligible{service="api",pool="green",backend="127.0.0.1:9101"})"), 0);
  health = observe::Health::up;
  EXPECT_EQ(value(state + "\"down\"}"), 0);
  EXPECT_EQ(value(state + "\"up\"}"), 1);
}

TEST_F(Metrics, APauseIsToldOfAlsoWhenItIsOver) {
  call("POST", "/v1/services/api/pause");
  EXPECT_EQ(value(R"(sluice_service_traffic_state{service="api",state="paused"})"), 1);
  call("POST", "/v1/services/api/resume");
  EXPECT_EQ(value(R"(sluice_service_traffic_state{service="api",state="paused"})"), 0);
}

TEST_F(Metrics, AWeightThatWasSetIsTold) {
  call("PATCH", "/v1/services/api/pools/blue/backends/127.0.0.1:9001", R"({"weight":3})");
  EXPECT_EQ(value(R"(sluice_backend_weight{service="api",pool="blue",backend="127.0.0.1:9001"})"), 3);
}

TEST_F(Metrics, ACutoverSwapsRolesAndNoCounterGoesBack) {
  answered(0, 2, 100);
  answered(1, 5, 7);
  commands->follow_tracks();
  call("POST", "/v1/cutover", R"({"services":{"api":"green"}})");
  EXPECT_EQ(value(old_name("active", "2xx")), 100);
  EXPECT_EQ(value(old_name("canary", "5xx")), 7);
  answered(1, 2, 30);
  answered(0, 5, 2);
  EXPECT_EQ(value(old_name("active", "2xx")), 130) << "green answers as the stable pool now";
  EXPECT_EQ(value(old_name("canary", "5xx")), 9);
  EXPECT_EQ(value("http_request_duration_seconds_count"), 139);
  EXPECT_EQ(value("http_request_duration_seconds_bucket{le=\"0.005\"}"), 0);
  EXPECT_EQ(value("http_request_duration_seconds_bucket{le=\"0.01\"}"), 139);
  EXPECT_EQ(value("http_request_duration_seconds_bucket{le=\"+Inf\"}"), 139);
  EXPECT_NEAR(value("http_request_duration_seconds_sum"), 0.973, 1e-9);
}

TEST_F(Metrics, PromtoolHasNoComplaint) {
  answered(0, 2, 3);
  const auto file = folder.path + "/metrics";
  std::ofstream(file) << text();
  EXPECT_EQ(std::system(("promtool check metrics < " + file).c_str()), 0);
}

TEST_F(Metrics, StatesAreOneSeriesEach) {
  call("POST", "/v1/services/api/pools/green/backends/127.0.0.1:9101/maint");
  const std::string labels = "{service=\"api\",pool=\"green\",backend=\"127.0.0.1:9101\",state=\"";
  EXPECT_EQ(value("sluice_backend_admin_state" + labels + "maint\"}"), 1);
  EXPECT_EQ(value("sluice_backend_admin_state" + labels + "ready\"}"), 0);
  EXPECT_EQ(value("sluice_generation"), static_cast<double>(control->generation()));
  EXPECT_EQ(value("sluice_split_share_ratio{service=\"api\",pool=\"blue\"}"), 1);
}

TEST(Exposition, EscapesLabelsAndWritesNumbersWhole) {
  Exposition out;
  Family& first = out.family("a_total", "counter", "Help.");
  out.single("b", "gauge", "More.", 1);
  const auto form = first.form("_sum", R"(y="2")");
  first.add(12345678901234.0, out.keep({{"x", "q\"b\\n\nend"}}));
  first.add(std::uint64_t{18446744073709551615u}, out.keep({{"x", "1"}}), form);
  first.add(0.1);
  first.add(-3, kNoLabels, form);
  first.add(-std::numeric_limits<double>::infinity());
  Printer printer(std::move(out));
  EXPECT_EQ(printer.next(),
            "# HELP a_total Help.\n# TYPE a_total counter\na_total{x=\"q\\\"b\\\\n\\nend\"} "
            "12345678901234\na_total_sum{x=\"1\",y=\"2\"} 18446744073709551615\na_total 0.1\n"
            "a_total_sum{y=\"2\"} -3\na_total -Inf\n"
            "# HELP b More.\n# TYPE b gauge\nb 1\n");
  EXPECT_FALSE(printer.more());
}

TEST(Exposition, PiecesAreOfLinesAndNotLongerThanOneOfThemNeeds) {
  Exposition out;
  const std::string longest(2 * Printer::kPiece, 'x');
  std::string expected;
  for (const std::string name : {"a", "b"}) {
    Family& family = out.family(name, "gauge", "");
    expected += "# HELP " + name + " \n# TYPE " + name + " gauge\n";
    for (int i = 0; i < 6'000; ++i) {
      const std::string value = i == 3'000 ? longest : std::to_string(i);
      family.add(i, out.keep({{"of", value}}));
      expected += name + "{of=\"" + value + "\"} " + std::to_string(i) + "\n";
    }
  }
  Printer printer(std::move(out));
  std::string printed;
  int pieces = 0;
  for (; printer.more(); ++pieces) {
    const auto piece = printer.next();
    printed += piece;
    ASSERT_TRUE(piece.ends_with('\n'));
    EXPECT_LE(piece.size(), piece.find(longest) == piece.npos ? Printer::kPiece : longest.size() + 20);
  }
  EXPECT_TRUE(printed == expected);
  EXPECT_GT(pieces, 5);
}

}  // namespace
}  // namespace sluice::admin
