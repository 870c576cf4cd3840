// The table's index beside a search that looks at one route after the other, over tables by chance of few
// labels, few segments and many catch-alls, so that most requests match several routes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "proxy/route/table.hpp"
#include "support/heads.hpp"

namespace sluice::route {
namespace {

using testing::request;

// SLUICE_SEED: other tables than those of every run; SLUICE_TABLES: more of them (125000 make a million
// requests).
unsigned from_environment(const char* name, unsigned otherwise) {
  const char* given = std::getenv(name);
  return given ? static_cast<unsigned>(std::atoi(given)) : otherwise;
}
constexpr unsigned kTables = 25000;
constexpr int kRequestsEach = 8;

// ---- what a route says, one at a time ----

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

bool has_host(const std::string& pattern, const std::string& host) {
  if (pattern.empty()) return true;
  if (pattern[0] != '*') return pattern == host;
  const std::string below = pattern.substr(1);
  return host.size() > below.size() && host.compare(host.size() - below.size(), below.size(), below) == 0;
}

bool has_path(const std::string& prefix, const std::string& path) {
  if (prefix == "/" || path == prefix) return true;
  const std::string folder = prefix.back() == '/' ? prefix : prefix + "/";
  return path.compare(0, folder.size(), folder) == 0;
}

bool has_conditions(const config::RouteSpec& route, const http::RequestHead& head) {
  bool method = route.methods.empty();
  for (const auto& wanted : route.methods) method |= wanted == head.method;
  for (const auto& [name, value] : route.headers) {
    const auto* field = head.fields.find(name);
    if (!field || field->value != value) return false;
  }
  return method;
}

std::size_t linear_search(const std::vector<config::RouteSpec>& routes, const std::string& host,
                          const http::RequestHead& head) {
  for (std::size_t i = 0; i < routes.size(); ++i)
    if (has_host(lower(routes[i].host), host) && has_path(routes[i].path, std::string(head.path)) &&
        has_conditions(routes[i], head))
      return i;
  return routes.size();
}

// ---- tables and requests ----

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  config::RouteSpec route() {
    config::RouteSpec made;
    if (below(4) > 0) made.host = (below(3) ? "" : "*.") + host(below(3) + 1);
    made.path = below(4) ? path() : "/";
    if (below(3) == 0) made.methods = {method()};
    if (below(4) == 0) made.headers = {{"X-A", std::to_string(below(2))}};
    if (below(8) == 0) made.headers.emplace_back("X-B", std::to_string(below(2)));
    made.strip_prefix = below(2) > 0;
    made.service = std::to_string(below(3));
    return made;
  }
  std::string host(unsigned labels) {
    if (below(20) == 0) return "[::1]";
    std::string text = label();
    while (--labels > 0) text += "." + label();
    return text;
  }
  std::string path() {
    static constexpr const char* kSegments[] = {"/", "/a", "/b", "/ab", "/aa", "/a%", "/A"};
    std::string text;
    for (auto left = below(5); left > 0; --left) text += kSegments[below(std::size(kSegments))];
    return text.empty() ? "/" : text;
  }
  std::string method() { return below(2) ? "GET" : "POST"; }
  std::string digit() { return std::to_string(below(2)); }
  unsigned below(std::size_t limit) { return static_cast<unsigned>(random_() % limit); }

 private:
  std::string label() {
    static constexpr const char* kLabels[] = {"a", "b", "A", "ab"};
    return kLabels[below(std::size(kLabels))];
  }
  std::mt19937 random_;
};

std::string told(const std::vector<config::RouteSpec>& routes) {
  std::string text;
  for (const auto& route : routes) {
    text += "\n  " + route.host + " " + route.path;
    for (const auto& method : route.methods) text += " " + method;
    for (const auto& [name, value] : route.headers) text += " " + name + "=" + value;
  }
  return text;
}

// Of the requests, so that no generator by chance tests nothing.
struct Seen {
  std::size_t found = 0, lost = 0, behind_others = 0;
};

void compare(Chance& chance, Seen& seen) {
  const std::vector<std::string> services = {"0", "1", "2"};
  std::vector<config::RouteSpec> routes(chance.below(chance.below(10) ? 12 : 200));
  for (auto& route : routes) route = chance.route();
  const RouteTable table(routes, services);
  for (int i = 0; i < kRequestsEach; ++i) {
    const std::string host = chance.below(10) ? chance.host(chance.below(4) + 1) : "";
    const std::string written = host + (chance.below(3) ? "" : ".") + (chance.below(3) ? "" : ":80");
    const std::string path = chance.below(20) ? chance.path() : "*";
    const std::string method = chance.method(), a = chance.digit(), b = chance.digit();
    const auto head = request(method, written, path, {{"x-a", a}, {"x-b", b}});
    const auto expected = linear_search(routes, lower(host), head);
    const auto found = table.find(head);
    ASSERT_EQ(found ? found->route : routes.size(), expected)
        << method << " " << written << " " << path << " x-a: " << a << " x-b: " << b << told(routes);
    ++(found ? seen.found : seen.lost);
    if (!found) continue;
    seen.behind_others += expected > 0;
    EXPECT_EQ(services[found->service], routes[expected].service);
    EXPECT_EQ(found->strip_prefix.empty(), !routes[expected].strip_prefix || routes[expected].path == "/");
  }
}

TEST(LinearSearch, FindsWhatTheIndexFinds) {
  const unsigned seed = from_environment("SLUICE_SEED", 1611),
                 tables = from_environment("SLUICE_TABLES", kTables);
  SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
  Chance chance(seed);
  Seen seen;
  for (unsigned i = 0; i < tables && !::testing::Test::HasFatalFailure(); ++i) compare(chance, seen);
  EXPECT_GT(seen.found, tables);
  EXPECT_GT(seen.lost, tables);
  EXPECT_GT(seen.behind_others, tables);
}

}  // namespace
}  // namespace sluice::route
