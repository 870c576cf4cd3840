#include "control/cli/select_status.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "control/cli/look.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

namespace json = boost::json;

namespace {

template <class Each>
void each_pool(const json::object& service, Each each) {
  for (const auto& [name, pool] : object_in(service, "pools")) each(std::string_view(name), object_of(pool));
}

// How much of its traffic has left the stable pool.
double moved_share(const json::object& service) {
  double stable = 0;
  each_pool(service, [&](std::string_view name, const json::object& pool) {
    if (name == text_in(service, "stable")) stable = number_in(pool, "share").value_or(0);
  });
  return 1 - stable;
}

double in_flight(const json::object& service) {
  double sum = 0;
  each_pool(service, [&](std::string_view, const json::object& pool) {
    sum += number_in(pool, "in_flight").value_or(0);
  });
  return sum;
}

// The part of its backends that gets no requests.
double ineligible(const json::object& service) {
  double out = 0, all = 0;
  each_pool(service, [&](std::string_view, const json::object& pool) {
    for (const auto& [name, backend] : object_in(pool, "backends")) {
      ++all;
      out += !is_set(object_of(backend), "eligible");
    }
  });
  return all > 0 ? out / all : 1;
}

using Figure = std::function<double(const json::object&)>;

const std::vector<std::pair<std::string, Figure>>& figures() {
  static const std::vector<std::pair<std::string, Figure>> kFigures = {
      {"name", nullptr},
      {"rps", requests_per_second},
      {"errors", error_rate},
      {"p50", [](const json::object& service) { return latency_ms(service, "p50_ms"); }},
      {"p95", [](const json::object& service) { return latency_ms(service, "p95_ms"); }},
      {"p99", [](const json::object& service) { return latency_ms(service, "p99_ms"); }},
      {"share", moved_share},
      {"in-flight", in_flight},
      {"health", ineligible},
  };
  return kFigures;
}

struct Entry {
  std::string name;
  double figure;
  json::value service;
};

void sort(std::vector<Entry>& entries, const std::string& key) {
  if (key.empty()) return;
  if (key == "name") {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return;
  }
  for (const auto& [word, figure] : figures())
    if (word == key)
      for (auto& entry : entries) entry.figure = figure(object_of(entry.service));
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.figure > b.figure; });
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

double requests_per_second(const json::object& service) {
  double sum = 0;
  each_pool(service, [&](std::string_view, const json::object& pool) {
    sum += number_in(pool, "requests_per_second").value_or(0);
  });
  return sum;
}

double error_rate(const json::object& service) {
  double errors = 0, requests = 0;
  each_pool(service, [&](std::string_view, const json::object& pool) {
    const double rate = number_in(pool, "requests_per_second").value_or(0);
    errors += rate * number_in(pool, "error_rate").value_or(0);
    requests += rate;
  });
  return requests > 0 ? errors / requests : 0;
}

double latency_ms(const json::object& service, std::string_view key) {
  double worst = 0;
  each_pool(service, [&](std::string_view, const json::object& pool) {
    worst = std::max(worst, number_in(pool, key).value_or(0));
  });
  return worst;
}

boost::system::result<json::value, protocol::Problem> select_services(json::value status,
                                                                      const std::string& pattern,
                                                                      const std::string& key) {
  auto* top = status.if_object();
  auto* services = top ? top->if_contains("services") : nullptr;
  if (!services || !services->is_object()) return status;
  std::vector<Entry> entries;
  std::vector<std::string> names;
  for (auto& [name, service] : services->get_object()) {
    names.emplace_back(name);
    if (pattern.empty() || ::fnmatch(pattern.c_str(), names.back().c_str(), 0) == 0)
      entries.push_back({names.back(), 0, std::move(service)});
  }
  if (entries.empty() && !pattern.empty()) return nothing_matches(pattern, names);
  sort(entries, key);
  json::object kept;
  for (auto& entry : entries) kept[entry.name] = std::move(entry.service);
  *services = std::move(kept);
  return status;
}

}  // namespace sluice::cli
