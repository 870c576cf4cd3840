// X4: zero allocations per steady request. Here, and not on fakes, because it is the real connections,
// streams and buffers that must not allocate.
#include <cstddef>

#include "world.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
std::size_t allocations = 0;
void count_one() {
  if (sluice::worker::World::counting) ++allocations;
}
}  // namespace

// glibc's own names behind the ones we put in front; operator new ends here, too.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void* malloc(std::size_t size) {
  count_one();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  count_one();
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  count_one();
  return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count_one();
  return __libc_memalign(alignment, size);
}
}

namespace sluice::worker {
namespace {

class Allocations : public OneOrigin {
 protected:
  // One request and its answer over connections that stay.
  void exchange(Peer& client, std::string_view request, std::string_view answer, std::string_view end) {
    client.got.clear();
    client.send(request);
    ASSERT_TRUE(world.until(
        [&] { return origin->size() == 1 && (*origin)[0].got.find("\r\n\r\n") != std::string::npos; }));
    (*origin)[0].got.clear();
    (*origin)[0].send(answer);
    ASSERT_TRUE(world.until([&] { return EndsWithText(client.got, end); }));
  }
  static bool EndsWithText(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
  }
  std::size_t in_a_thousand(std::string_view request, std::string_view answer, std::string_view end) {
    Peer& client = world.client();
    for (int i = 0; i < 50; ++i) exchange(client, request, answer, end);
    // However long one of them takes: a histogram's memory is taken octave by octave, once.
    for (std::uint64_t micros = 1; micros < std::uint64_t{1} << 33; micros *= 2)
      world.counters(0).duration.record(micros);
    allocations = 0;
    World::count_allocations = true;
    for (int i = 0; i < 1'000; ++i) exchange(client, request, answer, end);
    World::count_allocations = false;
    return allocations;
  }
};

TEST_F(Allocations, The_counting_counts) {
  void* (*volatile allocate)(std::size_t) = ::operator new;  // a new-expression may be moved or left out
  allocations = 0;
  World::counting = true;
  void* block = allocate(1);
  World::counting = false;
  EXPECT_EQ(allocations, 1u);
  ::operator delete(block);
}

TEST_F(Allocations, X4_a_thousand_kept_alive_gets_allocate_nothing) {
  EXPECT_EQ(in_a_thousand(kGet, kOk, "\r\n\r\nok"), 0u);
}

TEST_F(Allocations, F1_a_thousand_gets_with_flags_allocate_nothing) {
  for (const char* name : {"new-checkout", "dark-mode", "a-rather-long-name-of-a-flag"})
    world.flags.push_back({name, 50'000, ""});
  world.spec.sticky = config::StickySpec{{{config::StickyKey::From::header, "X-User-Id"}}, {}, "api"};
  world.publish();
  EXPECT_EQ(in_a_thousand("GET /a HTTP/1.1\r\nHost: x\r\nX-User-Id: alice\r\n\r\n", kOk, "\r\n\r\nok"), 0u);
}

TEST_F(Allocations, X4_a_thousand_chunked_answers_allocate_nothing) {
  EXPECT_EQ(in_a_thousand(kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                          "0\r\n\r\n"),
            0u);
}

TEST_F(Allocations, X4_a_thousand_small_posts_allocate_nothing) {
  EXPECT_EQ(in_a_thousand("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", kOk, "\r\n\r\nok"),
            0u);
}

TEST_F(Allocations, X4_a_thousand_chunked_uploads_allocate_nothing) {
  EXPECT_EQ(
      in_a_thousand("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                    kOk, "\r\n\r\nok"),
      0u);
}

}  // namespace
}  // namespace sluice::worker

#endif
