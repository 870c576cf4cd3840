#include "proxy/h2/event_queue.hpp"

namespace sluice::h2 {

void EventQueue::begin(const StreamTable& streams) {
  events_.clear();
  ++batch_;
  receiving_ = true;
  for (const Event& event : late_) {
    Stream* const stream = streams.find(event.stream);
    events_.push_back(event);
    events_.back().user = stream ? stream->user : nullptr;
    if (stream) chain(*stream);
  }
  late_.clear();
}

Event& EventQueue::add(Event::Kind kind, StreamId id) {
  Event& event = (receiving_ ? events_ : late_).emplace_back();
  event.kind = kind;
  event.stream = id;
  return event;
}

Event& EventQueue::add(Event::Kind kind, Stream& stream) {
  Event& event = add(kind, stream.id);
  event.user = stream.user;
  if (receiving_) chain(stream);
  return event;
}

// The last event is the stream's.
void EventQueue::chain(Stream& stream) {
  const auto index = static_cast<std::int32_t>(events_.size() - 1);
  if (stream.events.batch == batch_)
    events_[static_cast<std::size_t>(stream.events.last)].next_of_stream = index;
  else
    stream.events.first = index;
  stream.events.batch = batch_;
  stream.events.last = index;
}

void EventQueue::set_user(Stream& stream, void* user) {
  stream.user = user;
  for (Event* event = first(stream); event; event = next(*event)) event->user = user;
}

void EventQueue::forget(Stream& stream) {
  stream.user = nullptr;
  for (Event* event = first(stream); event; event = next(*event))
    event->user = nullptr, event->block = nullptr;
}

void EventQueue::give_back() {
  events_ = {};
  ++batch_;
  if (late_.empty()) late_ = {};
}

Event* EventQueue::first(Stream& stream) {
  return stream.events.batch == batch_ ? &events_[static_cast<std::size_t>(stream.events.first)] : nullptr;
}

Event* EventQueue::next(Event& event) {
  return event.next_of_stream >= 0 ? &events_[static_cast<std::size_t>(event.next_of_stream)] : nullptr;
}

}  // namespace sluice::h2
