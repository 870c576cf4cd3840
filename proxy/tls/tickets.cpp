#include "proxy/tls/tickets.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <charconv>
#include <cstring>
#include <stdexcept>

namespace sluice::tls {
namespace {

TicketKeys::Key fresh() {
  TicketKeys::Key key;
  const auto fill = [](auto& bytes) {
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
      throw std::runtime_error("no random bytes for session tickets");
  };
  fill(key.name);
  fill(key.cipher);
  fill(key.mac);
  return key;
}

static_assert(sizeof(TicketKeys::Key) == 80, "text() takes a key for its bytes");
constexpr std::string_view kTextBegin = "sluice tickets 1\n";

int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_mac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "sha256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: 1 use it, 2 use it and issue a new one, 0 none, -1
// error.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
              int sealing) {
  auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  const auto now = TicketKeys::Clock::now();
  if (sealing) {
    TicketKeys::Key key = keys.current(now);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    std::memcpy(name, key.name.data(), key.name.size());
    const bool set = EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher.data(), iv, nullptr) == 1;
    return set && set_mac(mac, key) ? 1 : -1;
  }
  TicketKeys::Found found;
  if (!keys.find(name, now, found)) return 0;
  const bool set = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), found.key.cipher.data(), iv, nullptr) == 1;
  if (!set || !set_mac(mac, found.key)) return -1;
  return found.current ? 1 : 2;
}

}  // namespace

TicketKeys::TicketKeys(Clock::time_point now) : keys_{fresh(), fresh(), fresh()}, made_(now) {}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), sizeof keys_); }

TicketKeys::Key TicketKeys::current(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  return keys_[0];
}

bool TicketKeys::find(const unsigned char* name, Clock::time_point now, Found& found) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (std::memcmp(keys_[i].name.data(), name, keys_[i].name.size()) != 0) continue;
    found = {keys_[i], i == 0};
    return true;
  }
  return false;
}

std::uint64_t TicketKeys::turn(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  return turn_;
}

std::string TicketKeys::text(Clock::time_point now, std::int64_t unix_now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - made_).count();
  std::string text = std::string(kTextBegin) + std::to_string(unix_now - age) + "\n";
  char hex[2 * sizeof(Key) + 1];
  for (const Key& key : keys_) {
    std::size_t size = 0;
    OPENSSL_buf2hexstr_ex(hex, sizeof hex, &size, reinterpret_cast<const unsigned char*>(&key), sizeof key,
                          '\0');
    text.append(hex, 2 * sizeof key) += '\n';
  }
  OPENSSL_cleanse(hex, sizeof hex);
  return text;
}

bool TicketKeys::restore(std::string_view text, Clock::time_point now, std::int64_t unix_now) {
  if (!text.starts_with(kTextBegin)) return false;
  text.remove_prefix(kTextBegin.size());
  std::int64_t made = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const auto age = std::chrono::seconds(unix_now - made);
  if (age < age.zero() || age >= kTicketKeyLife * 3) return false;
  std::array<Key, 3> read;
  for (Key& key : read) {
    const std::string line(text.substr(0, 1 + 2 * sizeof key));
    if (line.size() != 1 + 2 * sizeof key || line[0] != '\n') return false;
    std::size_t size = 0;
    if (OPENSSL_hexstr2buf_ex(reinterpret_cast<unsigned char*>(&key), sizeof key, &size, line.c_str() + 1,
                              '\0') != 1 ||
        size != sizeof key)
      return false;
    text.remove_prefix(line.size());
  }
  if (text != "\n") return false;
  const std::lock_guard lock(mutex_);
  keys_ = read;
  made_ = now - age;
  ++turn_;
  rotate(now);
  return true;
}

void TicketKeys::rotate(Clock::time_point now) {
  if (now - made_ >= kTicketKeyLife) ++turn_;
  for (std::size_t turns = 0; now - made_ >= kTicketKeyLife && turns < keys_.size(); ++turns) {
    keys_[2] = keys_[1];
    keys_[1] = keys_[0];
    keys_[0] = fresh();
    made_ += kTicketKeyLife;
  }
  if (now - made_ >= kTicketKeyLife) made_ = now;  // nobody came for hours
}

void TicketKeys::serve(SSL_CTX* ctx) {
  SSL_CTX_set_ex_data(ctx, keys_index(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}

}  // namespace sluice::tls
