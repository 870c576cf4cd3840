// Who the client is, for the backend.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proxy/tls/server.hpp"

namespace sluice::tls {
namespace {

std::string base64(const unsigned char* data, int size) {
  std::string text(static_cast<std::size_t>((size + 2) / 3 * 4 + 1), '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data, size);
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// RFC 2253 escapes control characters and what is not ASCII: nothing in it can end a line.
std::string subject_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string fingerprint_of(X509* certificate) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), bytes, &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[bytes[i] >> 4];
    hex += "0123456789abcdef"[bytes[i] & 15];
  }
  return hex;
}

}  // namespace

std::vector<IdentityField> identity_fields(const Channel& channel) {
  const X509Ptr certificate(SSL_get1_peer_certificate(channel.ssl()));
  if (!certificate) return {};
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return {};
  std::vector<IdentityField> fields;
  fields.reserve(3);
  fields.push_back({"Client-Cert", ":" + base64(der, size) + ":"});
  fields.push_back({"X-Client-Cert-Subject", subject_of(certificate.get())});
  fields.push_back({"X-Client-Cert-Fingerprint", fingerprint_of(certificate.get())});
  OPENSSL_free(der);
  ERR_clear_error();
  return fields;
}

}  // namespace sluice::tls
