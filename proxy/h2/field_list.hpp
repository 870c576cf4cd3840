// Fields on their way out: the sink of fields of HTTP/2 (see proxy/http/forward.hpp). Names become lower
// case. One list serves one head after the other. Pure.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/h2/field_span.hpp"
#include "proxy/http/message.hpp"

namespace sluice::h2 {

class FieldList {
 public:
  static constexpr std::size_t kMost = 192;  // fields: what a peer may send, and what a proxy adds to it

  void clear();  // keeps the storage for the next head

  // Requires: pseudo fields come first.
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t value);
  // A field that goes on as it came.
  void pass(const http::Field& field);
  // A field whose value comes in parts.
  void begin(std::string_view name);
  template <class... Parts>
  void put(const Parts&... parts) {
    (put_text(parts), ...);
  }
  void end();

  // Valid until something is added.
  FieldSpan span() const { return {{text_.get(), size_}, entries_, count_}; }

 private:
  void reserve(std::size_t size) {
    if (room_ - size_ < size) grow(size);
  }
  void grow(std::size_t size);
  void copy(std::string_view text, std::size_t name_size);
  void put_name(std::string_view name);
  void put_text(std::string_view text);

  std::unique_ptr<char[]> text_;
  std::size_t size_ = 0, room_ = 0;  // of text_
  std::size_t count_ = 0;
  FieldEntry entries_[kMost];
};

}  // namespace sluice::h2
