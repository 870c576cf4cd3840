#include "control/acme/jose.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <stdexcept>

namespace sluice::acme {

namespace json = boost::json;

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kCoordinate = 32;  // bytes, on P-256

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// OpenSSL only fails here when memory is short or the library is broken.
[[noreturn]] void broken(const char* what) {
  throw std::runtime_error(std::string("OpenSSL: ") + what + ": " + tls::take_error());
}

bool is_p256(EVP_PKEY* key) {
  char name[64] = "";
  std::size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
         std::string_view(name, size) == SN_X9_62_prime256v1;
}

std::string protected_and_payload(const json::object& header, std::string_view payload) {
  return base64url(json::serialize(header)) + "." + base64url(payload);
}

json::object flattened(const std::string& input, std::string_view signature) {
  const auto dot = input.find('.');
  return {{"protected", input.substr(0, dot)},
          {"payload", input.substr(dot + 1)},
          {"signature", base64url(signature)}};
}

// R and S of a signature as OpenSSL writes it (ASN.1).
std::string fixed_form(const std::string& der) {
  const unsigned char* at = bytes_of(der);
  ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  if (!parsed) broken("a signature");
  std::string out(2 * kCoordinate, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(parsed), to, kCoordinate);
  BN_bn2binpad(ECDSA_SIG_get0_s(parsed), to + kCoordinate, kCoordinate);
  ECDSA_SIG_free(parsed);
  return out;
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kDigits[bits >> (held - 6) & 63];
  }
  if (held > 0) out += kDigits[bits << (6 - held) & 63];
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 255);
  }
  return out;
}

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    broken("SHA-256");
  return {reinterpret_cast<const char*>(digest.data()), size};
}

Key Key::make() {
  EVP_PKEY* made = EVP_EC_gen("P-256");
  if (!made) broken("a key");
  return Key(tls::KeyPtr(made));
}

std::optional<Key> Key::from_pem(std::string_view pem) {
  const tls::BioPtr from(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  tls::KeyPtr key(PEM_read_bio_PrivateKey(from.get(), nullptr, no_passphrase, nullptr));
  if (!key || !is_p256(key.get())) {
    tls::take_error();
    return std::nullopt;
  }
  return Key(std::move(key));
}

std::string Key::pem() const {
  const tls::BioPtr into(BIO_new(BIO_s_mem()));
  if (!into ||
      PEM_write_bio_PKCS8PrivateKey(into.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    broken("a key as PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(into.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string Key::coordinate(const char* name) const {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key_.get(), name, &number) != 1) broken("a public key");
  std::string out(kCoordinate, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), kCoordinate);
  BN_free(number);
  return out;
}

json::object Key::jwk() const {
  return {{"crv", "P-256"},
          {"kty", "EC"},
          {"x", base64url(coordinate(OSSL_PKEY_PARAM_EC_PUB_X))},
          {"y", base64url(coordinate(OSSL_PKEY_PARAM_EC_PUB_Y))}};
}

// RFC 7638 3: these members, in this order, without blanks. jwk() has them so.
std::string Key::thumbprint() const { return base64url(sha256(json::serialize(jwk()))); }

std::string Key::sign(std::string_view text) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string der(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  std::size_t size = der.size();
  const bool good = context && EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(der.data()), &size,
                                   bytes_of(text), text.size()) == 1;
  EVP_MD_CTX_free(context);
  if (!good) broken("a signature");
  der.resize(size);
  return fixed_form(der);
}

std::string signed_request(const Key& account, const std::string& kid, const std::string& url,
                           const std::string& nonce, std::string_view payload) {
  json::object header{{"alg", "ES256"}, {"nonce", nonce}, {"url", url}};
  if (kid.empty())
    header["jwk"] = account.jwk();
  else
    header["kid"] = kid;
  const std::string input = protected_and_payload(header, payload);
  return json::serialize(flattened(input, account.sign(input)));
}

json::object binding(const Key& account, const std::string& kid, const std::string& hmac_key,
                     const std::string& url) {
  const json::object header{{"alg", "HS256"}, {"kid", kid}, {"url", url}};
  const std::string input = protected_and_payload(header, json::serialize(account.jwk()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac;
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), hmac_key.data(), static_cast<int>(hmac_key.size()), bytes_of(input), input.size(),
            mac.data(), &size))
    broken("HMAC");
  return flattened(input, {reinterpret_cast<const char*>(mac.data()), size});
}

}  // namespace sluice::acme
