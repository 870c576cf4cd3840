#include "control/cli/select_status.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::PoolStatus;
using protocol::ServiceStatus;

namespace {

// How much of its traffic has left the stable pool.
double moved_share(const ServiceStatus& service) {
  for (const auto& pool : service.pools)
    if (pool.name == service.stable) return 1 - static_cast<double>(pool.share) / kWhole;
  return 1;
}

double in_flight(const ServiceStatus& service) {
  double sum = 0;
  for (const auto& pool : service.pools) sum += static_cast<double>(pool.in_flight);
  return sum;
}

// The part of its backends that gets no requests.
double ineligible(const ServiceStatus& service) {
  double out = 0, all = 0;
  for (const auto& pool : service.pools)
    for (const auto& backend : pool.backends) {
      ++all;
      out += !backend.eligible;
    }
  return all > 0 ? out / all : 1;
}

using Figure = std::function<double(const ServiceStatus&)>;

const std::vector<std::pair<std::string, Figure>>& figures() {
  static const std::vector<std::pair<std::string, Figure>> kFigures = {
      {"name", nullptr},
      {"rps", requests_per_second},
      {"errors", error_rate},
      {"p50", [](const ServiceStatus& service) { return latency_ms(service, &PoolStatus::p50_ms); }},
      {"p95", [](const ServiceStatus& service) { return latency_ms(service, &PoolStatus::p95_ms); }},
      {"p99", [](const ServiceStatus& service) { return latency_ms(service, &PoolStatus::p99_ms); }},
      {"share", moved_share},
      {"in-flight", in_flight},
      {"health", ineligible},
  };
  return kFigures;
}

void sort(std::vector<ServiceStatus>& services, const std::string& key) {
  if (key == "name")
    std::sort(services.begin(), services.end(),
              [](const ServiceStatus& a, const ServiceStatus& b) { return a.name < b.name; });
  for (const auto& [word, figure] : figures()) {
    if (word != key || !figure) continue;
    const Figure& of = figure;
    std::stable_sort(services.begin(), services.end(),
                     [&of](const ServiceStatus& a, const ServiceStatus& b) { return of(a) > of(b); });
  }
}

protocol::Problem nothing_matches(const std::string& pattern, const std::vector<std::string>& names) {
  std::string word = pattern;
  std::erase_if(word, [](char c) { return std::string_view("*?[]").find(c) != std::string_view::npos; });
  auto suggestion = protocol::did_you_mean(word, names);
  if (suggestion.empty()) suggestion = "see them all: sluicectl status --brief";
  return protocol::not_found("no service matches " + quoted(pattern), std::move(suggestion));
}

}  // namespace

bool is_pattern(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

std::vector<std::string> sort_keys() {
  std::vector<std::string> keys;
  for (const auto& [key, figure] : figures()) keys.push_back(key);
  return keys;
}

double requests_per_second(const ServiceStatus& service) {
  double sum = 0;
  for (const auto& pool : service.pools) sum += pool.requests_per_second;
  return sum;
}

double error_rate(const ServiceStatus& service) {
  double errors = 0, requests = 0;
  for (const auto& pool : service.pools) {
    errors += pool.requests_per_second * pool.error_rate.value_or(0);
    requests += pool.requests_per_second;
  }
  return requests > 0 ? errors / requests : 0;
}

double latency_ms(const ServiceStatus& service, std::optional<double> PoolStatus::*which) {
  double worst = 0;
  for (const auto& pool : service.pools) worst = std::max(worst, (pool.*which).value_or(0));
  return worst;
}

std::optional<protocol::Problem> select_services(protocol::Status& status, const std::string& pattern,
                                                 const std::string& key) {
  std::vector<std::string> names;
  for (const auto& service : status.services) names.push_back(service.name);
  std::erase_if(status.services, [&pattern](const ServiceStatus& service) {
    return !pattern.empty() && ::fnmatch(pattern.c_str(), service.name.c_str(), 0) != 0;
  });
  if (status.services.empty() && !pattern.empty()) return nothing_matches(pattern, names);
  sort(status.services, key);
  return std::nullopt;
}

}  // namespace sluice::cli
