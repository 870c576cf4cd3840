// An answer as it arrives, for control's own requests: read as the proxy reads a backend's (X2, X3), decided
// without a socket. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http1/body.hpp"
#include "proxy/http1/parser.hpp"

namespace sluice::io {

class AnswerReader {
 public:
  // `asked_head`: the request's method was HEAD. At most `most_body` bytes of the body are kept, and the
  // fields that are called so, in lower case.
  AnswerReader(bool asked_head, std::size_t most_body, std::vector<std::string> wanted = {})
      : asked_head_(asked_head), most_body_(most_body), wanted_(std::move(wanted)) {}

  // More bytes; with `end` the connection's end came behind them.
  void take(std::string_view bytes, bool end);

  bool has_head() const { return status_ != 0; }
  bool complete() const { return complete_; }  // to the last byte
  bool failed() const { return !problem_.empty(); }
  bool full() const { return truncated_; }  // the body goes on behind what is kept

  int status() const { return status_; }
  const std::string& location() const { return location_; }  // of a redirect
  const std::map<std::string, std::string>& fields() const { return fields_; }
  const std::string& problem() const { return problem_; }  // why it is no answer; empty when it is one
  std::string& body() { return body_; }

 private:
  // Interim answers to one request: a flood of them is no answer. As in the proxy.
  static constexpr int kMostInterims = 16;

  void read_heads();
  void take_head();
  void read_body();
  void keep(std::string_view piece);
  std::string what_it_is_instead() const;

  const bool asked_head_;
  const std::size_t most_body_;
  const std::vector<std::string> wanted_;
  std::string in_;
  http1::ResponseParser parser_;
  http1::ResponseHead head_;
  http1::BodyReader reader_;
  int status_ = 0, interims_ = 0;
  bool complete_ = false, truncated_ = false;
  std::string location_, body_, problem_;
  std::map<std::string, std::string> fields_;
};

}  // namespace sluice::io
