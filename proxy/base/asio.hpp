// The one place that names the executor and the socket types of the workers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

namespace sluice {

namespace asio = boost::asio;

using Executor =
    asio::io_context::executor_type;  // the concrete one: no type erasure on the path of a request
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

}  // namespace sluice
