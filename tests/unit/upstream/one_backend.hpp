// What tests of requests to one backend share: it, a worker's reactor, and time, of which what is added to
// `skipped` passes at once.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "proxy/upstream/request.hpp"
#include "support/heads.hpp"
#include "support/peer.hpp"
#include "support/pipes.hpp"

namespace sluice::upstream {

using namespace std::chrono_literals;

// Writes an event of an answer down behind the others. True: it is the last one.
inline bool write_down(const AnswerEvent& event, const Request& request, std::string& events) {
  switch (event.kind) {
    case AnswerEvent::Kind::none:
      return false;
    case AnswerEvent::Kind::interim:
      events += std::to_string(request.answer().status) + " ";
      return false;
    case AnswerEvent::Kind::head:
      events += std::to_string(request.answer().status) + ":";
      return false;
    case AnswerEvent::Kind::data:
      if (event.piped) {
        events.append("|").append(PipeLoader().unload(*event.piped));
      }
      events.append(event.data).append(event.last ? "!" : "").append(" ");
      return event.last;
    case AnswerEvent::Kind::end:
      events += "end";
      for (const auto& field : request.trailers())
        events.append(" ").append(field.name).append("=").append(field.value);
      return true;
    case AnswerEvent::Kind::tunnel:
      events += "tunnel";
      return true;
    case AnswerEvent::Kind::failed:
      events += event.failure == FailureKind::protocol    ? "malformed"
                : event.failure == FailureKind::no_tunnel ? "no tunnel"
                                                          : "reset";
      return true;
  }
  return true;
}

constexpr bool kNever = false;

// Takes an answer's events, written down in `events`, up to its end; how that ended goes to `received`. Not
// with `stops`.
inline Task<void> receive_answer(Request& request, std::string& events, std::optional<StreamStatus>& received,
                                 const bool& stops = kNever) {
  while (!stops) {
    const AnswerEvent event = request.next();
    if (event.kind == AnswerEvent::Kind::none) {
      const auto status = co_await request.arrival();
      if (status == StreamStatus::ok) continue;
      received = status;
      co_return;
    }
    if (!write_down(event, request, events)) continue;
    received = StreamStatus::ok;
    co_return;
  }
}

class OneBackend : public ::testing::Test {
 protected:
  OneBackend() {
    to.name = "a";
    to.authority = "127.0.0.1";
    to.endpoints.resize(1);
    to.endpoints[0].ip = *parse_ip("127.0.0.1");
    to.endpoints[0].port = origin.port();
    to.live = live;
    target.backend = &backend;
    target.to = &to;
    target.timeouts = &timeouts;
    target.service = &service;
    forward.client_ip = "192.0.2.1";
    forward.proto = "http";
    forward.request_id = "id";
  }

  // What the backend's side does in each round.
  virtual void backend_round() { origin.poll(); }

 public:
  void step() {
    poller.wait(0ms);
    wheel.advance(std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - began_) +
                  skipped);
    backend_round();
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = net::Clock::now() + 10s;
    while (!condition() && net::Clock::now() < deadline) step();
    return condition();
  }
  // For what must not happen: enough rounds for it to happen.
  void settle() {
    for (int i = 0; i < 30; ++i) step();
  }

  net::Poller poller;
  net::TimerWheel wheel;
  Origin origin;
  std::shared_ptr<observe::BackendLive> live = std::make_shared<observe::BackendLive>(7, 1);
  Backend backend{live, 0};
  observe::ServiceLive service{1};
  route::Backend to;
  config::TimeoutSpec timeouts;
  Target target;
  observe::HandshakeCounters handshakes;
  http::ForwardContext forward;
  std::chrono::milliseconds skipped{0};

 private:
  const net::Clock::time_point began_ = net::Clock::now();
};

}  // namespace sluice::upstream
