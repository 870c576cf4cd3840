// HTTP/1 heads: what a message means, and the words that only its wire has.
#pragma once

#include "proxy/http/message.hpp"

namespace sluice::http1 {

using http::Framing;
using http::kKeptUnsaid;
using http::RequestHead;
using http::ResponseHead;
using http::Version;

}  // namespace sluice::http1
