// What choosing costs: route, split, slot, backend. All of it runs once for every request.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/samples.hpp"
#include "proxy/base/hash.hpp"
#include "proxy/route/balance.hpp"
#include "proxy/route/decide.hpp"

namespace sluice::route {
namespace {

void BM_SplitPoint(benchmark::State& state) {
  std::uint64_t n = 0;
  for (auto _ : state) benchmark::DoNotOptimize(split_point(1, n++));
}
BENCHMARK(BM_SplitPoint);

void BM_DecideBySplit(benchmark::State& state) {
  const auto service = bench::canary_service(false);
  const auto head = bench::browser_request();
  for (auto _ : state) benchmark::DoNotOptimize(decide(service, head, "192.0.2.1", -1));
}
BENCHMARK(BM_DecideBySplit);

void BM_SlotOfKey(benchmark::State& state) {
  const std::string key = "user-1234567";
  for (auto _ : state) benchmark::DoNotOptimize(slot_of("api", key));
}
BENCHMARK(BM_SlotOfKey);

void BM_DecideByKey(benchmark::State& state) {
  const auto service = bench::canary_service(true);
  const auto head = bench::browser_request();
  for (auto _ : state) benchmark::DoNotOptimize(decide(service, head, "192.0.2.1", -1));
}
BENCHMARK(BM_DecideByKey);

// The route that matches is the last of `range(0)`.
void BM_RouteFind(benchmark::State& state) {
  const auto table = bench::hosts(static_cast<std::size_t>(state.range(0)));
  const auto head = bench::browser_request();
  for (auto _ : state) benchmark::DoNotOptimize(table.find(head));
}
BENCHMARK(BM_RouteFind)->Arg(1)->Arg(100)->Arg(10000);

void BM_PickBackend(benchmark::State& state) {
  const auto balance = static_cast<config::Balance>(state.range(0));
  std::vector<Candidate> candidates;
  for (std::uint32_t i = 0; i < 4; ++i) candidates.push_back({i, 1, i, backend_identity(std::to_string(i))});
  RoundRobinState round_robin;
  std::uint64_t key = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(pick(balance, candidates, round_robin, key += 0x9e3779b97f4a7c15));
}
BENCHMARK(BM_PickBackend)
    ->Arg(int(config::Balance::round_robin))
    ->Arg(int(config::Balance::least_requests))
    ->Arg(int(config::Balance::hash));

// Not per request: what a share change of a table with a long history costs the control thread.
void BM_SlotTableApply(benchmark::State& state) {
  SlotTable table(3, 0);
  std::uint32_t i = 0;
  for (auto _ : state) {
    const config::Share a = 1'000 + (i * 7'919) % 30'000, b = 1'000 + (i * 104'729) % 30'000;
    benchmark::DoNotOptimize(table.apply(std::vector<config::Share>{config::kWhole - a - b, a, b}));
    ++i;
  }
}
BENCHMARK(BM_SlotTableApply)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sluice::route
