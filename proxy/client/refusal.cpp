#include "proxy/client/refusal.hpp"

#include <memory>

#include "proxy/client/access_line.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/http1/start_line.hpp"

namespace sluice::client {

std::string_view explanation(const http::Refusal& refusal) {
  if (refusal.reason == std::string_view(kClearText.reason))
    return "This port speaks HTTPS, and plain HTTP came. Ask again with https:// in front.\n";
  switch (refusal.status) {
    case 408:
      return "The request took too long to arrive.\n";
    case 414:
      return "The request's target is too long.\n";
    case 417:
      return "This expectation cannot be met.\n";
    case 421:
      return "This connection's certificate is not for the host of the request.\n";
    case 431:
      return "The request's header fields are too large or too many.\n";
    case 501:
      return "This method is not implemented here.\n";
    case 505:
      return "Speak HTTP/1.0 or HTTP/1.1.\n";
    default:
      return "The request is malformed.\n";
  }
}

namespace {

bool is_logged(const Connection& connection) {
  const observe::AccessLog* log = connection.worker().access_log;
  return log && log->on();
}

// What is the same of every refused request; `head` as far as it was read.
void put_head(const http::RequestHead& head, const ClientInfo& info, observe::AccessRecord& line) {
  line.client = info.address;
  line.stream = info.stream;
  line.host = head.host;
  line.scheme = info.secure ? "https" : "http";
  line.tls = info.tls_version;
  add_fields(head.fields, line);
}

// Only an id that the client sent: nobody has seen another.
void put_request_id(const http::RequestHead& head, char (&made)[32], observe::AccessRecord& line) {
  line.request_id = http::choose_request_id(head, {}, made);
  if (line.request_id.data() == made) line.request_id = {};
}

void push(const Connection& connection, observe::AccessRecord& line) {
  WorkerContext& worker = connection.worker();
  line.generation = worker.generation;
  worker.access_log->ring(worker.worker).push(line);
}

}  // namespace

// The line has what can be told of the request; the rest is empty. The head is read once more from what has
// come, as one piece: the views of the first reading may be void, and the line does not depend on how the
// bytes arrived.
void log_refusal(const Connection& connection, const http::Refusal& refusal, std::string_view came,
                 net::Clock::time_point began, std::size_t bytes_out) {
  if (!is_logged(connection)) return;
  const auto head = std::make_unique<http1::RequestHead>();
  http1::RequestParser(connection.listener().head_limits()).parse(came, *head);
  ClientInfo info = connection.info();
  IpText address;
  connection.describe_client(head->fields, address, info);

  observe::AccessRecord line;
  set_times(began, line);
  put_head(*head, info, line);
  line.bytes_in = came.size();
  line.bytes_out = bytes_out;
  line.status = static_cast<std::uint16_t>(refusal.status);
  line.error = refusal.reason;
  const http1::Glance seen = http1::glance(came);
  line.method = seen.method;
  line.path = seen.path;
  line.query = seen.query;
  line.protocol = seen.protocol;
  if (const http::Field* host = head->fields.find(http::Header::host); host && line.host.empty())
    line.host = host->value;
  char made[32];
  put_request_id(*head, made, line);
  push(connection, line);
}

void log_refusal(const Connection& connection, const ClientStream& stream, std::string_view reason,
                 net::Clock::time_point began) {
  if (!is_logged(connection)) return;
  const http::RequestHead& head = stream.head();
  observe::AccessRecord line;
  set_times(began, line);
  put_head(head, stream.info(), line);
  line.bytes_in = stream.body_bytes_in();
  line.bytes_out = stream.body_bytes_out();
  line.status = static_cast<std::uint16_t>(stream.status());
  line.error = reason;
  line.method = head.method;
  line.path = head.path;
  line.query = head.query;
  line.protocol = stream.info().protocol;
  char made[32];
  put_request_id(head, made, line);
  push(connection, line);
}

}  // namespace sluice::client
