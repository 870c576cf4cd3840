// G9: how far a query looks back, and when its answer counts.
#include "control/rollout/query_range.hpp"

#include <gtest/gtest.h>

namespace sluice::rollout {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

config::GateSpec gate(std::string query, milliseconds min_age = 5s) {
  config::GateSpec made;
  made.prometheus = "http://h";
  made.query = std::move(query);
  made.min_age = min_age;
  return made;
}

TEST(QueryRange, LooksBackAsFarAsIsWritten) {
  const std::pair<const char*, milliseconds> rows[] = {
      {"up", 0s},
      {"sum(rate(a[10s])) / sum(rate(b[5m])) * 100", 5min},
      {"rate(a[1h30m])", 90min},
      {"rate(a[ 5m ])", 5min},
      {"rate(a[300])", 300s},
      {"rate(a[500ms])", 500ms},
      {"rate(a[1d]) + rate(a[1w]) + rate(a[1y])", 365 * 24h},
      {"rate(a[5m] offset 10m)", 15min},
      {"rate(a[5m] OFFSET 1h)", 65min},
      {"a offset 2m", 2min},
      {"rate(a[5m] offset -1m)", 4min},
      {"rate(a[1m] offset -10m)", 0s},
      {"max_over_time(rate(a[1m])[5m:30s])", 6min},
      {"max_over_time(rate(a[1m])[5m:30s] offset 10m)", 16min},
      {"max_over_time(deriv(rate(a[1m])[5m:1m])[10m:])", 16min},
      {"sum by (x) (rate(a[2m])) > 1", 2min},
      {"sum(rate(a[2m])) by (x)", 2min},
      {"a{b=\"c[5m]\", d='[1h]', e=`[1d]`}", 0s},
      {"label_replace(rate(a[1m]), \"x\", \"[9h]\", \"y\", \"\\\"[9h]\")", 1min},
      {"a # rate(b[5m])\n + rate(c[1m])", 1min},
      {"rate(a[5m] @ end())", 5min},
      {"rate(offset_errors[5m])", 5min},
      {"(a) + (b offset 1m)", 1min},
      {"rate(a[5m]))) + rate(b[6m])", 6min},
      {"rate(a[5m", 5min},
      {"rate(a[$__interval])", 0s},
      {"", 0s},
  };
  for (const auto& [query, back] : rows) EXPECT_EQ(reach_of(query).back, back) << query;
  EXPECT_EQ(reach_of(std::string(100'000, '(')).back, 0s);
}

TEST(QueryRange, TheStepsAgeIsNoRangeOfItsOwn) {
  EXPECT_EQ(reach_of("rate(a[{range}])"), (Reach{0s, true, false}));
  EXPECT_EQ(reach_of("rate(a[{range}] offset 30s)"), (Reach{30s, true, false}));
  EXPECT_EQ(reach_of("max_over_time(rate(a[10s])[{range}:5s])"), (Reach{10s, true, false}));
  EXPECT_FALSE(reach_of("a{range=\"x\"}").takes_age);
  EXPECT_TRUE(reach_of("rate(a[5m] @ 1609746000)").fixed_time);
  EXPECT_FALSE(reach_of("rate(a[5m] @ start())").fixed_time);
}

TEST(QueryRange, AskedWithTheAgeThatLiesInTheStep) {
  const StepQuery query(gate("rate(a[{range}]) / rate(b[{range}])"));
  EXPECT_EQ(query.at(4999ms), std::nullopt);
  EXPECT_EQ(query.at(5s), "rate(a[5s]) / rate(b[5s])");
  EXPECT_EQ(query.at(37'900ms), "rate(a[37s]) / rate(b[37s])");
  EXPECT_EQ(query.held(5s, "T"), "");
  const StepQuery inner(gate("max_over_time(rate(a[10s])[{range}:5s])"));
  EXPECT_EQ(inner.counts_from(), 15s);
  EXPECT_EQ(inner.at(20s), "max_over_time(rate(a[10s])[10s:5s])");
  EXPECT_EQ(StepQuery(gate("rate(a[{range}])", 0s)).at(0s), std::nullopt);
  EXPECT_EQ(StepQuery(gate("rate(a[{range}])", 0s)).at(250ms), "rate(a[250ms])");
}

TEST(QueryRange, HeldUntilItsOwnRangeLiesInTheStep) {
  const StepQuery query(gate("rate(a[10s])"));
  EXPECT_EQ(query.at(1s), "rate(a[10s])") << "asked, but not judged";
  EXPECT_EQ(query.held(4200ms, "12:00:31"),
            "no answer counts before 12:00:31, the query looks back 10s and the step is 4s old");
  EXPECT_EQ(query.held(10s, "x"), "");
  EXPECT_EQ(StepQuery(gate("up")).held(1s, "T"), "no answer counts before T, when the step is 5s old");
  EXPECT_EQ(StepQuery(gate("up", 0s)).held(0s, "T"), "");
  EXPECT_NE(StepQuery(gate("up @ 1")).held(24h, "T"), "");
}

}  // namespace
}  // namespace sluice::rollout
