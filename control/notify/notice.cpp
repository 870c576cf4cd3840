#include "control/notify/notice.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <numeric>

namespace sluice::notify {

std::string_view word_of(NoticeKind kind) {
  for (const auto& known : config::kNoticeKinds)
    if (known.meaning == kind) return known.word;
  return {};
}

std::string phrase_of(NoticeKind kind) {
  std::string phrase(word_of(kind));
  std::replace(phrase.begin(), phrase.end(), '_', ' ');
  return phrase;
}

std::uint64_t sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

bool comes_in_numbers(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::backend_down:
    case NoticeKind::backend_up:
    case NoticeKind::drain_forced:
    case NoticeKind::retain_over:
    case NoticeKind::certificate_ending:
    case NoticeKind::rollback_lost:
    case NoticeKind::rollback_ready:
      return true;
    case NoticeKind::rolled_back:
    case NoticeKind::gate_failed:
    case NoticeKind::rollout_done:
      return false;
  }
  return false;
}

bool is_for(const config::NotifySpec& target, const Notice& notice) {
  const auto& on = target.on;
  if (!on.empty() && std::find(on.begin(), on.end(), notice.kind) == on.end()) return false;
  if (target.services.empty() || notice.services.empty()) return true;
  return std::any_of(notice.services.begin(), notice.services.end(), [&target](const std::string& service) {
    return std::any_of(target.services.begin(), target.services.end(), [&](const std::string& pattern) {
      return ::fnmatch(pattern.c_str(), service.c_str(), 0) == 0;
    });
  });
}

}  // namespace sluice::notify
