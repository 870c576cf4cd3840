#include "control/change/certificates.hpp"

#include <algorithm>
#include <iterator>

#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

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

protocol::CertificateStatus ordered_view(const acme::Holding& holding, std::int64_t now) {
  protocol::CertificateStatus view;
  view.listener = holding.listener;
  view.file = holding.file;
  view.acme = true;
  view.domains = holding.life ? holding.names : holding.spec.domains;
  if (holding.life) view.not_after_unix = holding.life->end;
  if (holding.life) view.not_after = time_text(view.not_after_unix);
  view.ordering = holding.ordering;
  view.next_order_unix = holding.next_order(now);
  view.next_order = time_text(view.next_order_unix);
  view.failures = holding.progress.failures;
  if (holding.progress.error.empty()) return view;
  view.last_error = holding.progress.error;
  view.last_error_time = time_text(holding.progress.failed);
  return view;
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

std::vector<std::string> order_warnings(const Holdings& holdings, std::int64_t now) {
  std::vector<std::string> all;
  for (const auto& [listener, holding] : holdings) {
    if (holding.progress.error.empty()) continue;
    const std::string names = list_of(holding.spec.domains);
    std::string text = "listener " + listener + ": ";
    if (!holding.life)
      text += "there is no certificate for " + names + ": ";
    else if (holding.life->end < now)
      text += "the certificate for " + names + " has expired, and could not be renewed: ";
    else
      text += "the certificate for " + names + " could not be renewed, it ends " +
              time_text(holding.life->end) + ": ";
    all.push_back(text + holding.progress.error + "; next try " + time_text(holding.next_order(now)));
  }
  return all;
}

std::vector<protocol::CertificateStatus> certificate_views(const config::Spec& spec, const Holdings& holdings,
                                                           std::int64_t now) {
  std::vector<protocol::CertificateStatus> all;
  for (const auto& listener : spec.listeners) {
    if (!listener.tls) continue;
    if (const auto held = holdings.find(listener.name); held != holdings.end())
      all.push_back(ordered_view(held->second, now));
    for (const auto& certificate : listener.tls->certificates) {
      protocol::CertificateStatus& view = all.emplace_back();
      view.listener = listener.name;
      view.file = certificate.cert;
      view.domains = certificate.names;
      view.not_after_unix = certificate.not_after * 1000;
      view.not_after = time_text(view.not_after_unix);
    }
  }
  return all;
}

}  // namespace sluice::change
