// A certificate with its chain and private key, read from PEM files. Control thread (it blocks on the disk).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/tls/openssl.hpp"

namespace sluice::tls {

struct CertificateFiles {
  std::string cert, key;  // PEM; `cert` holds the server's own certificate first, then its chain
  std::string ocsp;       // DER, a response for that certificate; empty: none is stapled
};

struct Certificate {
  enum class Part : std::uint8_t { none, cert, key, ocsp };
  Part wrong = Part::none;  // the file that cannot be used; then `error` says why and the rest is empty
  std::string error;

  X509Ptr leaf;
  std::vector<X509Ptr> chain;
  KeyPtr key;
  std::string staple;              // the OCSP response as it goes out
  std::vector<std::string> names;  // DNS names and addresses of the subjectAltName; without any, the CN
  std::int64_t not_before = 0, not_after = 0;  // seconds since 1970
  std::string digest;  // of all the files' bytes: equal digests, equal certificates. Says nothing of the key.
};

Certificate load_certificate(const CertificateFiles& files);

// The whole file. False when it cannot be read.
bool read_file(const std::string& path, std::string& into);
// SHA-256 in hex, of several texts one after the other.
std::string digest_of(const std::vector<std::string>& texts);
// Why a file of CA certificates cannot be used, or empty; `digest` of its bytes.
std::string check_ca_file(const std::string& path, std::string& digest);

}  // namespace sluice::tls
