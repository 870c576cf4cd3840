#include "control/notify/answer.hpp"

#include <algorithm>

#include "control/io/retry_after.hpp"
#include "control/state/text.hpp"
#include "proxy/base/url.hpp"

namespace sluice::notify {
namespace {

constexpr std::size_t kMostSaid = 120;  // bytes of an answer's body

// A piece of the path or the query that is longer than a word like "services" says.
bool says_some_of(std::string_view text, std::string_view target) {
  constexpr std::string_view kBetween = "/?&=";
  constexpr std::size_t kWord = 8;
  if (target.size() > 1 && text.find(target) != std::string_view::npos) return true;
  while (!target.empty()) {
    const auto end = std::min(target.find_first_of(kBetween), target.size());
    const auto piece = target.substr(0, end);
    if (piece.size() > kWord && text.find(piece) != std::string_view::npos) return true;
    target.remove_prefix(std::min(end + 1, target.size()));
  }
  return false;
}

std::string first_words(const std::string& body, std::string_view url) {
  const auto parsed = parse_url(url);
  if (!parsed || says_some_of(body, parsed->target)) return {};
  std::string text = body.substr(0, kMostSaid);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  text = state::printable(text);
  const auto end = text.find_last_not_of(' ');
  return end == std::string::npos ? std::string() : ": " + text.substr(0, end + 1);
}

Outcome outcome_of(int status) {
  if (status / 100 == 2) return Outcome::delivered;
  return status == 408 || status == 429 || status / 100 == 5 ? Outcome::later : Outcome::refused;
}

}  // namespace

Attempt judged(const io::HttpAnswer& answer, std::string_view url, std::int64_t now) {
  if (answer.status == 0) return {Outcome::later, 0, answer.problem, {}};
  Attempt attempt;
  attempt.status = answer.status;
  attempt.outcome = outcome_of(answer.status);
  attempt.text = "status " + std::to_string(answer.status);
  if (answer.status / 100 == 3)
    attempt.text += ", redirects are not followed";
  else if (attempt.outcome != Outcome::delivered)
    attempt.text += first_words(answer.body, url);
  if (const auto when = answer.fields.find("retry-after");
      when != answer.fields.end() && attempt.outcome == Outcome::later)
    attempt.wait = io::read_retry_after(when->second, now);
  return attempt;
}

}  // namespace sluice::notify
