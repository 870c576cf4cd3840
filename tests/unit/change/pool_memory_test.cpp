#include "control/change/pool_memory.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace sluice::change {
namespace {

using namespace std::chrono_literals;
using Layout = observe::HistogramLayout;

struct PoolMemoryTest : testing::Test {
  PoolMemory memory;
  const PoolMemory::Time began{std::chrono::hours(1000)};
  PoolMemory::Time now = began;

  // For so long `rate` requests a second of 20 ms come, one in `one_in` is an error.
  void traffic(std::chrono::seconds time, std::uint64_t rate, std::uint64_t one_in = 1000,
               std::size_t eligible = 2) {
    for (const auto end = now + time; now < end;) {
      now += 5s;
      const std::uint64_t n = rate * 5;
      memory.add(now, {n, n / one_in, rate / 50, n * 20'000, eligible},
                 {{static_cast<std::uint32_t>(Layout::index(20'000)), n}});
    }
  }
  PoolMemory read_back() const {
    const auto known = boost::json::parse(boost::json::serialize(memory.known()));
    auto read = PoolMemory::from(known);
    EXPECT_TRUE(read);
    return read.value_or(PoolMemory());
  }
};

TEST_F(PoolMemoryTest, the_last_hour_is_what_came_in_it) {
  traffic(10min, 100, 10);
  auto hour = memory.last_hour(now, began);
  EXPECT_DOUBLE_EQ(hour.seconds, 600);
  EXPECT_DOUBLE_EQ(hour.rate(), 100);
  EXPECT_DOUBLE_EQ(hour.error_rate(), 0.1);
  EXPECT_EQ(hour.in_flight, 2u);
  EXPECT_DOUBLE_EQ(hour.mean_seconds(), 0.02);
  traffic(61min, 200, 100);
  hour = memory.last_hour(now, began);
  EXPECT_NEAR(hour.seconds, 3600, 60);
  EXPECT_NEAR(hour.rate(), 200, 4);
  EXPECT_DOUBLE_EQ(hour.error_rate(), 0.01) << "what is older than an hour does not count";
}

TEST_F(PoolMemoryTest, latencies_are_kept_to_six_per_cent) {
  traffic(1min, 100);
  const auto hour = memory.last_hour(now, began);
  EXPECT_EQ(hour.latency.count, 6000u);
  EXPECT_NEAR(static_cast<double>(hour.latency.quantile(0.95)), 20'000, 1'250);
  EXPECT_EQ(hour.latency.at_most(10'000), 0u);
}

TEST_F(PoolMemoryTest, peaks_are_of_one_minute_and_of_a_day) {
  traffic(30min, 100, 1000, 2);
  traffic(1min, 400, 1000, 4);
  traffic(30min, 100, 1000, 1);
  auto peaks = memory.last_day(now);
  EXPECT_DOUBLE_EQ(peaks.rate, 400);
  EXPECT_DOUBLE_EQ(peaks.rate_per_backend, 100) << "four took the peak; one takes as much alone";
  EXPECT_DOUBLE_EQ(peaks.in_flight, 8);
  EXPECT_DOUBLE_EQ(peaks.in_flight_per_backend, 2);
  traffic(22h, 50, 1000, 1);
  EXPECT_DOUBLE_EQ(memory.last_day(now).rate, 400);
  traffic(4h, 50, 1000, 1);
  EXPECT_DOUBLE_EQ(memory.last_day(now).rate, 50);
}

TEST_F(PoolMemoryTest, quiet_time_leaves_nothing_behind) {
  traffic(5min, 100);
  now += 2h;
  EXPECT_EQ(memory.last_hour(now, began).requests, 0u);
  EXPECT_EQ(memory.last_hour(now, began).latency.count, 0u);
  EXPECT_DOUBLE_EQ(memory.last_day(now).rate, 100);
  now += 25h;
  EXPECT_DOUBLE_EQ(memory.last_day(now).rate, 0);
}

TEST_F(PoolMemoryTest, another_process_knows_the_same) {
  traffic(50min, 100, 20);
  traffic(30min, 70, 10, 3);
  const PoolMemory other = read_back();
  const auto mine = memory.last_hour(now, began), theirs = other.last_hour(now, began);
  EXPECT_EQ(mine.requests, theirs.requests);
  EXPECT_EQ(mine.errors, theirs.errors);
  EXPECT_EQ(mine.latency.buckets, theirs.latency.buckets);
  EXPECT_EQ(mine.mean_seconds(), theirs.mean_seconds());
  EXPECT_EQ(memory.last_day(now).rate_per_backend, other.last_day(now).rate_per_backend);
  EXPECT_EQ(memory.last_day(now).in_flight_per_backend, other.last_day(now).in_flight_per_backend);
}

TEST_F(PoolMemoryTest, what_cannot_be_read_is_not_known) {
  const auto from = [](const char* text) { return PoolMemory::from(boost::json::parse(text)).has_value(); };
  EXPECT_TRUE(from(R"({"minutes":[],"hours":[],"latencies":[]})"));
  EXPECT_TRUE(from(R"({"minutes":[[1,2,3,4,5]],"hours":[[1,2,3,4,5]],"latencies":[[1,9,2,3]]})"));
  for (const char* text :
       {"null", R"({"minutes":[],"hours":[]})", R"({"minutes":[[1,2]],"hours":[],"latencies":[]})",
        R"({"minutes":[],"hours":[["x",2,3,4,5]],"latencies":[]})",
        R"({"minutes":[[2,1,1,1,1],[1,1,1,1,1]],"hours":[],"latencies":[]})",
        R"({"minutes":[],"hours":[],"latencies":[[1,9,2]]})",
        R"({"minutes":[],"hours":[],"latencies":[[1,9,5000,3]]})",
        R"({"minutes":[],"hours":[],"latencies":[[1,9,7,3,7,3]]})"})
    EXPECT_FALSE(from(text)) << text;
}

// 24 hours at full memory: five octaves of latencies.
TEST_F(PoolMemoryTest, it_is_small) {
  for (const auto end = now + 26h; now < end; now += 5s) {
    PoolMemory::Buckets ended;
    for (std::uint32_t micros = 1'000; micros < 32'000; micros += 500)
      ended.emplace_back(static_cast<std::uint32_t>(Layout::index(micros)), 1);
    memory.add(now, {100, 1, 3, 1'000'000, 2}, ended);
  }
  EXPECT_LT(boost::json::serialize(memory.known()).size(), 8'000u);
  EXPECT_EQ(memory.known().at("minutes").as_array().size(), 60u);
  EXPECT_EQ(memory.known().at("hours").as_array().size(), 25u);
}

}  // namespace
}  // namespace sluice::change
