// A backend's HTTP/2 connections on one worker, which its requests share: which of them takes the next one,
// and when another is opened. Worker only.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace sluice::upstream {

class Connection;
class Http2Connection;

class Http2Pool {
 public:
  static constexpr std::size_t kMost = 16;          // connections that take requests
  static constexpr std::size_t kMostStreams = 100;  // of one, whatever more its backend takes

  Http2Pool() = default;
  Http2Pool(const Http2Pool&) = delete;
  Http2Pool& operator=(const Http2Pool&) = delete;

  // The one that was chosen last, if it sends in this round anyway and is not above half of what it may take:
  // requests that come at once go at once, and so do their answers. Else null, and there is to be chosen.
  Http2Connection* chosen_in_this_round() const;
  // All are above half of what they may take; or, with `fresh`, none is new.
  bool wants_another(bool fresh) const;
  // The one for the next request: with room, of these the least loaded; else the one that it waits for least.
  // With `fresh` a new one is preferred. Null: there is none.
  Http2Connection* choose(bool fresh);

  // They take no more requests, and close after the last that they have.
  void leave();
  // Those that it says `false` of.
  void leave_unless(const std::function<bool(Connection&)>& keeps);

  // Takes requests, or not yet closed; a backend lives as long as its connections.
  std::size_t connections() const { return connections_; }
  std::size_t taking() const { return taking_.size(); }

  // --- for its connections
  void add(Http2Connection& conn);
  void take_no_more(Http2Connection& conn);
  void remove() { --connections_; }

  // Streams that a connection may have whose backend has not said so yet: as another's has.
  std::size_t expected_streams = kMostStreams;
  // The last handshake that could agree to HTTP/2 did so.
  bool agreed = false;
  bool told_of_no_http2 = false;  // that its backend does not agree to HTTP/2, since it last did

 private:
  std::vector<Http2Connection*> taking_;  // requests: connecting or ready
  Http2Connection* chosen_ = nullptr;     // of them, by the last choose()
  std::size_t connections_ = 0;           // of all, also those that end
};

}  // namespace sluice::upstream
