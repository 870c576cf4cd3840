// What reading and rewriting heads costs, and what is counted for each request.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/samples.hpp"
#include "proxy/base/buffer.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/http1/response_writer.hpp"
#include "proxy/observe/access_log.hpp"
#include "proxy/observe/live.hpp"

namespace sluice {
namespace {

const std::string kAnswer =
    "HTTP/1.1 200 OK\r\nServer: origin\r\nContent-Type: text/plain\r\nDate: Sun, 22 Nov 2026 00:00:00 "
    "GMT\r\nContent-Length: 128\r\n\r\n";

void parse(benchmark::State& state, const std::string& bytes) {
  http1::RequestParser parser;
  http1::RequestHead head;
  for (auto _ : state) {
    parser.reset();
    if (parser.parse(bytes, head) != http1::Status::done) state.SkipWithError("the head was refused");
    benchmark::DoNotOptimize(head);
  }
}

void rewrite(benchmark::State& state, const std::string& bytes) {
  http1::RequestParser parser;
  http1::RequestHead head;
  if (parser.parse(bytes, head) != http1::Status::done) return state.SkipWithError("the head was refused");
  http::ForwardContext context;
  context.client_ip = "192.0.2.1";
  context.proto = "http";
  context.default_host = "127.0.0.1:9001";
  char id[32];
  Buffer out;
  for (auto _ : state) {
    ++context.random[0];
    context.request_id = http::choose_request_id(head, context.random, id);
    out.clear();
    http1::write_request(head, context, out);
    benchmark::DoNotOptimize(out.data());
  }
}

void BM_ParseSmallHead(benchmark::State& state) { parse(state, bench::kSmallHead); }
void BM_ParseBrowserHead(benchmark::State& state) { parse(state, bench::kBrowserHead); }
void BM_RewriteSmallHead(benchmark::State& state) { rewrite(state, bench::kSmallHead); }
void BM_RewriteBrowserHead(benchmark::State& state) { rewrite(state, bench::kBrowserHead); }
BENCHMARK(BM_ParseSmallHead);
BENCHMARK(BM_ParseBrowserHead);
BENCHMARK(BM_RewriteSmallHead);
BENCHMARK(BM_RewriteBrowserHead);

void BM_AnswerHead(benchmark::State& state) {
  http1::ResponseParser parser;
  http1::ResponseHead head;
  http1::ResponseContext context;
  context.date = "Sun, 22 Nov 2026 00:00:00 GMT";
  Buffer out;
  for (auto _ : state) {
    parser.reset();
    if (parser.parse(kAnswer, head, false) != http1::Status::done)
      state.SkipWithError("the head was refused");
    context.framing_to_client = http1::response_framing(head, http1::Version::http11, false);
    out.clear();
    http1::write_response(head, context, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_AnswerHead);

void BM_RecordMetrics(benchmark::State& state) {
  observe::PoolLive pool(1);
  auto& counters = pool.per_worker[0];
  std::uint64_t micros = 1;
  for (auto _ : state) {
    counters.requests.add();
    counters.in_flight.add();
    counters.by_class[2].add();
    counters.in_flight.sub();
    counters.duration.record(micros = micros * 7 % 1'000'003);
  }
}
BENCHMARK(BM_RecordMetrics);

void BM_AccessLogPush(benchmark::State& state) {
  observe::AccessRing ring;
  observe::AccessRecord record;
  record.request_id = "0123456789abcdef0123456789abcdef";
  record.method = "GET";
  record.host = "api.example.com";
  record.path = "/v1/users/42";
  record.service = record.pool = record.backend = "api";
  std::string lines;
  for (auto _ : state) {
    if (ring.push(record)) continue;
    state.PauseTiming();
    lines.clear();
    ring.drain({}, lines);
    state.ResumeTiming();
  }
}
BENCHMARK(BM_AccessLogPush);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
