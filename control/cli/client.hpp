// Speaks to the daemon: HTTP/1.1 on its unix socket, or on admin.http with a bearer token. Synchronous, with
// time limits; one connection a call.
#pragma once

#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "control/cli/args.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/reads.hpp"
#include "control/protocol/request.hpp"

namespace sluice::cli {

template <class T>
using Result = boost::system::result<T, protocol::Problem>;

struct Call {
  Call(protocol::Sent sent_) : sent(std::move(sent_)) {}  // NOLINT: a message's request is a call

  protocol::Sent sent;
  std::optional<std::uint64_t> if_match;
  bool any_status = false;  // an answer of another than 2xx is no problem
  std::optional<std::chrono::milliseconds> limit =
      std::chrono::milliseconds(10'000);  // for the answer; nothing: none
};

struct Answer {
  int status = 200;
  std::string text;         // the body as it came
  boost::json::value body;  // null when it is not JSON
};

// Where the admin socket is: --socket, else $SLUICE_SOCKET, else /run/sluice/admin.sock, else (when that is
// not there) $XDG_RUNTIME_DIR/sluice/admin.sock.
std::string socket_path(const std::string& given);

class Client {
 public:
  explicit Client(const Globals& globals) : globals_(globals) {}

  // What is done while an answer is awaited, each twentieth of a second: keys are read, progress is shown.
  // False gives the call up. It may ask other clients, not this one.
  using Meanwhile = std::function<bool()>;
  void meanwhile(Meanwhile meanwhile) { meanwhile_ = std::move(meanwhile); }

  // A problem when the daemon cannot be reached, sends one, or does not answer in time.
  Result<Answer> call(const Call& call);

  // Server-sent events, until the daemon ends them or `on_event` says false. `data` is one JSON document.
  std::optional<protocol::Problem> events(const protocol::Events& message,
                                          const std::function<bool(const std::string& data)>& on_event);

 private:
  struct Connection;
  std::optional<protocol::Problem> connect(Connection& connection);

  Globals globals_;
  Meanwhile meanwhile_;
};

}  // namespace sluice::cli
