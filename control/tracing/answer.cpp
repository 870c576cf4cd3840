#include "control/tracing/answer.hpp"

#include <algorithm>

#include "control/io/retry_after.hpp"

namespace sluice::tracing {
namespace {

bool may_be_sent_again(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

// What is asked for, or 1 s, 2 s, 4 s ...
std::chrono::seconds wait_before_next(const io::HttpAnswer& answer, int tries, std::int64_t now) {
  std::chrono::seconds wait(1 << (tries - 1));
  if (const auto field = answer.fields.find("retry-after"); field != answer.fields.end())
    wait = io::read_retry_after(field->second, now).value_or(wait);
  return std::min(wait, kLongestWait);
}

}  // namespace

Verdict judge(const io::HttpAnswer& answer, int tries, std::int64_t now) {
  if (answer.status / 100 == 2) return {Next::taken, {}, {}};
  if (answer.status == 0) return {Next::lost, {}, answer.problem};
  const std::string why = "status " + std::to_string(answer.status);
  if (!may_be_sent_again(answer.status) || tries >= kMostTries) return {Next::lost, {}, why};
  return {Next::again, wait_before_next(answer, tries, now), why};
}

}  // namespace sluice::tracing
