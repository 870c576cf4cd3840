// How a metric is described: once, in a table beside the struct whose counters it reads. control/admin writes
// each row as a family of /metrics. Pure data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::observe {

template <class Source>
struct Metric {
  std::string_view name, type, help;  // type: counter or gauge
  // The value of label `values[i]`; i is 0 where there is no label.
  std::uint64_t (*read)(const Source& source, std::size_t i);
  std::string_view label = {};
  std::span<const std::string_view> values = {};
};

template <class Cells, class Read>
std::uint64_t sum_over(const Cells& per_worker, Read read) {
  std::uint64_t sum = 0;
  for (const auto& worker : per_worker) sum += read(worker);
  return sum;
}

// Rows' usual readers: the sum of one counter, or of one of an array, over the workers.
template <auto counter, class Source>
std::uint64_t total(const Source& source, std::size_t) {
  return sum_over(source.per_worker, [](const auto& worker) { return (worker.*counter).get(); });
}
template <auto counters, std::size_t first, class Source>
std::uint64_t total_of(const Source& source, std::size_t i) {
  return sum_over(source.per_worker, [i](const auto& worker) { return (worker.*counters)[first + i].get(); });
}

inline constexpr std::string_view kStatusClasses[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace sluice::observe
