#include "control/protocol/samples.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

namespace sluice::protocol {
namespace {

TEST(Samples, ASampleHasNineNumbersForEachPool) {
  Sample sample{"2026-11-28T14:02:31.000Z", 7, {{"api", {}}, {"b\"c", {}}}};
  auto& blue = sample.services[0].pools.emplace_back();
  blue = {"blue", 95'000, 0.951234567, 410.51234, 0.0012345678, 1.2, 8.06, std::nullopt, 3, 2};
  sample.services[0].pools.emplace_back().name = "green";
  EXPECT_EQ(to_text(sample),
            R"({"type":"sample","time":"2026-11-28T14:02:31.000Z","generation":7,"services":{)"
            R"("api":{"blue":[0.95,0.95123,410.512,0.00123,1.2,8.06,null,3,2],)"
            R"("green":[0,null,0,null,null,null,null,0,0]},"b\"c":{}}})");
}

TEST(Samples, WhatIsNoNumberIsNull) {
  Sample sample{"", 1, {{"api", {}}}};
  auto& pool = sample.services[0].pools.emplace_back();
  pool.name = "blue";
  pool.requests_per_second = std::numeric_limits<double>::quiet_NaN();
  pool.p50_ms = std::numeric_limits<double>::infinity();
  const auto read = boost::json::parse(to_text(sample));
  const auto& blue = read.at("services").at("api").at("blue").as_array();
  EXPECT_TRUE(blue.at(2).is_null());
  EXPECT_TRUE(blue.at(4).is_null());
}

TEST(Samples, AHistoryIsColumns) {
  SampleHistory history{"api", milliseconds(5000), "2026-11-28T14:02:31.000Z", {}};
  history.pools.push_back(
      {"blue", {100'000, 50'000}, {3, 4}, {0, 1}, {2, 2}, {-1, 1.5f}, {-1, 2.25f}, {-1, 3.0f}});
  const auto json = to_json(history);
  EXPECT_EQ(json.at("service"), "api");
  EXPECT_EQ(json.at("interval_ms"), 5000);
  EXPECT_EQ(json.at("until"), "2026-11-28T14:02:31.000Z");
  EXPECT_EQ(boost::json::serialize(json.at("pools").at("blue")),
            R"({"share":[1E0,5E-1],"requests":[3,4],"errors":[0,1],"in_flight":[2,2],)"
            R"("p50_ms":[null,1.5E0],"p95_ms":[null,2.25E0],"p99_ms":[null,3E0]})");
}

TEST(Samples, AHistoryIsOfAService) {
  EXPECT_EQ(check(GetSamples{}).value_or(Problem{}).field, "service");
  EXPECT_FALSE(check(GetSamples{"api"}));
}

}  // namespace
}  // namespace sluice::protocol
