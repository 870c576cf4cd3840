// The trailer section of a chunked body (RFC 9112 7.1.2), checked as strictly as a head. Worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proxy/base/buffer.hpp"
#include "proxy/http/message.hpp"
#include "proxy/http1/chunk_line.hpp"

namespace sluice::http1 {

// Takes the section byte by byte up to the empty line and keeps the fields that may go on. Holds storage only
// when there are fields.
class Trailers {
 public:
  static constexpr std::size_t kMaxSize = 8 * 1024;  // bytes received
  static constexpr std::size_t kMaxCount = 64;

  Take take(char c);
  // The section was refused for its size, not for its form.
  bool too_large() const { return size_ > kMaxSize || count_ > kMaxCount; }
  std::span<const http::Field> fields() const { return fields_; }
  void reset();

 private:
  enum class State : std::uint8_t {
    line_start,
    name,
    before_value,
    value,
    line_feed,
    last_line_feed,
    complete,
    refused
  };

  State after(char c);
  State start_line(char c);
  State name(char c);
  State value(char c);
  void keep(char c);
  void end_field();

  State state_ = State::line_start;
  std::uint32_t size_ = 0, count_ = 0;
  std::uint32_t line_size_ = 0,
                name_size_ = 0;  // of the field that is built in the room behind the kept ones
  Buffer kept_;                  // names and values, one after the other
  std::vector<http::Field> fields_;
};

}  // namespace sluice::http1
