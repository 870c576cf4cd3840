// One connection of a tiny backend that speaks HTTP/2 in clear (prior knowledge). On its backend's thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

namespace sluice::demo {

struct TinyAnswer {
  int status = 200;
  std::string version, text;
};

// Asked once for each request, with its path.
using AnswerTo = std::function<TinyAnswer(const std::string& path)>;

// Serves the connection until its peer ends it.
void converse_http2(boost::asio::ip::tcp::socket socket, AnswerTo answer_to);

}  // namespace sluice::demo
