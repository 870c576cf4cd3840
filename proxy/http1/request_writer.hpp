// The head of a request as it goes to a backend over HTTP/1.
#pragma once

#include "proxy/base/buffer.hpp"
#include "proxy/http/forward.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

// Appends the request head for a backend.
void write_request(const RequestHead& head, const http::ForwardContext& context, Buffer& out);

}  // namespace sluice::http1
