// What an order needs of X.509: the request for a certificate, the certificate that proves a name, and
// whether what came is what was ordered. Pure but for OpenSSL's randomness.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/acme/jose.hpp"
#include "proxy/tls/server.hpp"

namespace sluice::acme {

// PKCS #10 in DER: these names as subjectAltName and nothing else, as CAs want it (RFC 8555 7.4).
std::string certificate_request(const Key& key, const std::vector<std::string>& domains);

// RFC 8737 3. `key_authorization` as in RFC 8555 8.1.
std::shared_ptr<const tls::ChallengeCertificate> challenge_certificate(const std::string& domain,
                                                                       std::string_view key_authorization);

// Why `chain`, in PEM, is not the certificate that was ordered, as a clause; empty when it is. `now` in
// seconds since 1970.
std::string why_not_ordered(const std::string& chain, const Key& key, const std::vector<std::string>& domains,
                            std::int64_t now);

// How a server's renewalInfo calls the first certificate of `chain` (RFC 9773 4.1); empty when that has no
// authority key identifier.
std::string renewal_id(const std::string& chain);

}  // namespace sluice::acme
