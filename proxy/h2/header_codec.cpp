#include "proxy/h2/header_codec.hpp"

#include <algorithm>
#include <new>

#include "proxy/h2/library_memory.hpp"

namespace sluice::h2 {
namespace {

constexpr std::uint32_t kTableSize = 4096;  // of the encoder's table, at most

std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

HeaderDecoder::HeaderDecoder() {
  nghttp2_hd_inflater* inflater = nullptr;
  if (nghttp2_hd_inflate_new2(&inflater, library_memory()) != 0) throw std::bad_alloc();
  inflater_.reset(inflater);
}

HeaderDecoder::Found HeaderDecoder::next(std::string_view& piece, std::string_view& name,
                                         std::string_view& value) {
  while (!piece.empty()) {
    nghttp2_nv field;
    int flags = 0;
    const auto taken =
        nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, bytes_of(piece), piece.size(), 0);
    if (taken < 0) return Found::flaw;
    piece.remove_prefix(static_cast<std::size_t>(taken));
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT)) continue;
    name = {reinterpret_cast<const char*>(field.name), field.namelen};
    value = {reinterpret_cast<const char*>(field.value), field.valuelen};
    return Found::field;
  }
  return Found::nothing;
}

bool HeaderDecoder::end_block() {
  nghttp2_nv field;
  int flags = 0;
  const std::uint8_t none = 0;
  if (nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, &none, 0, 1) < 0) return false;
  return nghttp2_hd_inflate_end_headers(inflater_.get()) == 0;
}

NameValues::NameValues(const FieldList& list) : size_(list.size()) {
  for (std::size_t i = 0; i < size_; ++i) {
    const FieldList::Field field = list[i];
    add(i, field.name, field.value, field.unindexed);
  }
}

NameValues::NameValues(const FieldBlock& block) : size_(block.size()) {
  for (std::size_t i = 0; i < size_; ++i) {
    const http::Field field = block[i];
    add(i, field.name, field.value, is_unindexed(field.name, field.value));
  }
}

void NameValues::add(std::size_t i, std::string_view name, std::string_view value, bool unindexed) {
  const auto flags = unindexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  new (room_ + i * sizeof(nghttp2_nv)) nghttp2_nv{bytes_of(name), bytes_of(value), name.size(), value.size(),
                                                  static_cast<std::uint8_t>(flags)};
}

HeaderEncoder::HeaderEncoder() {
  nghttp2_hd_deflater* deflater = nullptr;
  if (nghttp2_hd_deflate_new2(&deflater, kTableSize, library_memory()) != 0) throw std::bad_alloc();
  deflater_.reset(deflater);
}

void HeaderEncoder::set_table_size(std::uint32_t bytes) {
  if (nghttp2_hd_deflate_change_table_size(deflater_.get(), std::min(bytes, kTableSize)) != 0)
    throw std::bad_alloc();
}

std::size_t HeaderEncoder::bound(const NameValues& fields) const {
  return nghttp2_hd_deflate_bound(deflater_.get(), fields.data(), fields.size());
}

bool HeaderEncoder::encode(const NameValues& fields, char* to, std::size_t room, std::size_t& size) {
  const auto written = nghttp2_hd_deflate_hd(deflater_.get(), reinterpret_cast<std::uint8_t*>(to), room,
                                             fields.data(), fields.size());
  size = written < 0 ? 0 : static_cast<std::size_t>(written);
  return written >= 0;
}

}  // namespace sluice::h2
