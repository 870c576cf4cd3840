// gRPC calls through an exchange: how they are counted (G4), answered, retried (R1, R2) and cut (D7).
#include "exchange_fixture.hpp"
#include "proxy/exchange/grpc_call.hpp"

namespace sluice::exchange {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Script call_of(std::vector<std::string> statuses, bool at_once = false) {
  Script script;
  script.method = "POST";
  script.idempotent = false;
  script.body = {"message"};
  script.grpc = std::move(statuses);
  if (at_once)
    script.answer = {};
  else
    script.trailers = script.grpc.front() != "";
  return script;
}

struct GrpcCalls : ::testing::Test {
  Bench& begin(const Script& script, Fault fault = Fault::none, int at = 0) {
    bench.emplace(script, fault, at);
    return *bench;
  }
  Bench& run(const Script& script, Fault fault = Fault::none, int at = 0) {
    begin(script, fault, at);
    bench->spec.retries.rescue_stable = false;
    EXPECT_TRUE(bench->run());
    EXPECT_EQ(bench->left(), "");
    return *bench;
  }
  observe::PoolCounters& pool(std::size_t index) { return bench->pools[index].live->per_worker[0]; }
  observe::PoolCounters& canary() { return pool(1); }

  std::optional<Bench> bench;
};

TEST_F(GrpcCalls, G4_an_error_of_the_server_is_an_error_of_the_pool_though_its_status_is_200) {
  for (const auto* status : {"2", "4", "12", "13", "14", "15", "", "99", "x"}) {
    run(call_of({status}));
    EXPECT_EQ(bench->stream->status(), 200) << status;
    EXPECT_EQ(canary().errors.get(), 1u) << status;
    EXPECT_EQ(canary().by_class[5].get(), 1u) << status;
    EXPECT_EQ(bench->pools[1].backends[0].live->consecutive_errors.load(), 1u) << status;
  }
  EXPECT_EQ(canary().grpc[2].get(), 1u) << "malformed is unknown";
}

TEST_F(GrpcCalls, G4_an_error_of_the_client_is_none_of_the_pool) {
  for (const auto* status : {"3", "5", "7", "8", "10", "16"}) {
    run(call_of({status}));
    EXPECT_EQ(canary().errors.get(), 0u) << status;
    EXPECT_EQ(canary().by_class[4].get(), 1u) << status;
  }
  EXPECT_EQ(canary().grpc[16].get(), 1u);
  run(call_of({"0"}));
  EXPECT_EQ(canary().by_class[2].get(), 1u);
  EXPECT_EQ(canary().grpc[0].get(), 1u);
}

TEST_F(GrpcCalls, G4_a_call_that_was_taken_back_says_nothing) {
  run(call_of({"1"}));
  EXPECT_EQ(canary().aborted.get(), 1u);
  EXPECT_EQ(canary().errors.get(), 0u);
  for (const auto& count : canary().by_class) EXPECT_EQ(count.get(), 0u);
}

TEST_F(GrpcCalls, without_a_backend_the_answer_is_unavailable) {
  begin(call_of({"0"}));
  for (auto& pool : bench->pools) pool.backends.clear();
  EXPECT_TRUE(bench->run());
  EXPECT_TRUE(bench->stream->own);
  EXPECT_EQ(bench->stream->reply_sent.grpc, GrpcStatus::unavailable);
  EXPECT_EQ(bench->stream->reply_sent.reason, "no_backend");
  EXPECT_EQ(canary().grpc[14].get(), 1u);
}

TEST_F(GrpcCalls, a_backend_that_is_silent_exceeds_the_deadline) {
  Script script = call_of({"0"});
  script.request_fields = {{"grpc-timeout", "300m"}};
  const int arrival = 3;  // connect, head, then the answer
  run(script, Fault::backend_silent, arrival);
  ASSERT_TRUE(bench->stream->own);
  EXPECT_EQ(bench->stream->reply_sent.grpc, GrpcStatus::deadline_exceeded);
  EXPECT_EQ(canary().grpc[4].get(), 1u);
  EXPECT_EQ(canary().errors.get(), 1u);
}

// Counts from the end of the answer's head: the first step after it.
int step_behind_head(const Script& script) {
  for (int at = 1;; ++at) {
    Bench bench(script, Fault::backend_reset, at);
    bench.spec.retries.rescue_stable = false;
    bench.run();
    if (bench.stream->heads == 1 && !bench.stream->own) return at;
  }
}

TEST_F(GrpcCalls, D7_a_call_that_the_backend_breaks_ends_with_a_status) {
  Script script = call_of({"0"});
  script.answer = {"a", "b", "c"};
  run(script, Fault::backend_reset, step_behind_head(script));
  EXPECT_FALSE(bench->stream->was_reset);
  EXPECT_TRUE(bench->stream->complete);
  EXPECT_EQ(bench->stream->trailers_sent,
            (Pairs{{"grpc-status", "14"},
                   {"grpc-message", "The backend closed the connection before it had answered."},
                   {"x-sluice-error", "reset"}}));
  EXPECT_EQ(canary().errors.get(), 1u);
  EXPECT_EQ(canary().grpc[14].get(), 1u);
}

TEST_F(GrpcCalls, D7_a_call_that_a_drain_cuts_ends_with_a_status_and_counts_for_nobody) {
  Script script = call_of({"0"});
  script.answer = {"a", "b", "c"};
  for (const bool blocked : {false, true}) {
    script.blocked = blocked;
    run(script, Fault::drained, step_behind_head(script) + 1);
    EXPECT_FALSE(bench->stream->was_reset);
    ASSERT_FALSE(bench->stream->trailers_sent.empty());
    EXPECT_EQ(bench->stream->trailers_sent[0].second, "14");
    EXPECT_EQ(canary().errors.get(), 0u);
    EXPECT_EQ(canary().by_class[2].get(), 0u);
  }
}

TEST_F(GrpcCalls, D7_a_call_that_is_cut_before_its_answer_is_told_so) {
  run(call_of({"0"}), Fault::drained, 2);
  ASSERT_TRUE(bench->stream->own);
  EXPECT_EQ(bench->stream->reply_sent.grpc, GrpcStatus::unavailable);
}

TEST_F(GrpcCalls, messages_may_be_as_far_apart_as_bytes_of_a_tunnel) {
  run(call_of({"0"}));
  EXPECT_EQ(bench->stream->call_patience(), bench->spec.timeouts.tunnel);
}

// --- retries

TEST_F(GrpcCalls, R1_a_listed_status_before_the_first_message_is_tried_again_though_it_is_a_POST) {
  begin(call_of({"14", "0"}, true));
  bench->spec.retries.rescue_stable = false;
  bench->spec.retries.on_grpc = {GrpcStatus::unavailable};
  bench->pools[1].backends.push_back(bench->pools[0].backends[1]);
  EXPECT_TRUE(bench->run());
  EXPECT_EQ(bench->connector.seen.requests, 2);
  EXPECT_EQ(bench->connector.seen.previous_attempts, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(canary().errors.get(), 1u) << "what the retry hid still counts";
  EXPECT_EQ(canary().grpc[14].get(), 1u);
  EXPECT_EQ(canary().grpc[0].get(), 1u);
}

TEST_F(GrpcCalls, R1_the_client_s_own_attempts_are_counted_in) {
  Script script = call_of({"14", "0"}, true);
  script.request_fields = {{"grpc-previous-rpc-attempts", "2"}};
  begin(script);
  EXPECT_TRUE(bench->run());
  EXPECT_EQ(bench->connector.seen.previous_attempts, (std::vector<std::uint32_t>{0, 3}));
}

TEST_F(GrpcCalls, R1_a_status_that_is_not_listed_goes_to_the_client) {
  begin(call_of({"8", "0"}, true));
  bench->spec.retries.on_grpc = {GrpcStatus::unavailable};
  EXPECT_TRUE(bench->run());
  EXPECT_EQ(bench->connector.seen.requests, 1);
}

// A server that stops says CANCELLED of calls that it has not begun, as gRPC's own library does.
TEST_F(GrpcCalls, R1_cancelled_by_the_server_is_tried_again_where_it_is_listed) {
  for (const bool listed : {false, true}) {
    begin(call_of({"1", "0"}, true));
    if (listed) bench->spec.retries.on_grpc = {GrpcStatus::cancelled};
    EXPECT_TRUE(bench->run());
    EXPECT_EQ(bench->connector.seen.requests, listed ? 2 : 1);
    EXPECT_EQ(canary().errors.get(), listed ? 1u : 0u) << "else it is the client's own word";
  }
}

TEST_F(GrpcCalls, R1_nothing_is_tried_again_after_the_head_went_to_the_client) {
  Script script = call_of({"14", "0"});
  script.answer = {"first message"};
  begin(script);
  bench->spec.retries.on_grpc = {GrpcStatus::unavailable};
  EXPECT_TRUE(bench->run());
  EXPECT_EQ(bench->connector.seen.requests, 1);
  EXPECT_EQ(bench->stream->trailers_sent, (Pairs{{"grpc-status", "14"}}));
}

TEST_F(GrpcCalls, R2_a_canary_s_error_is_rescued_and_counted) {
  for (const auto* status : {"2", "13", "14"}) {
    begin(call_of({status, "0"}, true));
    EXPECT_TRUE(bench->run());
    EXPECT_EQ(bench->connector.seen.requests, 2) << status;
    EXPECT_EQ(canary().errors.get(), 1u);
    EXPECT_EQ(canary().rescued.get(), 1u);
    EXPECT_EQ(canary().grpc[static_cast<std::size_t>(std::stoi(status))].get(), 1u);
    EXPECT_EQ(pool(0).grpc[0].get(), 1u);
  }
  begin(call_of({"5", "0"}, true));
  EXPECT_TRUE(bench->run());
  EXPECT_EQ(bench->connector.seen.requests, 1) << "the client's own error is no reason";
}

TEST_F(GrpcCalls, R2_trailers_that_come_with_the_head_are_as_good_as_a_head_alone) {
  Script script = call_of({"13", "0"}, true);
  script.trailers = true;
  begin(script);
  EXPECT_TRUE(bench->run());
  EXPECT_EQ(bench->connector.seen.requests, 2);
  EXPECT_EQ(bench->stream->heads, 1);
  EXPECT_EQ(bench->stream->trailers_sent, (Pairs{{"grpc-status", "0"}}));
}

TEST_F(GrpcCalls, R1_a_server_that_wants_no_further_attempt_gets_none) {
  for (const auto* pushback : {"-1", "soon", "60000"}) {
    Script script = call_of({"14", "0"}, true);
    script.answer_fields = {{"grpc-retry-pushback-ms", pushback}};
    begin(script);
    EXPECT_TRUE(bench->run());
    EXPECT_EQ(bench->connector.seen.requests, 1) << pushback;
  }
}

TEST_F(GrpcCalls, R1_a_server_that_wants_a_pause_gets_it) {
  Script script = call_of({"14", "0"}, true);
  script.answer_fields = {{"grpc-retry-pushback-ms", "1000"}};
  begin(script);
  bench->begin();
  bench->rounds(40);  // 800 ms
  EXPECT_EQ(bench->connector.seen.requests, 1);
  EXPECT_TRUE(bench->finish());
  EXPECT_EQ(bench->connector.seen.requests, 2);
}

TEST_F(GrpcCalls, a_client_that_leaves_in_that_pause_is_not_waited_for) {
  Script script = call_of({"14", "0"}, true);
  script.answer_fields = {{"grpc-retry-pushback-ms", "1000"}};
  begin(script);
  bench->begin();
  bench->rounds(20);
  bench->stream->lose();
  bench->rounds(5);
  EXPECT_EQ(bench->left(), "");
  EXPECT_EQ(bench->connector.seen.requests, 1);
  EXPECT_EQ(canary().aborted.get(), 1u);
}

// --- one call by itself

struct OneCall : ::testing::Test, upstream::Activity {
  bool is_tunnel() const override { return false; }
  net::Clock::time_point began() const override { return {}; }
  std::string_view path() const override { return {}; }
  std::string_view client() const override { return {}; }
  void abort() override { ++cuts; }
  void end_within(std::chrono::milliseconds) override {}
  bool is_leaving() const override { return false; }

  GrpcCall& call(std::chrono::seconds age, const char* timeout = nullptr) {
    if (timeout) head.fields.push("grpc-timeout", timeout);
    return made.emplace(poller, wheel, head, net::Clock::now() - age, *this);
  }

  net::Poller poller;
  net::TimerWheel wheel;
  http::RequestHead head;
  config::TimeoutSpec service;
  std::optional<GrpcCall> made;
  int cuts = 0;
};

TEST_F(OneCall, D7_it_counts_as_a_tunnel_when_it_is_old_and_its_answer_has_begun) {
  EXPECT_FALSE(call(6s).is_long()) << "a slow request";
  made->answer_begins();
  EXPECT_TRUE(made->is_long());
  EXPECT_FALSE(made->is_stream()) << "its answer is as short as others";
  call(4s).answer_begins();
  EXPECT_FALSE(made->is_long());
}

TEST_F(OneCall, D1_its_own_deadline_cuts_it) {
  call(6s).end_within(100ms);
  wheel.advance(80ms);
  EXPECT_EQ(cuts, 0);
  wheel.advance(500ms);
  EXPECT_EQ(cuts, 1);
}

TEST_F(OneCall, the_client_s_deadline_lowers_the_limit_of_an_answer) {
  EXPECT_EQ(call(0s).begin_attempt(service).response, service.response);
  const auto& limits = call(1s, "3S").begin_attempt(service);
  EXPECT_LE(limits.response, 2s);
  EXPECT_GT(limits.response, 1s);
  made->answer_begins();
  EXPECT_LE(limits.response, 2s) << "also between messages";
  EXPECT_EQ(limits.connect, service.connect);
}

TEST_F(OneCall, a_deadline_that_has_passed_is_a_short_limit) {
  EXPECT_EQ(call(5s, "3S").begin_attempt(service).response, 1ms);
}

TEST_F(OneCall, a_deadline_beyond_the_service_s_limit_changes_nothing) {
  EXPECT_EQ(call(0s, "1H").begin_attempt(service).response, service.response);
}

TEST_F(OneCall, between_messages_the_limit_is_that_of_a_tunnel) {
  const auto& limits = call(0s).begin_attempt(service);
  made->answer_begins();
  EXPECT_EQ(limits.response, service.tunnel);
}

}  // namespace
}  // namespace sluice::exchange
