// pieces NAME COUNT: does one piece of a request's work COUNT times, for callgrind: (COUNT = 3,000) - (COUNT
// = 1,000) is what 2,000 of them cost. Without arguments: the names.
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/samples.hpp"
#include "proxy/base/hash.hpp"
#include "proxy/http1/parser.hpp"

namespace sluice {
namespace {

// A result that the compiler must have made.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

void parse(const std::string& bytes, std::size_t count) {
  http1::RequestParser parser;
  http1::RequestHead head;
  for (std::size_t i = 0; i < count; ++i) {
    parser.reset();
    if (parser.parse(bytes, head) != http1::Status::done) std::abort();
    keep(head);
  }
}

void small_head(std::size_t count) { parse(bench::kSmallHead, count); }
void browser_head(std::size_t count) { parse(bench::kBrowserHead, count); }

// Of many hosts in turn: where in memory the name of a single one lies decides what it costs to compare it.
void route_match(std::size_t count) {
  constexpr std::size_t kHosts = 10'000, kAsked = 128;
  const auto table = bench::hosts(kHosts);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kAsked; ++i) names.push_back(bench::host_name(i * (kHosts / kAsked)));
  auto head = bench::browser_request();
  for (std::size_t i = 0; i < count; ++i) {
    head.host = names[i % kAsked];
    keep(table.find(head));
  }
}

void decide(bool sticky, std::size_t count) {
  const auto service = bench::canary_service(sticky);
  const auto head = bench::browser_request();
  for (std::size_t i = 0; i < count; ++i) keep(route::decide(service, head, "192.0.2.1", -1));
}

void split(std::size_t count) { decide(false, count); }
void sticky(std::size_t count) { decide(true, count); }

void slot_lookup(std::size_t count) {
  const std::string key = "user-1234567";
  for (std::size_t i = 0; i < count; ++i) keep(route::slot_of("api", key));
}

struct Piece {
  std::string_view name;
  void (*run)(std::size_t count);
};

constexpr Piece kPieces[] = {{"small_head", small_head},   {"browser_head", browser_head},
                             {"route_match", route_match}, {"split", split},
                             {"sticky", sticky},           {"slot_lookup", slot_lookup}};

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc == 1)
    for (const auto& piece : sluice::kPieces) std::puts(piece.name.data());
  if (argc != 3) return argc == 1 ? 0 : 2;
  const std::string_view name = argv[1], digits = argv[2];
  std::size_t count = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  for (const auto& piece : sluice::kPieces)
    if (piece.name == name) return piece.run(count), 0;
  std::fprintf(stderr, "pieces: there is no piece %s\n", argv[1]);
  return 2;
}
