// An answer that is a stream of events (text/event-stream): it has no end of its own, so that a drain takes
// it for a tunnel (D1). Told to leave, it ends as a whole answer, behind an event; its client comes back by
// itself (HTML, "Server-sent events"). Worker only.
#pragma once

#include <chrono>
#include <string_view>

#include "proxy/base/frames.hpp"
#include "proxy/http/message.hpp"
#include "proxy/net/timer_wheel.hpp"
#include "proxy/observe/live.hpp"
#include "proxy/upstream/request.hpp"

namespace sluice::exchange {

// Whether what has been passed on ends with an event, which an empty line ends. Pure.
class EventBoundary {
 public:
  void pass(std::string_view piece);
  bool at_boundary() const { return ends_; }

 private:
  bool ends_ = true;
  char last_[3] = {};  // bytes before
};

class EventStream : private net::Deadline {
 public:
  static constexpr std::chrono::milliseconds kPatience{2'000};  // until the event under way is cut

  // `tunnels` counts it while it lives. `request` gives it, `activity` is cut when its end does not come. All
  // outlive it.
  EventStream(net::TimerWheel& wheel, upstream::Request& request, upstream::Activity& activity,
              observe::Counter& tunnels);
  ~EventStream() override { tunnels_.sub(); }
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  static bool is_one(const http::ResponseHead& answer);

  EventBoundary& boundary() { return boundary_; }
  void end_within(std::chrono::milliseconds wait) { expires_after(wait); }
  bool is_leaving() const { return leaving_; }
  // Its end may be sent now.
  bool may_end() const { return leaving_ && boundary_.at_boundary(); }

 private:
  void expired() override;

  upstream::Request& request_;
  upstream::Activity& activity_;
  observe::Counter& tunnels_;
  EventBoundary boundary_;
  bool leaving_ = false;
};

}  // namespace sluice::exchange
