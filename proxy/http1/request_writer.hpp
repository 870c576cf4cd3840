// The head of a request as it goes to a backend over HTTP/1. Pure.
#pragma once

#include "proxy/base/buffer.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

// How the body of that request is framed for a backend: as long as it is known to be, else chunked.
Framing request_framing(const http::RequestHead& head);

// Appends the request head for a backend.
void write_request(const http::RequestHead& head, const http::ForwardContext& context, Buffer& out);

}  // namespace sluice::http1
