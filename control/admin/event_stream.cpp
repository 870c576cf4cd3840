// GET /v1/events: server-sent events (WHATWG HTML, 9.2) over one connection until somebody leaves.
#include <algorithm>
#include <boost/json/object.hpp>
#include <utility>

#include "control/admin/connection.hpp"
#include "control/protocol/answers.hpp"
#include "control/protocol/write.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string event_text(const change::Event& event) {
  const protocol::Event shown{event.id,   time_text(event.time), event.type, event.service,
                              event.text, event.detail};
  const auto data = answer_json(shown);
  return "id: " + std::to_string(event.id) + "\nevent: " + event.type + "\ndata: " + protocol::write(data) +
         "\n\n";
}

// Without an id: it is no event of the log, but what the reader must know before the next one.
std::string resync_text(const std::string& why) {
  const json::object data{{"type", "resync"}, {"text", why}};
  return "event: resync\ndata: " + protocol::write(data) + "\n\n";
}

// What happened after `after`, which moves on.
std::string events_text(const change::EventLog& log, std::uint64_t& after, const std::string& service) {
  std::string text;
  if (after > log.last_id()) {  // the daemon was restarted since
    text += resync_text("the events start again: the daemon was restarted");
    after = 0;
  }
  const auto slice = log.after(after);
  if (slice.lost && after) text += resync_text(std::to_string(slice.lost) + " events are no longer kept");
  for (const auto& event : slice.events)
    if (service.empty() || event.service == service) text += event_text(event);
  if (!slice.events.empty()) after = slice.events.back().id;
  return text;
}

}  // namespace

// What is due by the clock, beside what happens. Not of an unnamed namespace: it is in a coroutine's frame.
struct Beat {
  io::Clock::time_point sample, comment;  // max(): never

  io::Clock::duration until_next(io::Clock::time_point now) const {
    return std::max(std::min(sample, comment) - now, io::Clock::duration(0));
  }
};

// Ends with the connection, so no length and no chunks are needed; HTTP/1.0 gets the same. A reader that is
// slow gets fewer samples, not older ones.
asio::awaitable<void> Connection::stream_events(EventStream from, unsigned version) {
  auto& log = commands_.control().events();
  std::string text =
      std::string(version == 10 ? "HTTP/1.0" : "HTTP/1.1") +
      " 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  text += "retry: " + std::to_string(kRetry.count()) + "\n\n" + events_text(log, from.after, from.service);
  const auto began = io::Clock::now();
  Beat beat{from.samples ? began : io::Clock::time_point::max(), began + kHeartbeat};
  for (bool writes = true; writes && !closed_;) {
    const auto now = io::Clock::now();
    if (now >= beat.comment) {
      text += ": still here\n\n";
      beat.comment = now + kHeartbeat;
    }
    if (now >= beat.sample) {
      text += commands_.sample_event(from.service);
      beat.sample = now + kSampleInterval;
    }
    if (!text.empty()) writes = co_await write_text(std::exchange(text, {}));
    if (!writes || !from.follow || closed_) break;
    const auto limit = beat.until_next(io::Clock::now());
    const bool more =
        co_await log.wait_after(from.after, std::chrono::ceil<std::chrono::milliseconds>(limit));
    if (log.closed()) break;
    if (more) text = events_text(log, from.after, from.service);
  }
}

}  // namespace sluice::admin
