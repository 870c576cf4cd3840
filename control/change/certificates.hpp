// What there is to say of the certificates that listeners show. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/acme/holding.hpp"
#include "control/protocol/status.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::change {

// `now` and all times are seconds since 1970.

struct CertificateEnding {
  std::string listener, certificate;
  std::int64_t not_after = 0;
  std::string left;  // "expires in 6 days", "has expired"
  std::string text;  // a sentence of all that
};

// Every certificate that has expired or will within 30 days.
std::vector<CertificateEnding> endings(const config::Spec& spec, std::int64_t now);
// Their sentences.
std::vector<std::string> expiry_warnings(const config::Spec& spec, std::int64_t now);

// Says each of them when it has 30, 7 and 1 day left, and when it has expired; one that is found so for the
// first time at once.
class CertificateWatch {
 public:
  // Those to be told now.
  std::vector<CertificateEnding> look(const config::Spec& spec, std::int64_t now);

 private:
  using Certificate = std::pair<std::string, std::string>;  // listener and file
  struct Told {
    std::int64_t not_after = 0;
    int urgency = 0;
  };
  std::map<Certificate, Told> told_;
};

using Holdings = std::map<std::string, acme::Holding>;  // by listener

// A sentence for every certificate whose last order failed; `now` in milliseconds since 1970.
std::vector<std::string> order_warnings(const Holdings& holdings, std::int64_t now);

// All of them, in the order of the listeners. `now` in milliseconds since 1970.
std::vector<protocol::CertificateStatus> certificate_views(const config::Spec& spec, const Holdings& holdings,
                                                           std::int64_t now);

}  // namespace sluice::change
