// A byte buffer whose storage is borrowed from its thread's pool: an idle connection gives it back and holds
// nothing. Worker only: a Buffer never changes threads while it holds storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice {

// Many methods, most of them one line: they are the only ones that know where bytes and room lie.
// [begin_, end_) are the bytes held, [end_, capacity_) is room. Consumed bytes leave from the front; the room
// they leave is regained by compact() or when the buffer runs empty.
class Buffer {
 public:
  static constexpr std::uint32_t kTiny = 2 * 1024;    // most heads: what is written may begin so
  static constexpr std::uint32_t kSmall = 16 * 1024;  // one TCP read; most heads and small bodies
  static constexpr std::uint32_t kLarge =
      64 * 1024;  // the largest head we take (32 KiB) with its rewritten additions

  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { release(); }

  void swap(Buffer& other) noexcept;

  std::string_view view() const { return {data_ + begin_, end_ - begin_}; }
  const char* data() const { return data_ + begin_; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  bool holds_storage() const { return data_ != nullptr; }

  // Room for the next read; acquires storage when there is none.
  char* room() {
    if (!data_) acquire(kSmall);
    return data_ + end_;
  }
  std::size_t room_size() const { return data_ ? capacity_ - end_ : kSmall; }
  void commit(std::size_t n) { end_ += n; }

  void consume(std::size_t n) {
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // As consume(), but the room stays where it is: a read into it may be outstanding.
  void skip(std::size_t n) { begin_ += n; }
  std::size_t skipped() const { return begin_; }
  void clear() { begin_ = end_ = 0; }

  // Moves the held bytes to the front. Views into the buffer are void afterwards.
  void compact() {
    if (begin_ == 0) return;
    std::memmove(data_, data_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Makes the capacity kSmall, or kLarge if it is that already. Views are void afterwards. False when it is
  // kLarge.
  bool grow();

  // Room for `n` more bytes at least. Views into the buffer are void afterwards.
  void reserve(std::size_t n) {
    if (room_size() < n || !data_) make_room(n);
  }
  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    reserve(bytes.size());
    std::memcpy(data_ + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  void append(char c) { append(std::string_view(&c, 1)); }

  // Gives the storage back to the thread's pool.
  void release() {
    if (data_) give_back();
  }

 private:
  void give_back();
  void acquire(std::size_t capacity);
  void acquire_new(std::size_t capacity);
  void make_room(std::size_t n);

  char* data_ = nullptr;
  std::size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

// Of the storage that this thread's pool keeps, frees what nobody needed since the last call: bytes.
std::size_t trim_buffers();

}  // namespace sluice
