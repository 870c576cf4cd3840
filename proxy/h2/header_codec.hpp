// Blocks of fields as HPACK has them (RFC 7541), by nghttp2. One of each a connection: both remember what
// went before. Worker only.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/h2/field_block.hpp"
#include "proxy/h2/field_list.hpp"

namespace sluice::h2 {

class HeaderDecoder {
 public:
  enum class Found : std::uint8_t { field, nothing, flaw };

  HeaderDecoder();
  // The next field of a block that comes in pieces; what it is made of leaves `piece`. Valid until the next
  // call. `nothing`: the piece is used up.
  Found next(std::string_view& piece, std::string_view& name, std::string_view& value);
  // False: the block is not whole.
  bool end_block();

 private:
  struct Close {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  std::unique_ptr<nghttp2_hd_inflater, Close> inflater_;
};

// A list of fields as nghttp2 takes it; it points into the list.
class NameValues {
 public:
  explicit NameValues(const FieldList& list);
  // Requires: no more fields than a list holds.
  explicit NameValues(const FieldBlock& block);
  const nghttp2_nv* data() const { return reinterpret_cast<const nghttp2_nv*>(room_); }
  std::size_t size() const { return size_; }

 private:
  void add(std::size_t i, std::string_view name, std::string_view value, bool unindexed);

  std::size_t size_;
  alignas(nghttp2_nv) std::byte room_[FieldList::kMost * sizeof(nghttp2_nv)];  // not initialised: 8 KB
};

class HeaderEncoder {
 public:
  HeaderEncoder();
  // The peer's SETTINGS_HEADER_TABLE_SIZE.
  void set_table_size(std::uint32_t bytes);
  // Bytes that the block can have at most.
  std::size_t bound(const NameValues& fields) const;
  // Writes the block, for which there must be room. False: the encoder is of no use any more.
  bool encode(const NameValues& fields, char* to, std::size_t room, std::size_t& size);

 private:
  struct Close {
    void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
  };
  std::unique_ptr<nghttp2_hd_deflater, Close> deflater_;
};

}  // namespace sluice::h2
