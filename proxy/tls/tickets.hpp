// The keys of session tickets (RFC 5077): made at random, a new one every hour, the two before it accepted.
// One set for all workers and listeners of the process. Any thread: a mutex, taken once a handshake.
#pragma once

#include <array>
#include <chrono>
#include <mutex>

#include "proxy/tls/openssl.hpp"

namespace sluice::tls {

constexpr auto kTicketKeyLife = std::chrono::hours(1);
constexpr auto kTicketLife = std::chrono::hours(2);  // what a client is told; a key is accepted for longer

class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{}, mac{};
  };
  struct Found {
    Key key;
    bool current = false;
  };

  explicit TicketKeys(Clock::time_point now);
  ~TicketKeys();
  // The key that seals, after the rotation that is due.
  Key current(Clock::time_point now);
  // False: the name is of no key that is accepted any more.
  bool find(const unsigned char* name, Clock::time_point now, Found& found);

  // Makes `ctx` use these keys, which outlive it.
  void serve(SSL_CTX* ctx);

 private:
  void rotate(Clock::time_point now);

  std::mutex mutex_;
  std::array<Key, 3> keys_;  // the newest first
  Clock::time_point made_;
};

}  // namespace sluice::tls
