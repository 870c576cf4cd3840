#include "control/change/certificates.hpp"

namespace sluice::change {

std::vector<std::string> expiry_warnings(const config::Spec& spec, std::int64_t now) {
  constexpr std::int64_t kDay = 86'400, kSoon = 30 * kDay;
  std::vector<std::string> all;
  for (const auto& listener : spec.listeners) {
    if (!listener.tls) continue;
    for (const auto& certificate : listener.tls->certificates) {
      const std::int64_t left = certificate.not_after - now;
      if (left >= kSoon) continue;
      const std::string when =
          left < 0 ? "has expired" : "expires in " + std::to_string(left / kDay) + " days";
      all.push_back("listener " + listener.name + ": the certificate " + certificate.cert + " " + when);
    }
  }
  return all;
}

}  // namespace sluice::change
