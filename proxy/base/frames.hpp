// Memory for what lives as long as a request: frames of coroutines, heads, streams. Recycled per thread by
// size class, so that a steady request costs no allocation.
#pragma once

#include <cstddef>

namespace sluice {

void* allocate_frame(std::size_t size);
// `size` as it was asked for.
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace sluice
