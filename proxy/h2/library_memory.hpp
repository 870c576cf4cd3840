// Memory for nghttp2 from the thread's lists of frames, which know no sizes: each piece remembers its own.
// Worker only.
#pragma once

#include <nghttp2/nghttp2.h>

namespace sluice::h2 {

nghttp2_mem* library_memory();

}  // namespace sluice::h2
