#include "proxy/client/http2_refusal.hpp"

#include "proxy/client/access_line.hpp"
#include "proxy/http/forward.hpp"

namespace sluice::client {

// What could be read of the head; the rest is empty.
void log_refusal(const Connection& connection, const Http2Stream& stream, std::string_view reason) {
  WorkerContext& worker = connection.worker();
  if (!worker.access_log || !worker.access_log->on()) return;
  const http::RequestHead& head = stream.head();
  const ClientInfo& info = stream.info();
  observe::AccessRecord line;
  set_times(stream.began(), line);
  line.generation = worker.generation;
  line.bytes_in = stream.body_bytes_in();
  line.bytes_out = stream.body_bytes_out();
  line.status = static_cast<std::uint16_t>(stream.status());
  line.error = reason;
  line.client = info.address;
  line.method = head.method;
  line.path = head.path;
  line.query = head.query;
  line.protocol = info.protocol;
  line.host = head.host;
  char made[32];
  line.request_id = http::choose_request_id(head, {}, made);
  if (line.request_id.data() == made) line.request_id = {};  // nobody else has seen it
  line.scheme = info.secure ? "https" : "http";
  line.tls = info.tls_version;
  add_fields(head.fields, line);
  worker.access_log->ring(worker.worker).push(line);
}

}  // namespace sluice::client
