// One stream of a session: how far each direction has come, and what is kept for it. Worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/base/frames.hpp"
#include "proxy/h2/error_code.hpp"
#include "proxy/h2/field_block.hpp"
#include "proxy/h2/window.hpp"

namespace sluice::h2 {

// How far a message has come, in or out.
enum class Half : std::uint8_t {
  head,    // its final head is still to come
  body,    // data or trailers are
  ending,  // out only: END_STREAM has been said and not been produced
  over,
};

constexpr std::int64_t kUnknownLength = ReceiveWindow::kNoEnd;

class TurnList;

struct Stream;

// A place among streams that take turns (turn_list.hpp).
struct Turn {
  TurnList* list = nullptr;
  Stream *before = nullptr, *behind = nullptr;
};

// A stream's events of the receive() that was `batch` (event_queue.hpp).
struct EventChain {
  std::uint32_t batch = 0;
  std::int32_t first = -1, last = -1;
};

struct Stream {
  explicit Stream(StreamId stream_id) : id(stream_id) {}
  ~Stream() {
    while (blocks) release(blocks);
    delete building;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* stream, std::size_t size) noexcept { free_frame(stream, size); }

  void release(FieldBlock* block) {
    for (FieldBlock** at = &blocks; *at; at = &(*at)->next) {
      if (*at != block) continue;
      *at = block->next;
      delete block;
      return;
    }
  }
  bool is_over() const { return in == Half::over && out == Half::over; }

  const StreamId id;
  Half in = Half::head, out = Half::head;
  bool counted = true;           // among those that are open (StreamTable::open)
  bool forgotten = false;        // by its user
  bool last = false;             // the message ends with `piece`
  bool is_head = false;          // HEAD was asked: its answer has no body, whatever its content-length
  std::uint32_t drained_in = 0;  // the produce() that did it
  void* user = nullptr;
  std::string_view piece;   // of it nothing has been produced
  std::int64_t window = 0;  // bytes of data that the peer takes
  ReceiveWindow receive_window;
  std::uint32_t unconsumed = 0;            // bytes of data that were handed on, and not given back as credit
  std::int64_t expected = kUnknownLength;  // bytes that content-length says are still to come
  std::uint32_t opened_ms = 0;             // as far as it goes into 32 bits
  EventChain events;
  FieldBlock* building = nullptr;  // the block that is being decoded
  FieldBlock* blocks = nullptr;    // those handed on
  Turn turn;
};
static_assert(sizeof(Stream) <= 128);  // two lines of the cache

}  // namespace sluice::h2
