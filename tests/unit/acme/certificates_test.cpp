#include "control/acme/certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "unit/acme/fixed_key.hpp"

namespace sluice::acme {
namespace {

std::string pem_of(X509* certificate) {
  const tls::BioPtr into(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(into.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(into.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

TEST(Certificates, ARequestIsSignedByItsKeyAndNamesTheDomainsAlone) {
  const Key key = fixed_key();
  const std::string der = certificate_request(key, {"a.test", "b.test"});
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509_REQ* request = d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()));
  ASSERT_TRUE(request);
  EXPECT_EQ(X509_REQ_verify(request, key.get()), 1);
  EXPECT_EQ(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 0);
  STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request);
  EXPECT_EQ(sk_X509_EXTENSION_num(extensions), 1);
  auto* names =
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr));
  EXPECT_EQ(sk_GENERAL_NAME_num(names), 2);
  GENERAL_NAMES_free(names);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  X509_REQ_free(request);
}

// RFC 8737 3; what a server finds in it is looked at by the tests' own (tests/support/acme_server.py).
TEST(Certificates, AProofIsOfOneNameAndHasACriticalDigest) {
  const auto proof = challenge_certificate("a.test", "token.thumbprint");
  X509* const leaf = proof->certificate.get();
  EXPECT_EQ(X509_check_host(leaf, "a.test", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_private_key(leaf, proof->key.get()), 1);
  const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> id(OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1),
                                                                     ASN1_OBJECT_free);
  const int found = X509_get_ext_by_OBJ(leaf, id.get(), -1);
  ASSERT_GE(found, 0);
  EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(leaf, found)), 1);
  EXPECT_EQ(ASN1_STRING_length(X509_EXTENSION_get_data(X509_get_ext(leaf, found))), 34);
}

TEST(Certificates, WhatCameIsComparedWithWhatWasOrdered) {
  const auto made = challenge_certificate("a.test", "whatever");  // a certificate like any other
  const tls::BioPtr into(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(into.get(), made->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(into.get(), &data);
  const Key key = std::move(*Key::from_pem({data, static_cast<std::size_t>(size)}));
  const std::string chain = pem_of(made->certificate.get());
  const auto now = static_cast<std::int64_t>(time(nullptr));
  EXPECT_EQ(why_not_ordered(chain, key, {"a.test"}, now), "");
  EXPECT_EQ(why_not_ordered(chain, key, {"a.test", "b.test"}, now), "it is not for 'b.test'");
  EXPECT_EQ(why_not_ordered(chain, fixed_key(), {"a.test"}, now),
            "it is for another key than the one that it was ordered with");
  EXPECT_EQ(why_not_ordered("", key, {"a.test"}, now), "it is no certificate in PEM");
  EXPECT_EQ(why_not_ordered(chain, key, {"a.test"}, now + 10 * 86400),
            "it has ended already; the clock of this machine or of the server is wrong");
}

// The example of RFC 9773 4.1.
TEST(Certificates, TheNameForRenewalInfoIsThatOfTheRfc) {
  constexpr char kChain[] =
      "-----BEGIN CERTIFICATE-----\n"
      "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
      "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
      "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
      "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
      "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
      "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
      "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
      "-----END CERTIFICATE-----\n";
  EXPECT_EQ(renewal_id(kChain), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
  EXPECT_EQ(renewal_id("nothing"), "");
}

}  // namespace
}  // namespace sluice::acme
