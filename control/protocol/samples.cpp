#include "control/protocol/samples.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <utility>

namespace sluice::protocol {

namespace json = boost::json;

namespace {

// In their shortest form: a sample goes to every page each second.
void append_number(std::string& out, double number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

void append_rounded(std::string& out, std::optional<double> number, double units) {
  out += ',';
  if (number && std::isfinite(*number))
    append_number(out, std::round(*number * units) / units);
  else
    out += "null";
}

void append_pool(std::string& out, const PoolSample& pool) {
  constexpr double kThousandths = 1000;
  out += '[';
  append_number(out, static_cast<double>(pool.share) / kWhole);
  append_rounded(out, pool.share_measured, kWhole);
  append_rounded(out, pool.requests_per_second, kThousandths);
  append_rounded(out, pool.error_rate, kWhole);
  for (const auto latency : {pool.p50_ms, pool.p95_ms, pool.p99_ms})
    append_rounded(out, latency, kThousandths);
  out += ',' + std::to_string(pool.in_flight) + ',' + std::to_string(pool.eligible) + ']';
}

// {"NAME":VALUE,...}, each value by `append`.
template <class Items, class Append>
void append_named(std::string& out, const Items& items, Append append) {
  out += '{';
  for (bool first = true; const auto& item : items) {
    if (!std::exchange(first, false)) out += ',';
    out += json::serialize(json::string_view(item.name));
    out += ':';
    append(out, item);
  }
  out += '}';
}

json::array counts_json(const std::vector<std::uint32_t>& column) {
  return json::array(column.begin(), column.end());
}

json::array latencies_json(const std::vector<float>& column) {
  json::array out;
  for (const float value : column)
    out.push_back(value < 0 ? json::value(nullptr) : json::value(std::round(value * 1000.0) / 1000.0));
  return out;
}

json::array shares_json(const std::vector<Share>& column) {
  json::array out;
  for (const Share share : column) out.push_back(static_cast<double>(share) / kWhole);
  return out;
}

}  // namespace

std::string to_text(const Sample& sample) {
  std::string out = R"({"type":"sample","time":")" + sample.time + R"(","generation":)" +
                    std::to_string(sample.generation) + R"(,"services":)";
  append_named(out, sample.services, [](std::string& to, const ServiceSample& service) {
    append_named(to, service.pools, append_pool);
  });
  return out + '}';
}

json::object to_json(const SampleHistory& history) {
  json::object pools;
  for (const auto& pool : history.pools)
    pools[pool.name] = json::object{
        {"share", shares_json(pool.share)},      {"requests", counts_json(pool.requests)},
        {"errors", counts_json(pool.errors)},    {"in_flight", counts_json(pool.in_flight)},
        {"p50_ms", latencies_json(pool.p50_ms)}, {"p95_ms", latencies_json(pool.p95_ms)},
        {"p99_ms", latencies_json(pool.p99_ms)},
    };
  return {{"service", history.service},
          {"interval_ms", history.interval.count()},
          {"until", history.until},
          {"pools", std::move(pools)}};
}

std::optional<Problem> check(const GetSamples& samples) {
  if (!samples.service.empty()) return std::nullopt;
  return malformed("the parameter 'service' is missing", "service");
}

}  // namespace sluice::protocol
