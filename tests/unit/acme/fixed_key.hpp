// A key that is always the same, for what is signed by it.
#pragma once

#include "control/acme/jose.hpp"

namespace sluice::acme {

inline constexpr std::string_view kFixedPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\n"
    "AAAAABI0VniQq83vEjRWeJCrze+hRANCAAT56+RkFHzBAtkjJNCZ2SfBpQ5C1XoI\n"
    "oRb/7AopgZ2MZXC699EoiJAqagwdZ63RAxI8hZq2m/jpQxyThJMNS37u\n"
    "-----END PRIVATE KEY-----\n";
// As josepy says it.
inline constexpr std::string_view kFixedThumbprint = "-KAHrXILGsDq4lio1X8t0wzdBlXPRu5HXQURh6-Um1M";

inline Key fixed_key() { return std::move(*Key::from_pem(kFixedPem)); }

}  // namespace sluice::acme
