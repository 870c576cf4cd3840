// Appends the lines of a head to a buffer: the sink of fields of HTTP/1 (see proxy/http/forward.hpp).
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "proxy/base/buffer.hpp"
#include "proxy/base/copy_text.hpp"
#include "proxy/http1/message.hpp"

namespace sluice::http1 {

// While it lives, nobody else appends to the buffer.
class HeadWriter {
 public:
  explicit HeadWriter(Buffer& out) : out_(out) { begin_room(); }
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;
  ~HeadWriter() { commit(); }

  // The parts, one after the other, with one check for room.
  template <class... Parts>
  void put(const Parts&... parts) {
    ensure((view(parts).size() + ...));
    ((at_ = copy_text(view(parts), at_)), ...);
  }
  template <class Name>
  void field(const Name& name, std::string_view value) {
    put(name, ": ", value, "\r\n");
  }
  template <class Name>
  void field(const Name& name, std::uint64_t value) {
    constexpr std::size_t kMostDigits = 20;
    ensure(view(name).size() + kMostDigits + 4);
    put(name, ": ");
    at_ = std::to_chars(at_, at_ + kMostDigits, value).ptr;
    put("\r\n");
  }
  // Whole ones as they are printed, with their ends.
  void lines(std::string_view text) { put(text); }
  // A field whose value comes in parts: begin(), put() of each, end().
  template <class Name>
  void begin(const Name& name) {
    put(name, ": ");
  }
  void end() { put("\r\n"); }

  void status_line(int status, std::string_view reason) {
    const char digits[] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                           static_cast<char>('0' + status % 10), ' '};
    put("HTTP/1.1 ", std::string_view(digits, sizeof digits), reason, "\r\n");
  }
  void framing(Framing framing, std::uint64_t length) {
    if (framing == Framing::length) field("Content-Length", length);
    if (framing == Framing::chunked) put("Transfer-Encoding: chunked\r\n");
  }
  void end_of_head() { put("\r\n"); }

 private:
  static constexpr std::string_view view(std::string_view part) { return part; }
  template <std::size_t N>
  static constexpr std::string_view view(const char (&literal)[N]) {
    return {literal, N - 1};  // no strlen
  }
  void ensure(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) make_room(size);
  }
  void begin_room() {
    begin_ = at_ = out_.room();
    end_ = at_ + out_.room_size();
  }
  void commit() { out_.commit(static_cast<std::size_t>(at_ - begin_)); }
  [[gnu::noinline]] void make_room(std::size_t size) {
    commit();
    out_.reserve(size);
    begin_room();
  }

  Buffer& out_;
  char *begin_, *at_, *end_;  // [begin_, at_) is written and not yet committed
};

}  // namespace sluice::http1
