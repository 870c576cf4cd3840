// R1, R2: which attempts may be made again, and what they cost.
#include "proxy/upstream/retry.hpp"

#include <gtest/gtest.h>

namespace sluice::upstream {
namespace {

const config::RetrySpec kDefault;

RetryKind ask(Phase phase, FailureKind kind, bool idempotent, bool body_kept = true, bool reused = false,
              int counted = 1, int status = 0, const config::RetrySpec& spec = kDefault) {
  return may_retry(spec, {phase, kind, status, reused}, {idempotent, body_kept}, counted);
}

TEST(Retry, R1_what_was_never_sent_may_go_elsewhere_whatever_the_method) {
  EXPECT_EQ(ask(Phase::connecting, FailureKind::connect, false), RetryKind::free);
  EXPECT_EQ(ask(Phase::connecting, FailureKind::connect, true, true, false, 99), RetryKind::free);
}

TEST(Retry, R3_what_the_backend_did_nothing_about_was_never_sent) {
  EXPECT_EQ(ask(Phase::connecting, FailureKind::unprocessed, false), RetryKind::free);
  EXPECT_EQ(ask(Phase::connecting, FailureKind::unprocessed, false, false), RetryKind::no)
      << "its body is gone";
  config::RetrySpec spec;
  spec.on_reset = false;
  EXPECT_EQ(ask(Phase::connecting, FailureKind::unprocessed, false, true, false, 1, 0, spec),
            RetryKind::free);
  spec.on_connect = false;
  EXPECT_EQ(ask(Phase::connecting, FailureKind::unprocessed, false, true, false, 1, 0, spec), RetryKind::no);
}

TEST(Retry, R1_what_is_not_safe_to_repeat_is_not_repeated_once_a_byte_was_sent) {
  for (const auto kind : {FailureKind::reset, FailureKind::status, FailureKind::timeout})
    for (const bool reused : {false, true})
      EXPECT_EQ(ask(Phase::sent, kind, false, true, reused, 1, 503), RetryKind::no);
}

TEST(Retry, R1_a_body_that_is_gone_cannot_be_sent_again) {
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, false, true), RetryKind::no);
  EXPECT_EQ(ask(Phase::connecting, FailureKind::connect, true, false), RetryKind::no);
}

TEST(Retry, R1_a_pooled_connection_that_dies_before_the_first_byte_costs_no_attempt) {
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, true, true, 99), RetryKind::free);
  EXPECT_EQ(ask(Phase::answered, FailureKind::reset, true, true, true, 99), RetryKind::no)
      << "an answer had begun";
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, true, false, 1), RetryKind::counted)
      << "a fresh one: the backend's doing";
}

TEST(Retry, R2_attempts_are_counted_the_first_one_included) {
  config::RetrySpec spec;
  spec.attempts = 3;
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, true, false, 1, 0, spec), RetryKind::counted);
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, true, false, 2, 0, spec), RetryKind::counted);
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, true, false, 3, 0, spec), RetryKind::no);
}

TEST(Retry, R1_only_what_is_listed_is_tried_again) {
  for (const int status : {502, 503, 504})
    EXPECT_EQ(ask(Phase::answered, FailureKind::status, true, true, false, 1, status), RetryKind::counted);
  EXPECT_EQ(ask(Phase::answered, FailureKind::status, true, true, false, 1, 500), RetryKind::no);
  EXPECT_EQ(ask(Phase::sent, FailureKind::timeout, true), RetryKind::no) << "not by default";
  config::RetrySpec spec;
  spec.on_connect = spec.on_reset = false;
  spec.on_timeout = true;
  EXPECT_EQ(ask(Phase::connecting, FailureKind::connect, true, true, false, 1, 0, spec), RetryKind::no);
  EXPECT_EQ(ask(Phase::sent, FailureKind::reset, true, true, true, 1, 0, spec), RetryKind::no);
  EXPECT_EQ(ask(Phase::sent, FailureKind::timeout, true, true, false, 1, 0, spec), RetryKind::counted);
}

TEST(Retry, R1_garbage_is_as_good_as_no_answer) {
  EXPECT_EQ(ask(Phase::answered, FailureKind::protocol, true), RetryKind::counted);
  EXPECT_EQ(ask(Phase::answered, FailureKind::protocol, false), RetryKind::no);
  EXPECT_EQ(ask(Phase::answered, FailureKind::protocol, true, true, true), RetryKind::counted)
      << "never for free, also on a connection that had served before";
}

TEST(Retry, R1_what_is_not_the_backends_doing_is_never_tried_again) {
  for (const auto kind : {FailureKind::gone, FailureKind::malformed, FailureKind::too_slow,
                          FailureKind::drained, FailureKind::overload, FailureKind::no_backend,
                          FailureKind::no_route, FailureKind::disabled, FailureKind::none})
    EXPECT_EQ(ask(Phase::sent, kind, true, true, true), RetryKind::no);
}

TEST(Retry, R1_the_budget_is_a_fifth_of_what_is_in_flight_and_at_least_three) {
  EXPECT_TRUE(budget_allows(kDefault, 2, 1));
  EXPECT_FALSE(budget_allows(kDefault, 3, 1));
  EXPECT_FALSE(budget_allows(kDefault, 3, 15));
  EXPECT_TRUE(budget_allows(kDefault, 19, 100));
  EXPECT_FALSE(budget_allows(kDefault, 20, 100));
  config::RetrySpec none;
  none.budget = 0;
  EXPECT_TRUE(budget_allows(none, 2, 1'000));
  EXPECT_FALSE(budget_allows(none, 3, 1'000));
}

}  // namespace
}  // namespace sluice::upstream
