// The spans of a request where tracing is on: which there are, whose children they are, and whether they are
// told of.
#include "stage.hpp"

namespace sluice::exchange {
namespace {

using observe::SpanRecord;

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736", kParent = "00f067aa0ba902b7";

template <std::size_t N>
std::string text(const std::array<char, N>& digits) {
  return {digits.data(), N};
}

// A span whose texts last.
struct Told : SpanRecord {
  explicit Told(const SpanRecord& span) : SpanRecord(span), pool_name(span.pool), why(span.error) {}
  std::string pool_name, why;
};

class Traced : public Stage {
 protected:
  Traced() { trace(config::kWhole, true); }
  void trace(Share ratio, bool errors) { worker.tracing = {&ring, ratio, errors}; }
  void stable_and_canary() {
    add_pool("stable", 0, 1);
    add_pool("canary", config::kWhole, 1);
    publish();
  }
  std::vector<Told> told() {
    std::vector<Told> all;
    ring.drain([&all](const SpanRecord& span) { all.emplace_back(span); });
    return all;
  }
  ManualClient& ask_as(const std::string& parent) { return ask({"GET", "/a", {{"traceparent", parent}}}); }

  observe::SpanRing ring{1u << 16};
};

TEST_F(Traced, A_rescue_is_two_attempts_of_one_request) {
  stable_and_canary();
  const ManualClient& client = get("/a");
  answer(0, 502);
  answer(1);
  EXPECT_TRUE(served(client));
  const auto spans = told();
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[0].kind, SpanRecord::Kind::server);
  EXPECT_FALSE(spans[0].failed || spans[0].has_parent);
  EXPECT_EQ(spans[0].status, 200);
  EXPECT_EQ(spans[0].pool_name, "canary");
  EXPECT_EQ(spans[1].pool_name, "canary");
  EXPECT_TRUE(spans[1].failed && !spans[1].is_rescue);
  EXPECT_EQ(spans[1].status, 502);
  EXPECT_EQ(spans[2].pool_name, "stable");
  EXPECT_TRUE(!spans[2].failed && spans[2].is_rescue);
  for (std::size_t i : {1, 2}) {
    EXPECT_EQ(text(spans[i].parent_id), text(spans[0].span_id));
    EXPECT_EQ(text(spans[i].trace_id), text(spans[0].trace_id));
    EXPECT_EQ(spans[i].attempts, i);
    EXPECT_THAT(side(i - 1).got(), HasSubstr("traceparent: 00-" + text(spans[0].trace_id) + "-" +
                                             text(spans[i].span_id) + "-01\r\n"));
    EXPECT_LE(spans[0].began, spans[i].began);
    EXPECT_LE(spans[i].began, spans[i].ended);
    EXPECT_LE(spans[i].ended, spans[0].ended);
  }
}

TEST_F(Traced, The_clients_trace_goes_on) {
  trace(0, false);
  stable_and_canary();
  ask_as("00-" + kTrace + "-" + kParent + "-01");
  answer(0);
  const auto spans = told();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(text(spans[0].trace_id), kTrace);
  EXPECT_EQ(text(spans[0].parent_id), kParent);
  EXPECT_THAT(side(0).got(),
              HasSubstr("traceparent: 00-" + kTrace + "-" + text(spans[1].span_id) + "-01\r\n"));
  EXPECT_THAT(side(0).got(), Not(HasSubstr(kParent)));
}

TEST_F(Traced, Who_does_not_trace_is_left_alone) {
  stable_and_canary();
  const std::string parent = "00-" + kTrace + "-" + kParent + "-00";
  ask_as(parent);
  answer(0);
  EXPECT_THAT(side(0).got(), HasSubstr("traceparent: " + parent + "\r\n"));
  EXPECT_TRUE(told().empty());
}

TEST_F(Traced, A_failure_is_told_of_whatever_the_ratio) {
  trace(0, true);
  stable_and_canary();
  get("/a");
  EXPECT_THAT(side(0).got(), HasSubstr("-00\r\n"));
  answer(0);
  EXPECT_TRUE(told().empty());
  get("/b");
  side(1).close();
  rounds();
  answer(2);
  auto spans = told();
  ASSERT_EQ(spans.size(), 3u) << "an attempt failed, and was rescued";
  EXPECT_EQ(spans[1].why, "reset");
  EXPECT_EQ(spans[0].flags, 0);
  trace(0, false);
  get("/c");
  side(3).close();
  rounds();
  answer(4);
  EXPECT_TRUE(told().empty());
}

TEST_F(Traced, A_client_that_leaves_is_no_failure) {
  trace(0, true);
  stable_and_canary();
  ManualClient& client = get("/a");
  client.close_now();
  rounds();
  EXPECT_TRUE(told().empty());
}

TEST_F(Traced, A_ring_that_is_full_drops_spans_and_counts_them) {
  stable_and_canary();
  for (std::size_t i = 0; ring.dropped() == 0 && i < 1000; ++i) {
    const ManualClient& client = get("/a");
    answer(i);
    ASSERT_TRUE(served(client));
  }
  EXPECT_GT(ring.dropped(), 0u);
  EXPECT_FALSE(told().empty());
}

TEST_F(Traced, Off_means_nothing_is_different) {
  worker.tracing = {};
  stable_and_canary();
  get("/a");
  EXPECT_THAT(side(0).got(), HasSubstr("-01\r\n"));
  answer(0);
  EXPECT_TRUE(told().empty());
}

}  // namespace
}  // namespace sluice::exchange
