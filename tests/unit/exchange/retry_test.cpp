// What a client gets when a backend fails: another backend's answer, the rescuer's, or one of the proxy's own
// (R1, R2, S9, X3, X5, H3); and what is counted then.
#include "stage.hpp"

namespace sluice::exchange {
namespace {

using observe::UpstreamError;

class OneBackendFails : public OneBackend {
 protected:
  // Serves one request; its connection may serve again.
  void warm() {
    EXPECT_EQ(get("/warm").over, false);
    answer(0);
    ASSERT_TRUE(side(0).kept);
  }
};

class Failing : public Stage {
 protected:
  // Requests go to the canary, the stable pool rescues.
  void stable_and_canary() {
    add_pool("stable", 0, 1);
    add_pool("canary", config::kWhole, 1);
    publish();
  }
  void two_backends() {
    add_pool("stable", config::kWhole, 2);
    publish();
  }
};

TEST_F(OneBackendFails, R1_a_get_on_an_idle_connection_that_died_is_asked_again) {
  warm();
  const ManualClient& client = get("/a");
  ASSERT_TRUE(side(1).reused);
  side(1).close();
  rounds();
  ASSERT_EQ(asked(), 3u);
  EXPECT_FALSE(side(2).reused);
  answer(2);
  EXPECT_TRUE(served(client));
  EXPECT_EQ(counters(0).retries.get(), 1u);
}

TEST_F(OneBackendFails, R1_a_post_on_an_idle_connection_that_died_is_502_and_was_sent_once) {
  warm();
  const ManualClient& client = ask(post());
  ASSERT_TRUE(side(1).reused);
  EXPECT_THAT(side(1).got(), EndsWith("\r\n\r\nabc"));
  side(1).close();
  rounds();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(client.error, "reset");
  EXPECT_EQ(asked(), 2u);
}

TEST_F(OneBackendFails, R1_a_fresh_connection_that_dies_without_another_backend_is_502_after_one_try) {
  const ManualClient& client = get("/a");
  side(0).close();
  rounds();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(counters(0).errors.get(), 1u);
  EXPECT_EQ(counters(0).by_class[5].get(), 1u);
  EXPECT_EQ(counters(0).upstream_errors[static_cast<std::size_t>(UpstreamError::reset)].get(), 1u);
}

TEST_F(Failing, R2_a_failed_get_goes_to_another_backend) {
  two_backends();
  const ManualClient& client = get("/a");
  side(0).close();
  rounds();
  ASSERT_EQ(asked(), 2u);
  EXPECT_NE(side(0).to, side(1).to);
  answer(1);
  EXPECT_TRUE(served(client));
}

TEST_F(Failing, R1_what_was_never_sent_is_sent_elsewhere_whatever_the_method) {
  two_backends();
  connector.refusing = {"stable0"};
  for (int i = 0; i < 2; ++i) {  // one of them asks the dead one first
    const ManualClient& client = ask(post());
    BackendSide& last = connector.sides.back();
    EXPECT_EQ(last.to, "stable1");
    EXPECT_THAT(last.got(), EndsWith("\r\n\r\nabc"));
    last.answer();
    rounds();
    EXPECT_TRUE(served(client));
  }
  EXPECT_EQ(sides_of("stable0").size(), 1u);
}

TEST_F(Failing,
       R2_the_user_of_a_failing_canary_sees_the_stable_pools_answer_and_the_canary_counts_the_failure) {
  stable_and_canary();
  const ManualClient& client = get("/a");
  EXPECT_EQ(side(0).to, "canary0");
  answer(0, 503, "busy");
  ASSERT_EQ(asked(), 2u);
  EXPECT_EQ(side(1).to, "stable0");
  answer(1);
  EXPECT_TRUE(served(client));
  EXPECT_EQ(counters(1).requests.get(), 1u);
  EXPECT_EQ(counters(1).errors.get(), 1u);
  EXPECT_EQ(counters(1).rescued.get(), 1u);
  EXPECT_EQ(counters(1).by_class[5].get(), 1u);
  EXPECT_EQ(counters(0).requests.get(), 0u);
}

TEST_F(Failing, R2_rescue_none_leaves_the_canarys_answer_to_the_user) {
  spec.retries.rescue_stable = false;
  stable_and_canary();
  const ManualClient& client = get("/a");
  answer(0, 503, "busy");
  EXPECT_EQ(client.status(), 503);
  EXPECT_EQ(client.got(), "busy");
  EXPECT_EQ(asked(), 1u);
}

TEST_F(Failing, S9_a_pool_without_an_eligible_backend_is_rescued_and_counts_the_failure) {
  stable_and_canary();
  pools[1].backends[0].admin = observe::Admin::maint;
  publish();
  const ManualClient& client = get("/a");
  EXPECT_EQ(side(0).to, "stable0");
  answer(0);
  EXPECT_TRUE(served(client));
  EXPECT_EQ(counters(1).no_backend.get(), 1u);
  EXPECT_EQ(counters(1).errors.get(), 1u);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(Failing, S9_without_rescue_it_is_503_no_backend) {
  add_pool("stable", config::kWhole, 0);
  publish();
  const ManualClient& client = get("/a");
  EXPECT_EQ(client.status(), 503);
  EXPECT_EQ(client.error, "no_backend");
  EXPECT_EQ(counters(0).errors.get(), 1u);
}

// Each of eight users is answered 503 by the canary. The budget is three retries at a time.
TEST_F(Failing, R1_retries_of_answers_stay_within_the_budget) {
  stable_and_canary();
  for (int i = 0; i < 8; ++i) get("/a");
  ASSERT_EQ(sides_of("canary0").size(), 8u);
  for (std::size_t n = 0; n < 8; ++n) answer(n, 503, "busy");
  const auto refused = std::count_if(clients.begin(), clients.end(), [](const auto& client) {
    return client->over && client->status() == 503 && client->got() == "busy";
  });
  EXPECT_EQ(refused, 5);
  const auto rescues = sides_of("stable0");
  ASSERT_EQ(rescues.size(), 3u);
  for (BackendSide* rescue : rescues) rescue->answer();
  rounds();
  EXPECT_TRUE(std::all_of(clients.begin(), clients.end(), [](const auto& client) { return client->over; }));
  EXPECT_EQ(service_counters().retry_in_flight.get(), 0u);
}

TEST_F(Failing, X5_a_pool_of_many_dead_backends_is_not_asked_round_and_round) {
  add_pool("stable", config::kWhole, 24);
  for (const auto& backend : pools[0].backends) connector.refusing.insert(backend.name);
  publish();
  const ManualClient& client = ask(post());
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(client.error, "connect");
  EXPECT_LE(counters(0).retries.get(), 15u);
  EXPECT_EQ(asked(), counters(0).retries.get() + 1);
}

TEST_F(OneBackendFails, H3_every_fifth_error_in_a_row_makes_a_backend_suspect) {
  connector.refusing = {"stable0"};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get("/a").status(), 502);
  EXPECT_TRUE(suspects.empty());
  EXPECT_EQ(get("/a").status(), 502);
  EXPECT_EQ(suspects, std::vector<std::uint32_t>{0});
}

TEST_F(OneBackendFails, X3_an_answer_that_is_no_http_is_502_and_the_client_is_not_cut_off) {
  const ManualClient& client = get("/a");
  side(0).garbage();
  rounds();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(client.error, "protocol");
  EXPECT_TRUE(client.complete && !client.was_reset);
  EXPECT_TRUE(side(0).ended);
}

TEST_F(OneBackendFails, X3_a_flood_of_interim_answers_is_502) {
  const ManualClient& client = get("/a");
  for (int i = 0; i < 40; ++i) side(0).interim();
  rounds();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(client.interims.size(), 16u);
}

TEST_F(Failing, R1_a_request_is_not_sent_again_once_an_interim_answer_went_on) {
  two_backends();
  const ManualClient& client = get("/a");
  side(0).interim();
  rounds();
  EXPECT_EQ(client.interims, std::vector<int>{103});
  side(0).close();
  rounds();
  EXPECT_EQ(client.status(), 502);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(OneBackendFails, X3_an_answer_cut_short_is_not_taken_for_whole) {
  const ManualClient& client = get("/a");
  side(0).begin_answer();
  side(0).piece("half");
  rounds();
  EXPECT_EQ(client.got(), "half");
  side(0).close();
  rounds();
  EXPECT_TRUE(client.over && client.was_reset && !client.complete);
  EXPECT_EQ(client.got(), "half");
  EXPECT_EQ(counters(0).errors.get(), 1u);
}

TEST_F(OneBackendFails, X5_a_backend_that_does_not_answer_within_60_s_by_default_is_504) {
  const ManualClient& client = ask(post({}));
  takes(60s, [&] { return client.status() == 504; });
  EXPECT_EQ(client.error, "timeout");
  EXPECT_TRUE(side(0).ended && !side(0).kept);
}

TEST_F(OneBackendFails, X5_an_answer_that_stops_coming_for_60_s_by_default_is_cut_short) {
  const ManualClient& client = get("/a");
  side(0).begin_answer();
  side(0).piece("abc");
  rounds();
  EXPECT_EQ(client.got(), "abc");
  takes(60s, [&] { return client.over; });
  EXPECT_TRUE(client.was_reset && !client.complete);
}

TEST_F(OneBackendFails, X5_a_connection_that_is_not_made_within_1_s_by_default_is_502) {
  connector.unreachable = {"stable0"};
  const ManualClient& client = get("/a");
  takes(1s, [&] { return client.error == "connect"; });
}

TEST_F(OneBackendFails, D3_a_request_cut_at_a_drains_deadline_is_504_and_leaves_the_backend) {
  const ManualClient& client = get("/a");
  abort_activities();
  rounds();
  EXPECT_EQ(client.status(), 504);
  EXPECT_TRUE(side(0).ended && !side(0).kept);
  EXPECT_EQ(backend(0).in_flight.get(), 0u);
  EXPECT_EQ(counters(0).errors.get(), 0u) << "a drain is not the backend's failure";
}

}  // namespace
}  // namespace sluice::exchange
