// Fields on their way out: the sink of fields of HTTP/2 (see proxy/http/forward.hpp). Names become lower
// case. One list serves one head after the other. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/buffer.hpp"

namespace sluice::h2 {

// HPACK keeps the field out of its tables: it is secret, or never comes twice (RFC 7541 7.1.3).
bool is_unindexed(std::string_view name, std::string_view value);

class FieldList {
 public:
  static constexpr std::size_t kMost = 192;  // fields: what a peer may send, and what a proxy adds to it

  struct Field {
    std::string_view name, value;
    bool unindexed;  // is_unindexed()
  };

  void clear();  // keeps the storage for the next head

  // Requires: pseudo fields come first.
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, std::uint64_t value);
  // A field whose value comes in parts.
  void begin(std::string_view name);
  template <class... Parts>
  void put(const Parts&... parts) {
    (text_.append(std::string_view(parts)), ...);
  }
  void end();

  std::size_t size() const { return count_; }
  // Names and values, one behind the other.
  std::string_view text() const { return text_.view(); }
  // Valid until something is added.
  Field operator[](std::size_t i) const;

 private:
  struct Entry {
    std::uint32_t begin, value, end;  // in text_
  };
  Buffer text_;
  std::size_t count_ = 0;
  Entry entries_[kMost];
};

}  // namespace sluice::h2
