#include "control/tracing/exporter.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "control/io/reach.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::tracing {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kOneTry{10'000};
constexpr std::size_t kMostAnswer = 16 * 1024;  // bytes of an answer's body

std::string this_host() {
  boost::system::error_code failed;
  std::string name = asio::ip::host_name(failed);
  return failed ? std::string() : name;
}

std::string url_of(std::string endpoint) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint + "/v1/traces";
}

std::int64_t unix_seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

Exporter::Exporter(Surroundings around, std::string version)
    : around_(std::move(around)),
      resource_{{}, std::move(version), this_host(), ::getpid()},
      wakeup_(around_.loop),
      sent_(around_.loop) {}

Exporter::~Exporter() = default;

void Exporter::adopt(const config::TracingSpec& spec) {
  if (spec.on()) {
    if (spec.endpoint != spec_.endpoint) failing_ = false;
    spec_ = spec;
    wakeup_.notify();
    resource_.service_name = spec.service_name;
  }
  if (!around_.spans || stopped_ || spec.on() == on()) return;
  if (!spec.on()) return batcher_.reset();
  auto give = [this, alive = std::weak_ptr<bool>(alive_)](Batch batch) {
    asio::post(around_.loop, [this, alive, batch = std::move(batch)]() mutable {
      if (!alive.expired()) take(std::move(batch));
    });
  };
  batcher_ = std::make_unique<Batcher>(*around_.spans, waiting_, std::move(give));
  if (!std::exchange(running_, true)) around_.background.spawn(run());
}

Results Exporter::results() const {
  Results all = results_;
  if (around_.spans) all.dropped = around_.spans->dropped();
  return all;
}

void Exporter::take(Batch batch) {
  batches_.push_back(std::move(batch));
  wakeup_.notify();
}

asio::awaitable<void> Exporter::run() {
  while (!stopped_) {
    if (batches_.empty()) {
      co_await wakeup_.wait();
      continue;
    }
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    co_await send(std::move(batch));
    waiting_.fetch_sub(1);
    sent_.notify();
  }
}

asio::awaitable<void> Exporter::send(Batch batch) {
  Verdict verdict{Next::again, {}, {}};
  for (int tries = 1; verdict.next == Next::again && !stopped_; ++tries) {
    std::string body = request_body(resource_, batch.spans);
    const io::HttpAnswer answer = co_await post(std::move(body));
    verdict = judge(answer, tries, unix_seconds_now());
    note(verdict.why);
    if (verdict.next == Next::taken) {
      const std::uint64_t rejected = std::min<std::uint64_t>(rejected_spans(answer.body), batch.count);
      results_.sent += batch.count - rejected;
      results_.failed += rejected;
      co_return;
    }
    if (verdict.next == Next::again && !may_wait(verdict.wait)) break;
    if (verdict.next == Next::again) co_await wait(verdict.wait);
  }
  results_.failed += batch.count;
}

// No longer than the same collector is asked.
asio::awaitable<void> Exporter::wait(std::chrono::seconds time) {
  const auto end = io::Clock::now() + time;
  const std::string endpoint = spec_.endpoint;
  while (!stopped_ && !until_ && spec_.endpoint == endpoint && io::Clock::now() < end)
    co_await wakeup_.wait_until(end);
}

// No try lasts beyond the end.
bool Exporter::may_wait(std::chrono::seconds wait) const {
  return !until_ || io::Clock::now() + wait < *until_;
}

asio::awaitable<io::HttpAnswer> Exporter::post(std::string body) {
  std::string url = url_of(spec_.endpoint);
  config::ReachSpec how = spec_.reach;
  const io::Reached reached = co_await io::look_up(around_.resolver, std::move(url), std::move(how));
  if (!reached.request) {
    io::HttpAnswer unreached;
    unreached.problem = reached.problem;
    co_return unreached;
  }
  io::HttpRequest request = *reached.request;
  request.method = "POST";
  request.content_type = "application/json";
  request.headers = spec_.headers;
  request.body = std::move(body);
  request.limit = limit();
  request.most_body = kMostAnswer;
  request.fields = {"retry-after"};
  co_return co_await io::fetch(around_.loop, std::move(request));
}

milliseconds Exporter::limit() const {
  if (!until_) return kOneTry;
  const auto left = std::chrono::duration_cast<milliseconds>(*until_ - io::Clock::now());
  return std::clamp(left, milliseconds(1), kOneTry);
}

// Told when it begins and when it is over, not at every batch.
void Exporter::note(const std::string& why) {
  if (why.empty() != failing_) return;
  failing_ = !why.empty();
  if (failing_)
    spdlog::warn("traces: {} does not take spans: {}; they are lost until it does", spec_.endpoint, why);
  else
    spdlog::info("traces: {} takes spans again", spec_.endpoint);
}

asio::awaitable<void> Exporter::finish(milliseconds limit) {
  until_ = io::Clock::now() + limit;
  batcher_.reset();
  wakeup_.notify();
  while (waiting_.load() > 0 && io::Clock::now() < *until_) co_await sent_.wait_until(*until_);
  stop();
}

void Exporter::stop() {
  stopped_ = true;
  batcher_.reset();
  wakeup_.notify();
}

}  // namespace sluice::tracing
