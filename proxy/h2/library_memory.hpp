// Memory for nghttp2 from the thread's lists of frames, which know no sizes: each piece remembers its own.
// Worker only.
#pragma once

#include <nghttp2/nghttp2.h>

namespace sluice::h2 {

nghttp2_mem* library_memory();

// While it lives, a session that is made gets the thread's frame buffer instead of one of its own, which
// would be most of its memory. nghttp2 packs a frame there and gives it out whole; SessionState::produce()
// copies it before any other session of the thread packs one. (The further parts of a block that is longer
// than a frame lie elsewhere.) Only for a server: a client's session keeps its preface there.
class SharedFrameBuffer {
 public:
  SharedFrameBuffer();
  ~SharedFrameBuffer();
  SharedFrameBuffer(const SharedFrameBuffer&) = delete;
  SharedFrameBuffer& operator=(const SharedFrameBuffer&) = delete;
};

}  // namespace sluice::h2
