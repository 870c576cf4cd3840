#include "control/cli/print_forecast.hpp"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using protocol::Forecast;

Forecast forecast() {
  Forecast made;
  made.name = "api";
  made.known_seconds = 3'600;
  made.hours_known = 24;
  made.rate = 60;
  made.rate_peak = 80;
  made.error_rate = 0.01;
  made.p95_ms = 114.2;
  made.sticky = true;
  auto& step = made.steps.emplace_back();
  step.share = 5'000;
  step.hold = std::chrono::minutes(10);
  step.users_moved = 5'000;
  step.requests_moved = 180;
  step.rate = 3;
  step.enough = 17;
  step.broken = 2;
  protocol::ForecastPool pool;
  pool.pool = "green";
  pool.rate = 1.5;
  pool.in_flight = 0.07;
  pool.max_in_flight = 4;
  step.pools = {pool};
  step.gates = {{"error_rate max 1 %",
                 "rate",
                 0.01,
                 0.01,
                 {{0.012, {}}, {0.015, {2600, {}}}, {0.02, {380, 840}}, {0.03, {150, 290}}},
                 0.026,
                 {120, 700},
                 ""}};
  return made;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(PrintForecast, says_what_moves_and_what_is_found) {
  const auto text = render_forecast(forecast(), Style{});
  EXPECT_TRUE(has(
      text, "from the last 1h: 60 requests a second, 1 % errors, p95 114 ms; the highest minute of 24 h: 80"))
      << text;
  EXPECT_TRUE(
      has(text,
          "   1     5%   10m          5%        180/min       3/s  green: 1.5 req/s, 0.07 in flight of 4\n"))
      << text;
  EXPECT_TRUE(has(text, "step 1, 3 requests a second on the canary, held 10m:\n")) << text;
  EXPECT_TRUE(has(text,
                  "1 % -> 2 % is found in 6.3 min (median), 14 min (95 %), not always within this step: hold "
                  "15m or ask for less"))
      << text;
  EXPECT_TRUE(has(text, "1 % -> 1.2 % not within this step: ask for less")) << text;
  EXPECT_TRUE(has(text, "from 2.6 % on it is found within this step")) << text;
  EXPECT_TRUE(
      has(text, "one like stable passes after 2 min (median), 12 min (95 %): the step lasts until it does"))
      << text;
  EXPECT_TRUE(has(text, "a canary that fails everything is stopped within 2 s")) << text;
}

TEST(PrintForecast, what_a_pool_cannot_carry_is_said_once) {
  auto made = forecast();
  made.steps.push_back(made.steps.front());
  for (auto& step : made.steps) step.pools.front().problem = "too much";
  const auto text = render_forecast(made, Style{});
  EXPECT_TRUE(has(text, "mind: green at 5%: too much\n")) << text;
  EXPECT_EQ(text.find("too much"), text.rfind("too much")) << text;
}

TEST(PrintForecast, when_nothing_is_known_only_why) {
  auto made = forecast();
  made.why = "no request came";
  EXPECT_EQ(render_forecast(made, Style{}), "api: what is foretold\nno request came\n");
}

TEST(PrintForecast, it_comes_from_the_daemons_json) {
  const auto json = protocol::answer_json(protocol::Forecasts{{forecast()}}).at("services");
  EXPECT_EQ(render_forecasts(json, Style{}), render_forecast(forecast(), Style{}));
}

TEST(PrintForecast, pools_that_do_not_keep_the_limit_today_are_named) {
  auto made = forecast();
  made.steps.front().gates.front().baseline = 0.03;
  EXPECT_TRUE(
      has(render_forecast(made, Style{}), "the pools of today do not keep it: 3 % where the limit is 1 %"));
}

}  // namespace
}  // namespace sluice::cli
