#include "proxy/tls/certificate.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <fstream>
#include <iterator>

#include "proxy/tls/names.hpp"

namespace sluice::tls {
namespace {

using Part = Certificate::Part;

Certificate wrong(Part part, std::string why) {
  ERR_clear_error();
  Certificate none;
  none.wrong = part;
  none.error = std::move(why);
  return none;
}

BioPtr reading(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string address_text(const ASN1_OCTET_STRING* ip) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(ip) != 16) return "";
  inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof text);
  return text;
}

std::string common_name(X509* leaf) {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, name, sizeof name);
  return lower(name);
}

std::vector<std::string> names_of(X509* leaf) {
  std::vector<std::string> names;
  auto* all = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type == GEN_DNS) {
      const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      names.push_back(lower({text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
    } else if (name->type == GEN_IPADD) {
      names.push_back(address_text(name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(all);
  if (names.empty()) names.push_back(common_name(leaf));
  return names;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(timegm(&parts));
}

// A key with a passphrase must not stop the daemon at a question.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_ocsp_response(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  OCSP_RESPONSE* response = d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size()));
  const bool good = response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  OCSP_RESPONSE_free(response);
  ERR_clear_error();
  return good;
}

}  // namespace

std::string take_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "unknown error";
}

Certificate load_certificate(const CertificateFiles& files) {
  std::string cert, key, staple;
  if (!read_file(files.cert, cert)) return wrong(Part::cert, "it cannot be read");
  if (!read_file(files.key, key)) return wrong(Part::key, "it cannot be read");
  if (!files.ocsp.empty() && !read_file(files.ocsp, staple)) return wrong(Part::ocsp, "it cannot be read");
  Certificate loaded;
  const BioPtr from = reading(cert);
  loaded.leaf.reset(PEM_read_bio_X509_AUX(from.get(), nullptr, no_passphrase, nullptr));
  if (!loaded.leaf) return wrong(Part::cert, "it holds no certificate in PEM");
  while (X509* next = PEM_read_bio_X509(from.get(), nullptr, no_passphrase, nullptr))
    loaded.chain.emplace_back(next);
  const BioPtr key_from = reading(key);
  loaded.key.reset(PEM_read_bio_PrivateKey(key_from.get(), nullptr, no_passphrase, nullptr));
  if (!loaded.key) return wrong(Part::key, "it holds no private key in PEM without a passphrase");
  if (X509_check_private_key(loaded.leaf.get(), loaded.key.get()) != 1)
    return wrong(Part::key, "the private key does not belong to the certificate " + files.cert);
  if (!staple.empty() && !is_ocsp_response(staple))
    return wrong(Part::ocsp, "it holds no successful OCSP response in DER");
  loaded.staple = staple;
  loaded.names = names_of(loaded.leaf.get());
  loaded.not_before = seconds_of(X509_get0_notBefore(loaded.leaf.get()));
  loaded.not_after = seconds_of(X509_get0_notAfter(loaded.leaf.get()));
  loaded.digest = digest_of({cert, key, staple});
  OPENSSL_cleanse(key.data(), key.size());
  ERR_clear_error();
  return loaded;
}

bool read_file(const std::string& path, std::string& into) {
  std::ifstream file(path, std::ios::binary);
  into.assign(std::istreambuf_iterator<char>(file), {});
  return file.good() || file.eof();
}

std::string digest_of(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += std::to_string(text.size()) + ":" + text;
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(all.data(), all.size(), bytes, &size, EVP_sha256(), nullptr);
  OPENSSL_cleanse(all.data(), all.size());
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[bytes[i] >> 4];
    hex += "0123456789abcdef"[bytes[i] & 15];
  }
  return hex;
}

std::string check_ca_file(const std::string& path, std::string& digest) {
  std::string text;
  if (!read_file(path, text)) return "it cannot be read";
  const BioPtr from = reading(text);
  const X509Ptr first(PEM_read_bio_X509(from.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  digest = digest_of({text});
  return first ? "" : "it holds no certificate in PEM";
}

}  // namespace sluice::tls
