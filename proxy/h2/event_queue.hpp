// The events of a session's last receive(), and those that come to light outside of one and wait for the
// next. Worker only.
#pragma once

#include <span>
#include <vector>

#include "proxy/h2/event.hpp"
#include "proxy/h2/stream_table.hpp"

namespace sluice::h2 {

class EventQueue {
 public:
  // A receive() begins: the events of the last one are void, those that waited come first.
  void begin(const StreamTable& streams);
  void end() { receiving_ = false; }
  std::span<const Event> events() const { return events_; }
  bool has_late() const { return !late_.empty(); }

  // Valid until the next add().
  Event& add(Event::Kind kind, StreamId id);
  Event& add(Event::Kind kind, Stream& stream);
  Event* last() { return events_.empty() ? nullptr : &events_.back(); }
  // The stream's, and that of its events which are being gone through.
  void set_user(Stream& stream, void* user);
  // Its events name neither user nor block any more.
  void forget(Stream& stream);
  // Memory that can be had anew. Requires: no event is being gone through.
  void give_back();
  // Likewise, if many came at once: a client that opens a hundred streams waits for their answers then.
  void give_back_many() {
    if (events_.capacity() > kMostKept) give_back();
  }

 private:
  void chain(Stream& stream);
  Event* first(Stream& stream);
  Event* next(Event& event);

  static constexpr std::size_t kMostKept = 16;  // events

  std::vector<Event> events_, late_;
  std::uint32_t batch_ = 1;  // counts receive(); no stream has the number 0
  bool receiving_ = false;
};

}  // namespace sluice::h2
