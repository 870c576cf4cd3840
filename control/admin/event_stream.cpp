// GET /v1/events: server-sent events (WHATWG HTML, 9.2) over one connection until somebody leaves.
#include <boost/json/object.hpp>

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

asio::awaitable<void> Connection::stream_events(EventStream from, unsigned version) {
  auto& log = commands_.control().events();
  // Ends with the connection, so no length and no chunks are needed; HTTP/1.0 gets the same.
  std::string text =
      std::string(version == 10 ? "HTTP/1.0" : "HTTP/1.1") +
      " 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  text += events_text(log, from.after, from.service);
  bool writes = co_await write_text(std::move(text));
  while (writes && from.follow && !closed_) {
    const auto before = io::Clock::now();
    const bool more = co_await log.wait_after(from.after, kHeartbeat);
    if (closed_) break;
    if (!more && io::Clock::now() - before < kHeartbeat / 2) break;  // the log was closed: the daemon ends
    auto next = more ? events_text(log, from.after, from.service) : std::string(": still here\n\n");
    if (!next.empty()) writes = co_await write_text(std::move(next));
  }
}

}  // namespace sluice::admin
