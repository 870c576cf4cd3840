// THE rule for reuse: may a connection to a backend serve another request, and whose? For requests and for
// copies of them. Pure.
#pragma once

#include <cstdint>

namespace sluice::upstream {

// What is known of a connection when the request on it has ended.
struct Served {
  bool sent_whole = false;          // the request, with its body
  bool answered_whole = false;      // the answer's framing said where it ends, not the connection's end
  bool kept_by_backend = false;     // the answer says that the connection stays
  bool bytes_behind = false;        // something came behind the answer
  bool reading = false;             // a read is outstanding, or its bytes were not taken
  bool logged_in = false;           // NTLM or Negotiate was spoken on it (R4)
  bool keeps_logins = false;        // the client's connection has a place to keep logins
  bool sends_proxy_header = false;  // it began with a PROXY header, which names one client
};

enum class Reuse : std::uint8_t {
  none,         // it is closed
  same_client,  // it waits for the next request of the same client connection
  any_client,
};

constexpr Reuse may_serve_again(const Served& served) {
  const bool between_messages = served.sent_whole && served.answered_whole && served.kept_by_backend &&
                                !served.bytes_behind && !served.reading;
  if (!between_messages) return Reuse::none;
  if (served.logged_in) return served.keeps_logins ? Reuse::same_client : Reuse::none;
  return served.sends_proxy_header ? Reuse::none : Reuse::any_client;
}

}  // namespace sluice::upstream
