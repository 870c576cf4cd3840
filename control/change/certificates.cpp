#include "control/change/certificates.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::change {
namespace {

constexpr std::int64_t kHour = 3'600, kDay = 24 * kHour;
constexpr std::int64_t kThresholds[] = {30 * kDay, 7 * kDay, kDay, 0};  // of what is left

// How many of the thresholds are passed.
int urgency_of(std::int64_t left) {
  return static_cast<int>(std::ranges::count_if(kThresholds, [left](auto limit) { return left < limit; }));
}

std::string several(std::int64_t n, const std::string& unit) {
  return std::to_string(n) + " " + unit + (n == 1 ? "" : "s");
}

std::string left_text(std::int64_t left) {
  if (left < 0) return "has expired";
  return "expires in " + (left < kDay ? several(left / kHour, "hour") : several(left / kDay, "day"));
}

}  // namespace

std::vector<CertificateEnding> endings(const config::Spec& spec, std::int64_t now) {
  std::vector<CertificateEnding> all;
  for (const auto& listener : spec.listeners) {
    if (!listener.tls) continue;
    for (const auto& certificate : listener.tls->certificates) {
      const std::int64_t left = certificate.not_after - now;
      if (urgency_of(left) == 0) continue;
      const std::string text = left_text(left);
      all.push_back({listener.name, certificate.cert, certificate.not_after, text,
                     "listener " + listener.name + ": the certificate " + certificate.cert + " " + text});
    }
  }
  return all;
}

std::vector<std::string> expiry_warnings(const config::Spec& spec, std::int64_t now) {
  std::vector<std::string> all;
  for (auto& ending : endings(spec, now)) all.push_back(std::move(ending.text));
  return all;
}

std::vector<CertificateEnding> CertificateWatch::look(const config::Spec& spec, std::int64_t now) {
  auto all = endings(spec, now);
  auto before = std::exchange(told_, {});
  std::erase_if(all, [&](const CertificateEnding& one) {
    Told& told = told_[{one.listener, one.certificate}];
    const auto known = before.find({one.listener, one.certificate});
    told = {one.not_after, urgency_of(one.not_after - now)};
    return known != before.end() && known->second.not_after == told.not_after &&
           known->second.urgency >= told.urgency;
  });
  return all;
}

}  // namespace sluice::change
