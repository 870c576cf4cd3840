// The one place that names the executor and the socket types of the workers.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

namespace sluice {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, Executor>;  // the concrete executor: no type erasure on the path of a request
using ErrorCode = boost::system::error_code;

}  // namespace sluice
