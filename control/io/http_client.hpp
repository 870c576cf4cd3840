// The HTTP client of control: one request on a connection of its own, over HTTP/1.1 or HTTP/2. Probes, gates,
// verify requests and hooks ask with it; the answer is read as the proxy reads a backend's. Control thread
// only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/io/connection.hpp"
#include "proxy/base/grpc_status.hpp"

namespace sluice::io {

struct HttpRequest {
  Destination to;
  std::string host;  // the Host header
  std::string method = "GET";
  std::string target = "/";
  std::string agent = "sluice";
  std::string authorization;                                 // the field's value; empty: none is sent
  std::vector<std::pair<std::string, std::string>> headers;  // further fields
  std::string content_type, body;                            // empty: none
  std::chrono::milliseconds limit{5'000};                    // for all of it
  std::vector<std::string> fields;    // of the answer, whose values are wanted: names in lower case
  std::size_t most_body = 64 * 1024;  // so much of the answer's body is waited for and kept
};

struct HttpAnswer {
  int status = 0;                             // 0: there was no answer, `problem` says why
  std::string location;                       // of a redirect; it is not followed
  std::map<std::string, std::string> fields;  // of those that were asked for
  std::string body;                           // as much of it as was asked for
  bool truncated = false;                     // there is more of it
  std::string problem;                        // "connect: Connection refused", "no answer within 5s"
  bool ours = false;                          // nothing was learned of the other side (see Failure)
  std::optional<GrpcStatus> grpc;             // over HTTP/2, of a gRPC call
  std::string grpc_message;                   // as it was sent, percent-encoded
};

// Never throws; takes at most request.limit. What the other side sends beyond what was asked for is read and
// thrown away after the return, within bounds: a page that is larger than wanted is no reset for it.
boost::asio::awaitable<HttpAnswer> fetch(boost::asio::any_io_executor loop, HttpRequest request);

// As it goes out over HTTP/1.1.
std::string text_of(const HttpRequest& request);

}  // namespace sluice::io
