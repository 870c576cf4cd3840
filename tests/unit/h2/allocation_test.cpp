// A steady stream costs no allocation: tables, blocks and streams come from the thread's lists of
// frames.
#include <cstddef>
#include <cstring>

#include "proxy/h2/head_reader.hpp"
#include "proxy/h2/head_writer.hpp"
#include "unit/h2/peer.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <gtest/gtest.h>

namespace {
std::size_t counted = 0;
bool counting = false;
}  // namespace

// glibc's own names behind the ones we put in front; operator new ends here, too.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* malloc(std::size_t size) {
  counted += counting;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  counted += counting;
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  counted += counting;
  return __libc_realloc(block, size);
}
}

namespace sluice::h2 {
namespace {

// What a proxy does with the events of one read.
struct Proxy {
  Session session{Role::server, {}};
  http::RequestHead head;
  FieldList list;
  Buffer out;
  std::string body = std::string(20000, 'b');
  int answered = 0;

  void hear(std::string_view bytes) {
    for (const Event& event : session.receive(bytes, 1000)) {
      if (event.kind == Event::Kind::head) {
        if (read_request(*event.block, event.last, 8192, head).reason) return;
        session.set_user(event.stream, this);
      }
      if (event.kind == Event::Kind::data) session.consumed(event.stream, event.data.size());
      if (event.stream != 0 && event.last) answer(event.stream);
    }
    session.produce(out, 1 << 20);
    out.clear();
  }
  void answer(StreamId id) {
    http::ResponseHead answer;
    answer.status = 200;
    answer.body = http::BodyLength::unknown;
    write_answer(answer, {}, "now", false, list);
    session.send_head(id, list, false);
    session.send_data(id, body, true);
    session.produce(out, 1 << 20);
    session.forget(id);
    ++answered;
  }
};

TEST(H2Allocations, AThousandRequestsCostNone) {
  Proxy proxy;
  Peer peer;
  proxy.hear(Peer::preface() + Peer::window(0, 0x7fff0000 - 65535));
  std::vector<std::string> requests;
  for (int i = 0; i < 1100; ++i) {
    const StreamId id = 2 * i + 1;
    Pairs fields = post("/cart?id=" + std::to_string(i));
    fields.emplace_back("cookie", "a=1");
    fields.emplace_back("cookie", "b=2");
    requests.push_back(peer.headers(id, fields, false) + Peer::data(id, "abc", true));
  }
  for (int i = 0; i < 100; ++i) proxy.hear(requests[static_cast<std::size_t>(i)]);
  counting = true;
  for (int i = 100; i < 1100; ++i) proxy.hear(requests[static_cast<std::size_t>(i)]);
  counting = false;
  EXPECT_EQ(proxy.answered, 1100);
  EXPECT_EQ(counted, 0u);
}

}  // namespace
}  // namespace sluice::h2

#endif
