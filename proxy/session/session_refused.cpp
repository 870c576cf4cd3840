// The access log's line of a request that was refused before it was one.
#include "proxy/client/access_line.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http/forwarded.hpp"
#include "proxy/http1/start_line.hpp"
#include "proxy/session/session.hpp"

namespace sluice::session {

// What can be told of it; the rest is empty. Its head is read once more from what has come, as one piece: the
// views of the first reading may be void, and the line does not depend on how the bytes arrived.
void Session::record_refusal(net::Clock::time_point began, std::size_t bytes_out) {
  if (!context_.access_log || !context_.access_log->on()) return;
  const std::string_view came = in_.view();
  head_ = std::make_unique<http1::RequestHead>();
  http1::RequestParser(listener_->head_limits()).parse(came, *head_);
  const http::Fields& fields = head_->fields;
  observe::AccessRecord line;
  client::set_times(began, line);
  line.generation = context_.generation;
  line.bytes_in = came.size();
  line.bytes_out = bytes_out;
  line.status = static_cast<std::uint16_t>(refusal_.status);
  line.error = refusal_.reason;
  if (trusted_)
    client_address_ =
        format_ip(http::forwarded_client(fields, caller_.source.ip, listener_->spec.trusted_proxies),
                  client_address_text_);
  line.client = client_address_;
  const http1::Glance seen = http1::glance(came);
  line.method = seen.method;
  line.path = seen.path;
  line.query = seen.query;
  line.protocol = seen.protocol;
  line.host = head_->host;
  if (const http::Field* host = fields.find(http::Header::host); host && line.host.empty())
    line.host = host->value;
  char made[32];
  line.request_id = http::choose_request_id(*head_, {}, made);
  if (line.request_id.data() == made) line.request_id = {};  // nobody else has seen it
  line.scheme = secure() ? "https" : "http";
  line.tls = tls_version();
  client::add_fields(fields, line);
  context_.access_log->ring(context_.worker).push(line);
}

}  // namespace sluice::session
