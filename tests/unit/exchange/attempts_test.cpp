// R1, R2: the next attempt of a request, without sockets.
#include "proxy/exchange/attempts.hpp"

#include <gtest/gtest.h>

namespace sluice::exchange {
namespace {

using Next = Attempts::Next;

route::Pool pool_of(const std::string& name, std::vector<std::uint32_t> ids) {
  route::Pool pool;
  pool.name = name;
  for (const auto id : ids) {
    route::Backend backend;
    backend.name = name + std::to_string(id);
    backend.endpoints.resize(1);
    backend.live = std::make_shared<observe::BackendLive>(id, 1);
    pool.backends.push_back(backend);
  }
  return pool;
}

class AttemptsTest : public ::testing::Test {
 protected:
  AttemptsTest() { spec.attempts = 3; }
  Next fail(std::uint32_t on, FailureKind kind, upstream::Phase phase, bool reused = false, int status = 0) {
    attempts.begin();
    const route::Pool& asked = on < 10 ? stable : canary;
    return attempts.plan_retry({phase, kind, status, reused}, on,
                               {spec, live, asked, stable, watched, idempotent, body_kept});
  }
  Next no_connection(std::uint32_t on) { return fail(on, FailureKind::connect, upstream::Phase::connecting); }
  Next status_500(std::uint32_t on) {
    return fail(on, FailureKind::status, upstream::Phase::answered, false, 500);
  }
  Next dead_idle_connection(std::uint32_t on) {
    return fail(on, FailureKind::reset, upstream::Phase::sent, true);
  }

  config::RetrySpec spec;
  observe::ServiceLive live{1};
  route::Pool stable = pool_of("stable", {1, 2});
  route::Pool canary = pool_of("canary", {10, 11});
  bool watched = false, idempotent = true, body_kept = true;
  Attempts attempts;
};

TEST_F(AttemptsTest, R1_another_backend_of_the_same_pool_and_then_none) {
  EXPECT_EQ(no_connection(1), Next::same_pool);
  ASSERT_EQ(attempts.tried().size(), 1u);
  EXPECT_EQ(attempts.tried()[0], 1u);
  EXPECT_EQ(no_connection(2), Next::give_up);
}

TEST_F(AttemptsTest, R2_a_canary_without_another_backend_is_rescued) {
  EXPECT_EQ(no_connection(10), Next::same_pool);
  EXPECT_EQ(no_connection(11), Next::rescuer);
}

TEST_F(AttemptsTest, R2_the_last_counted_attempt_is_the_rescuer_s) {
  EXPECT_EQ(status_500(10), Next::same_pool);
  EXPECT_EQ(status_500(11), Next::rescuer);
  EXPECT_TRUE(attempts.in_budget());
  EXPECT_EQ(status_500(1), Next::give_up);
}

TEST_F(AttemptsTest, R1_what_is_not_safe_to_repeat_is_not_repeated_once_it_was_sent) {
  idempotent = false;
  EXPECT_EQ(no_connection(10), Next::same_pool);
  EXPECT_EQ(dead_idle_connection(11), Next::give_up);
}

TEST_F(AttemptsTest, R1_a_body_that_is_gone_cannot_be_sent_again) {
  body_kept = false;
  EXPECT_EQ(no_connection(10), Next::give_up);
}

TEST_F(AttemptsTest, R1_a_dead_idle_connection_is_free_and_its_backend_is_asked_again_on_a_fresh_one) {
  EXPECT_EQ(dead_idle_connection(1), Next::same_pool);
  EXPECT_FALSE(attempts.fresh_only());
  EXPECT_EQ(dead_idle_connection(2), Next::same_pool);
  EXPECT_TRUE(attempts.fresh_only());
  EXPECT_TRUE(attempts.tried().empty());
  EXPECT_FALSE(attempts.in_budget());
}

TEST_F(AttemptsTest, R1_the_budget_stops_counted_retries_but_not_a_watched_rescue) {
  live.per_worker[0].retry_in_flight.add(3);
  EXPECT_EQ(status_500(10), Next::give_up);
  watched = true;
  EXPECT_NE(status_500(10), Next::give_up);
}

TEST_F(AttemptsTest, R3_what_a_backend_did_nothing_about_goes_anywhere_once_and_then_elsewhere_if_it_can) {
  idempotent = false;
  const auto unprocessed = [this](std::uint32_t on) {
    return fail(on, FailureKind::unprocessed, upstream::Phase::connecting);
  };
  EXPECT_EQ(unprocessed(1), Next::same_pool);
  EXPECT_TRUE(attempts.tried().empty()) << "it may be back already";
  EXPECT_EQ(unprocessed(1), Next::same_pool);
  ASSERT_EQ(attempts.tried().size(), 1u);
  EXPECT_EQ(attempts.tried()[0], 1u);
  EXPECT_EQ(unprocessed(2), Next::same_pool) << "nobody else is left";
  EXPECT_EQ(unprocessed(2), Next::give_up) << "not for ever";
  EXPECT_FALSE(attempts.in_budget());
}

TEST_F(AttemptsTest, R3_a_pool_of_one_backend_asks_it_again_or_the_rescuer) {
  stable = pool_of("stable", {1});
  canary = pool_of("canary", {10});
  const auto unprocessed = [this](std::uint32_t on) {
    return fail(on, FailureKind::unprocessed, upstream::Phase::connecting);
  };
  EXPECT_EQ(unprocessed(10), Next::same_pool);
  EXPECT_EQ(unprocessed(10), Next::rescuer);
  EXPECT_EQ(unprocessed(1), Next::same_pool);
  EXPECT_EQ(unprocessed(1), Next::give_up);
}

TEST_F(AttemptsTest, no_request_has_more_attempts_than_can_be_remembered) {
  for (std::size_t i = 0; i < Attempts::kMost - 1; ++i) attempts.begin();
  EXPECT_EQ(no_connection(1), Next::give_up);
}

}  // namespace
}  // namespace sluice::exchange
