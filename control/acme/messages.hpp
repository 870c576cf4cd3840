// What goes to an ACME server and what comes back, and what that means: plain values, read without trust.
// Pure.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "control/acme/schedule.hpp"

namespace sluice::acme {

struct Question {
  enum class Method : std::uint8_t { get, head, post } method = Method::get;
  std::string url;
  std::string body;  // of a post: signed
};

struct Answer {
  int status = 0;  // 0: there was none, and `problem` says why
  std::string body;
  std::string nonce, location;  // Replay-Nonce, Location; empty without
  milliseconds retry_after{0};  // 0: nothing was said
  std::string problem;
};

// Why there is no certificate: one clause for the operator.
struct Failure {
  FailureKind kind = FailureKind::unreachable;
  std::string what;
  milliseconds retry_after{0};  // the server asks for so much patience
};

// A problem document (RFC 7807, RFC 8555 6.7): "DETAIL (TYPE; a.test: DETAIL)", in one line of bounded
// length.
struct Complaint {
  std::string type;  // "badNonce", without the prefix of ACME's
  std::string text;
};
Complaint complaint_in(const boost::json::value& document);

// "2026-01-02T03:04:05Z" (RFC 3339), with or without a fraction and an offset; nothing when it is none.
std::optional<UnixMilliseconds> read_time(std::string_view text);

// What a server's renewalInfo answers (RFC 9773 4.2); nothing when it is no window.
std::optional<RenewalWindow> read_window(const Answer& answer);

// The whole of an answer as a failure: it is none that was expected.
Failure failure_of(const Answer& answer, const std::string& while_doing);

}  // namespace sluice::acme
