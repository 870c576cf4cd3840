// Records of one thread on their way to another: numbers and short texts, one behind the other in a ring of
// bytes. Nothing waits; what finds no room is dropped and counted.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice::observe {

// `Record` is trivially copyable numbers, its base `Numbers`, and texts, of which texts_of(record) gives an
// array of pointers to views. One writer and one reader.
template <class Record, class Numbers>
class RecordRing {
 public:
  static constexpr std::size_t kMaxText = 2048;  // of one text; longer ones are cut

  explicit RecordRing(std::size_t capacity) : bytes_(capacity) {}  // bytes; a power of two

  // False when there is no room: the record is dropped and counted.
  bool push(Record record) {
    const auto texts = texts_of(record);
    std::size_t size = sizeof(Packed);
    for (auto* text : texts) {
      *text = text->substr(0, kMaxText);
      size += text->size();
    }
    size = (size + 7) / 8 * 8;
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    const std::size_t to_end = bytes_.size() - head % bytes_.size();
    const std::size_t skip = to_end < size ? to_end : 0;
    if (head + skip + size - tail > bytes_.size()) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
    if (skip) {
      std::memset(bytes_.data() + head % bytes_.size(), 0, sizeof(std::uint32_t));
      head += skip;
    }
    Packed packed{static_cast<std::uint32_t>(size), {}, record};
    for (std::size_t i = 0; i < texts.size(); ++i)
      packed.text_sizes[i] = static_cast<std::uint16_t>(texts[i]->size());
    char* at = bytes_.data() + head % bytes_.size();
    std::memcpy(at, static_cast<const void*>(&packed), sizeof packed);
    at += sizeof packed;
    for (const auto* text : texts) {
      if (!text->empty()) std::memcpy(at, text->data(), text->size());
      at += text->size();
    }
    head_.store(head + size, std::memory_order_release);
    return true;
  }

  // Gives what is there to `take(record)`, at most so many. Returns how many.
  template <class Take>
  std::size_t drain(Take take, std::size_t most = SIZE_MAX) {
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    std::size_t count = 0;
    while (tail < head && count < most) {
      const char* at = bytes_.data() + tail % bytes_.size();
      std::uint32_t size;
      std::memcpy(&size, at, sizeof size);
      if (size == 0) {
        tail += bytes_.size() - tail % bytes_.size();
        continue;
      }
      Packed packed;
      std::memcpy(static_cast<void*>(&packed), at, sizeof packed);
      const char* text = at + sizeof packed;
      Record record;
      static_cast<Numbers&>(record) = packed.numbers;
      std::size_t i = 0;
      for (std::string_view* view : texts_of(record)) {
        *view = {text, packed.text_sizes[i]};
        text += packed.text_sizes[i++];
      }
      take(record);
      ++count;
      tail += size;
    }
    tail_.store(tail, std::memory_order_release);
    return count;
  }

  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kTexts = std::tuple_size_v<decltype(texts_of(std::declval<Record&>()))>;
  static_assert(std::is_trivially_copyable_v<Numbers>);

  // In the ring: this header, then the texts one after the other, padded to 8 bytes.
  struct Packed {
    std::uint32_t size;  // of all, padding included; 0 marks the jump to the ring's start
    std::array<std::uint16_t, kTexts> text_sizes;
    Numbers numbers;
  };

  std::vector<char> bytes_;
  alignas(64) std::atomic<std::uint64_t> head_{0};  // writer's
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // reader's
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace sluice::observe
