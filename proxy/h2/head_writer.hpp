// Heads as they go on over HTTP/2: which fields go on is decided by proxy/http, here they get their words.
// Pure.
#pragma once

#include <span>
#include <string_view>

#include "proxy/base/grpc_status.hpp"
#include "proxy/h2/field_list.hpp"
#include "proxy/h2/head_block.hpp"
#include "proxy/http/forward.hpp"

namespace sluice::h2 {

// Each fills `out` anew. A Sink is a FieldList, or a HeadBlock that has just begun.

// A request for a backend, with `scheme` for the target. One with `upgrade` becomes an extended CONNECT (RFC
// 8441).
template <class Sink>
void write_request(const http::RequestHead& head, const http::ForwardContext& context,
                   std::string_view scheme, Sink& out);

// A final answer for a client that has asked with HEAD or not. True: the head is the whole message, so that
// END_STREAM belongs to it (a gRPC answer without a body must end so).
template <class Sink>
bool write_answer(const http::ResponseHead& head, std::span<const http::Field> extra, std::string_view date,
                  bool request_was_head, Sink& out);
// An interim answer; or a 101 that opens a tunnel, which is a 200 here (RFC 8441 5).
void write_interim(const http::ResponseHead& head, FieldList& out);

// An answer of the proxy's own, as http1::write_reply() makes it. Its text goes as data.
struct Reply {
  int status = 0;
  std::string_view error_reason;  // X-Sluice-Error; empty: none
  std::size_t text_size = 0;
  int retry_after_seconds = 0;  // 0: no Retry-After
};
void write_reply(const Reply& reply, std::string_view date, FieldList& out);
// The same to a gRPC call: the head is all of it ("Trailers-Only"), and says what the text would say.
void write_grpc_reply(GrpcStatus status, std::string_view text, std::string_view error_reason,
                      std::string_view date, FieldList& out);

void write_trailers(std::span<const http::Field> trailers, FieldList& out);

}  // namespace sluice::h2
