// The keys of session tickets (RFC 5077): made at random, a new one every hour, the two before it accepted.
// One set for all workers and listeners of the process, and as text for the process that comes after it. Any
// thread: a mutex, taken once a handshake.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

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

  // Another number after each rotation, from 1 on.
  std::uint64_t turn(Clock::time_point now);
  // The keys, secret as they are, and when the newest was made. `unix_now` in seconds.
  std::string text(Clock::time_point now, std::int64_t unix_now);
  // Instead of those here. False, and nothing is changed, when `text` is no such text, from the future, or
  // so old that none of its keys would be accepted.
  bool restore(std::string_view text, Clock::time_point now, std::int64_t unix_now);

  // Makes `ctx` use these keys, which outlive it.
  void serve(SSL_CTX* ctx);

 private:
  void rotate(Clock::time_point now);

  std::mutex mutex_;
  std::array<Key, 3> keys_;  // the newest first
  Clock::time_point made_;
  std::uint64_t turn_ = 1;
};

}  // namespace sluice::tls
