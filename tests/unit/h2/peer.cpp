#include "unit/h2/peer.hpp"

#include <gtest/gtest.h>

namespace sluice::h2 {
namespace {

std::uint8_t* raw(const std::string& text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

std::uint32_t read_number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes.at(at + i));
  return value;
}

Pairs inflate(nghttp2_hd_inflater* inflater, std::string_view block) {
  Pairs fields;
  auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
  std::size_t left = block.size();
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    const auto taken = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, at, left, 1);
    EXPECT_GE(taken, 0);
    if (taken < 0) return fields;
    at += taken, left -= static_cast<std::size_t>(taken);
    if (flags & NGHTTP2_HD_INFLATE_EMIT)
      fields.emplace_back(std::string(reinterpret_cast<char*>(nv.name), nv.namelen),
                          std::string(reinterpret_cast<char*>(nv.value), nv.valuelen));
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && left == 0) break;
  }
  nghttp2_hd_inflate_end_headers(inflater);
  return fields;
}

Pairs copy(const FieldBlock& block) {
  Pairs fields;
  for (std::size_t i = 0; i < block.size(); ++i)
    fields.emplace_back(std::string(block[i].name), std::string(block[i].value));
  return fields;
}

}  // namespace

std::uint32_t SeenFrame::number(std::size_t at) const { return read_number(payload, at, 4); }

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string frame(std::uint8_t type, std::uint8_t flags, StreamId stream, std::string_view payload) {
  std::string bytes = number(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  bytes += number(static_cast<std::uint32_t>(stream));
  return bytes.append(payload);
}

Peer::Peer() {
  nghttp2_hd_deflate_new(&deflater_, 4096);
  nghttp2_hd_inflate_new(&inflater_);
}
Peer::~Peer() {
  nghttp2_hd_deflate_del(deflater_);
  nghttp2_hd_inflate_del(inflater_);
}

std::string Peer::preface() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(kSettings, 0, 0, ""); }

std::string Peer::block(const Pairs& fields) {
  std::vector<nghttp2_nv> list;
  std::size_t size = 64;
  for (const auto& [name, value] : fields) {
    list.push_back({raw(name), raw(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    size += name.size() + value.size() + 16;
  }
  std::string bytes(size, '\0');
  const auto used = nghttp2_hd_deflate_hd(deflater_, raw(bytes), bytes.size(), list.data(), list.size());
  EXPECT_GE(used, 0);
  bytes.resize(static_cast<std::size_t>(used));
  return bytes;
}

std::string Peer::headers(StreamId stream, const Pairs& fields, bool end) {
  constexpr std::size_t kMost = 16384;
  const std::string whole = block(fields);
  std::string bytes;
  for (std::size_t at = 0; at == 0 || at < whole.size(); at += kMost) {
    std::uint8_t flags = at + kMost >= whole.size() ? kEndHeaders : 0;
    if (at == 0 && end) flags |= kEndStream;
    bytes +=
        frame(at == 0 ? kHeaders : kContinuation, flags, stream, std::string_view(whole).substr(at, kMost));
  }
  return bytes;
}

std::string Peer::data(StreamId stream, std::string_view bytes, bool end) {
  return frame(kData, end ? kEndStream : 0, stream, bytes);
}
std::string Peer::reset(StreamId stream, ErrorCode code) {
  return frame(kRstStream, 0, stream, number(static_cast<std::uint32_t>(code)));
}
std::string Peer::window(StreamId stream, std::uint32_t bytes) {
  return frame(kWindowUpdate, 0, stream, number(bytes));
}
std::string Peer::settings(const std::vector<std::pair<std::uint16_t, std::uint32_t>>& values) {
  std::string payload;
  for (const auto& [id, value] : values) payload += number(id).substr(2) + number(value);
  return frame(kSettings, 0, 0, payload);
}

std::vector<SeenFrame> Peer::see(std::string_view bytes) {
  std::vector<SeenFrame> frames;
  if (bytes.starts_with("PRI * ")) bytes.remove_prefix(24);
  while (!bytes.empty()) {
    const std::size_t size = read_number(bytes, 0, 3);
    SeenFrame seen;
    seen.type = static_cast<std::uint8_t>(bytes.at(3));
    seen.flags = static_cast<std::uint8_t>(bytes.at(4));
    seen.stream = static_cast<StreamId>(read_number(bytes, 5, 4));
    seen.payload = bytes.substr(9, size);
    EXPECT_EQ(seen.payload.size(), size);
    bytes.remove_prefix(9 + size);
    if (seen.type == kContinuation) {
      frames.back().payload += seen.payload;
      frames.back().flags |= seen.flags & kEndHeaders;
    } else {
      frames.push_back(seen);
    }
    SeenFrame& last = frames.back();
    if (last.type == kHeaders && (last.flags & kEndHeaders)) last.fields = inflate(inflater_, last.payload);
  }
  return frames;
}

Pair::Pair(Role role, const Limits& limits) : session(role, limits) {}

std::vector<Pair::Told> Pair::say(std::string_view bytes) {
  std::vector<Told> told;
  for (const Event& event : session.receive(bytes, now_ms))
    told.push_back({event, std::string(event.data), event.block ? copy(*event.block) : Pairs{}});
  return told;
}

std::vector<SeenFrame> Pair::produce(std::size_t most) {
  Buffer out;
  session.produce(out, most);
  return peer.see(out.view());
}

std::vector<SeenFrame> Pair::produce(std::uint8_t type) {
  std::vector<SeenFrame> frames = produce();
  std::erase_if(frames, [&](const SeenFrame& seen) { return seen.type != type; });
  return frames;
}

FieldList list_of(const Pairs& fields) {
  FieldList list;
  for (const auto& [name, value] : fields) list.field(name, value);
  return list;
}

Pairs get(std::string_view path) {
  return {{":method", "GET"}, {":scheme", "http"}, {":authority", "a.example"}, {":path", std::string(path)}};
}
Pairs post(std::string_view path) {
  Pairs fields = get(path);
  fields[0].second = "POST";
  return fields;
}

}  // namespace sluice::h2
