// What is fuzzed. A target takes any bytes, runs what reads them, and holds what it makes of them against
// itself: a broken promise is thrown, which libFuzzer takes for the crash that it is. libFuzzer drives one
// (libfuzzer/entry.cpp, `./dev fuzz`); replay_test.cpp drives all over their corpora and a fixed number of
// mutations.
#pragma once

#include <stdexcept>
#include <string_view>

namespace sluice::fuzz {

void request_head(std::string_view bytes);
void answer_head(std::string_view bytes);
void chunked_body(std::string_view bytes);
void cookies(std::string_view bytes);
void configuration(std::string_view bytes);
void admin_json(std::string_view bytes);
void nginx_import(std::string_view bytes);
void journal(std::string_view bytes);
void proxy_header(std::string_view bytes);
void hpack_block(std::string_view bytes);
void h2_session(std::string_view bytes);
void h2_peers(std::string_view bytes);
void h2_downgrade(std::string_view bytes);
void grpc_web(std::string_view bytes);

struct Target {
  const char* name;  // of the function, of its folder in corpus/, and for `./dev fuzz`
  void (*run)(std::string_view bytes);
  int mutations;  // that the ordinary test run takes: what fits into half a second
};

inline constexpr Target kTargets[] = {
    {"request_head", request_head, 40000},  {"answer_head", answer_head, 40000},
    {"chunked_body", chunked_body, 100000}, {"cookies", cookies, 40000},
    {"configuration", configuration, 1000}, {"admin_json", admin_json, 8000},
    {"nginx_import", nginx_import, 1000},   {"journal", journal, 600},
    {"proxy_header", proxy_header, 20000},  {"h2_session", h2_session, 3000},
    {"h2_peers", h2_peers, 2000},           {"h2_downgrade", h2_downgrade, 20000},
    {"hpack_block", hpack_block, 40000},    {"grpc_web", grpc_web, 100000},
};

// `what` is the promise that was broken.
inline void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace sluice::fuzz
