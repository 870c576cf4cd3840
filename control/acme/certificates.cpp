#include "control/acme/certificates.hpp"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "proxy/base/values.hpp"

namespace sluice::acme {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, tls::Freed<X509_REQ_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, tls::Freed<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, tls::Freed<GENERAL_NAMES_free>>;

constexpr long kChallengeLife = 24 * 3600;  // seconds; an order is over long before

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("OpenSSL: ") + what + ": " + tls::take_error());
}

NamesPtr names_from(const std::vector<std::string>& domains) {
  NamesPtr names(GENERAL_NAMES_new());
  for (const auto& domain : domains) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    must(name && text && ASN1_STRING_set(text, domain.data(), static_cast<int>(domain.size())) == 1,
         "a name");
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    must(sk_GENERAL_NAME_push(names.get(), name) > 0, "a name");
  }
  return names;
}

ExtensionPtr alternative_names(const std::vector<std::string>& domains) {
  const NamesPtr names = names_from(domains);
  ExtensionPtr made(X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get()));
  must(made != nullptr, "subjectAltName");
  return made;
}

// RFC 8737 3: id-pe-acmeIdentifier, critical, an OCTET STRING with the digest.
ExtensionPtr acme_identifier(std::string_view key_authorization) {
  const std::string digest = sha256(key_authorization);
  const std::string der = std::string("\x04\x20") + digest;
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  ASN1_OBJECT* id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
  must(value && id &&
           ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>(der.data()),
                                 static_cast<int>(der.size())) == 1,
       "acmeIdentifier");
  ExtensionPtr made(X509_EXTENSION_create_by_OBJ(nullptr, id, 1, value));
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(id);
  must(made != nullptr, "acmeIdentifier");
  return made;
}

tls::X509Ptr first_of(const std::string& chain) {
  const tls::BioPtr from(BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())));
  tls::X509Ptr leaf(PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
  if (!leaf) tls::take_error();
  return leaf;
}

std::vector<std::string> dns_names_of(X509* leaf) {
  std::vector<std::string> found;
  const NamesPtr all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    found.emplace_back(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return found;
}

}  // namespace

std::string certificate_request(const Key& key, const std::vector<std::string>& domains) {
  const RequestPtr request(X509_REQ_new());
  must(request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
           X509_REQ_set_pubkey(request.get(), key.get()) == 1,
       "a certificate request");
  const ExtensionPtr names = alternative_names(domains);
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  const bool added = extensions && sk_X509_EXTENSION_push(extensions, names.get()) > 0 &&
                     X509_REQ_add_extensions(request.get(), extensions) == 1;
  sk_X509_EXTENSION_free(extensions);
  must(added && X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0, "a certificate request");
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  must(size > 0, "a certificate request");
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::shared_ptr<const tls::ChallengeCertificate> challenge_certificate(const std::string& domain,
                                                                       std::string_view key_authorization) {
  const Key key = Key::make();
  auto made = std::make_shared<tls::ChallengeCertificate>();
  made->name = domain;
  made->certificate.reset(X509_new());
  X509* const leaf = made->certificate.get();
  must(leaf && X509_set_version(leaf, X509_VERSION_3) == 1 && X509_set_pubkey(leaf, key.get()) == 1,
       "a certificate");
  ASN1_INTEGER_set(X509_get_serialNumber(leaf), 1);
  X509_gmtime_adj(X509_getm_notBefore(leaf), -kChallengeLife);  // our clock, or the server's, may be wrong
  X509_gmtime_adj(X509_getm_notAfter(leaf), kChallengeLife);
  X509_NAME* const name = X509_get_subject_name(leaf);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("ACME"), -1, -1,
                             0);
  X509_set_issuer_name(leaf, name);
  must(X509_add_ext(leaf, alternative_names({domain}).get(), -1) == 1 &&
           X509_add_ext(leaf, acme_identifier(key_authorization).get(), -1) == 1 &&
           X509_sign(leaf, key.get(), EVP_sha256()) > 0 && EVP_PKEY_up_ref(key.get()) == 1,
       "a certificate");
  made->key.reset(key.get());
  return made;
}

std::string why_not_ordered(const std::string& chain, const Key& key, const std::vector<std::string>& domains,
                            std::int64_t now) {
  const tls::X509Ptr leaf = first_of(chain);
  if (!leaf) return "it is no certificate in PEM";
  const bool ours = X509_check_private_key(leaf.get(), key.get()) == 1;
  if (!ours) {
    tls::take_error();
    return "it is for another key than the one that it was ordered with";
  }
  const std::vector<std::string> names = dns_names_of(leaf.get());
  for (const auto& domain : domains)
    if (std::ranges::find(names, domain) == names.end()) return "it is not for " + quoted(domain);
  time_t at = static_cast<time_t>(now);
  if (X509_cmp_time(X509_get0_notAfter(leaf.get()), &at) <= 0)
    return "it has ended already; the clock of this machine or of the server is wrong";
  return {};
}

std::string renewal_id(const std::string& chain) {
  const tls::X509Ptr leaf = first_of(chain);
  if (!leaf) return {};
  const ASN1_OCTET_STRING* authority = X509_get0_authority_key_id(leaf.get());
  if (!authority) return {};
  const std::string id(reinterpret_cast<const char*>(ASN1_STRING_get0_data(authority)),
                       static_cast<std::size_t>(ASN1_STRING_length(authority)));
  // The content of the serial's DER: what is behind the tag and its length, which is one byte (RFC 5280
  // 4.1.2.2: at most 20 octets).
  unsigned char* der = nullptr;
  const int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(leaf.get()), &der);
  if (size < 3) return {};
  const std::string serial(reinterpret_cast<const char*>(der) + 2, static_cast<std::size_t>(size - 2));
  OPENSSL_free(der);
  return base64url(id) + "." + base64url(serial);
}

}  // namespace sluice::acme
