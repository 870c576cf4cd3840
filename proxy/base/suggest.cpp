#include "proxy/base/suggest.hpp"

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

std::string folded(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return out;
}

// Optimal string alignment distance: the edits a typist makes, each counted once.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

// Two edits in five letters: "grn" is green, "pth" is path; "cat" is not "path".
std::size_t tolerated(std::size_t length) {
  return length < 2 ? 0 : std::max<std::size_t>(1, length * 2 / 5);
}

std::string only_completion(const std::string& word, std::span<const std::string> candidates) {
  std::string found;
  for (const auto& candidate : candidates) {
    if (word.size() < 3 || !folded(candidate).starts_with(word)) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

}  // namespace

std::string suggest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestWord = 100;  // beyond it a typing error is not what happened
  if (word.empty() || word.size() > kLongestWord) return {};
  const std::string wanted = folded(word);
  std::string best;
  std::size_t fewest = SIZE_MAX;
  for (const auto& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t distance = edits(wanted, folded(candidate));
    if (distance > tolerated(std::max(wanted.size(), candidate.size())) || distance >= fewest) continue;
    best = candidate;
    fewest = distance;
  }
  return best.empty() ? only_completion(wanted, candidates) : best;
}

std::string with_suggestion(std::string what, std::string_view suggestion) {
  if (!suggestion.empty()) what.append(", did you mean '").append(suggestion).append("'?");
  return what;
}

std::string list_of(std::span<const std::string> words) {
  constexpr std::size_t kMost = 50;  // as many as a map has keys; a file may have ten thousand services
  if (words.empty()) return "none";
  std::string out = words.front();
  if (words.size() > kMost) {
    for (const auto& word : words.subspan(1, kMost - 1)) out += ", " + word;
    return out + " and " + std::to_string(words.size() - kMost) + " others";
  }
  for (std::size_t i = 1; i < words.size(); ++i) out += (i + 1 == words.size() ? " and " : ", ") + words[i];
  return out;
}

}  // namespace sluice
