// What an ACME server is told is signed (RFC 8555 6.2): JSON Web Signatures by an account's key, ES256 (RFC
// 7515, 7518 3.4), the key's form and thumbprint (RFC 7517, 7638), and HS256 for a binding (RFC 8555 7.3.4).
// Pure but for the randomness of keys and signatures, which OpenSSL brings.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/tls/openssl.hpp"

namespace sluice::acme {

// RFC 4648 5, without padding.
std::string base64url(std::string_view bytes);
// Nothing when it is not that; padding is let pass.
std::optional<std::string> from_base64url(std::string_view text);
std::string sha256(std::string_view bytes);

// A private key on P-256: what every ACME server takes, for accounts and certificates.
class Key {
 public:
  static Key make();
  // Nothing when it is no key of this kind.
  static std::optional<Key> from_pem(std::string_view pem);
  std::string pem() const;  // PKCS #8, without a passphrase

  EVP_PKEY* get() const { return key_.get(); }
  boost::json::object jwk() const;                // of the public key
  std::string thumbprint() const;                 // of that, in base64url
  std::string sign(std::string_view text) const;  // R and S, 32 bytes each

 private:
  explicit Key(tls::KeyPtr key) : key_(std::move(key)) {}
  std::string coordinate(const char* name) const;

  tls::KeyPtr key_;  // never null
};

// In the flattened JSON form. The account is named by `kid`, its URL, or when that is empty by its whole key.
std::string signed_request(const Key& account, const std::string& kid, const std::string& url,
                           const std::string& nonce, std::string_view payload);

// The `externalAccountBinding` of a newAccount request to `url`.
boost::json::object binding(const Key& account, const std::string& kid, const std::string& hmac_key,
                            const std::string& url);

}  // namespace sluice::acme
