#include "proxy/exchange/user.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstdint>

namespace sluice::exchange {

std::string_view User::key() {
  const auto key = route::user_key(plan_.routed(), plan_.decision, client_.head(), client_.info().address);
  return key.empty() && needs_cookie() ? issued_id() : key;
}

const std::string& User::issued_id() {
  if (issued_id_.empty()) {
    std::array<std::uint64_t, 2> secret{};
    RAND_bytes(reinterpret_cast<unsigned char*>(secret.data()), sizeof secret);
    issued_id_ = route::issued_id(plan_.routed(), plan_.decision.pool, secret);
  }
  return issued_id_;
}

}  // namespace sluice::exchange
