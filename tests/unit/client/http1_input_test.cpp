// Where an HTTP/1 client's bytes lie, and where the next ones go.
#include "proxy/client/http1_input.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace sluice::client {
namespace {

// As a read does it.
void arrive(Http1Input& input, std::string_view bytes) {
  Buffer& tail = input.tail();
  ASSERT_LE(bytes.size(), tail.room_size());
  std::memcpy(tail.room(), bytes.data(), bytes.size());
  tail.commit(bytes.size());
}

TEST(Http1Input, the_next_request_follows_a_body_that_came_with_its_head) {
  Http1Input input;
  arrive(input, "HEADbodyNEXT");
  input.begin_message(4);
  EXPECT_EQ(input.unread(), "bodyNEXT");
  input.use(4);
  EXPECT_EQ(input.unread(), "NEXT");
  input.end_message();
  EXPECT_EQ(input.head_bytes(), "NEXT");
}

TEST(Http1Input, further_pieces_of_a_body_leave_the_head_where_it_is) {
  Http1Input input;
  arrive(input, "HEADbo");
  const char* const head = input.head_bytes().data();
  input.begin_message(4);
  input.use(2);
  input.begin_piece();
  arrive(input, "dy");
  EXPECT_EQ(input.unread(), "dy");
  input.use(2);
  input.begin_piece();
  arrive(input, "moreNEXT");
  input.use(4);
  EXPECT_EQ(input.head_bytes().data(), head);
  EXPECT_EQ(input.head_bytes(), "HEADbo");
  input.end_message();
  EXPECT_EQ(input.head_bytes(), "NEXT");
  input.begin_message(4);
  EXPECT_EQ(input.unread(), "");
}

TEST(Http1Input, a_read_that_is_outstanding_at_the_end_of_a_message_finds_its_room_again) {
  for (const bool apart : {false, true}) {
    Http1Input input;
    arrive(input, "HEAD");
    input.begin_message(4);
    if (apart) input.begin_piece();
    ASSERT_TRUE(input.make_room(true));
    char* const room = input.tail().room();  // a read is outstanding from here on
    input.end_message();
    ASSERT_EQ(input.tail().room(), room);
    std::memcpy(room, "NEXT", 4);
    input.tail().commit(4);
    EXPECT_EQ(input.head_bytes(), "NEXT");
  }
}

TEST(Http1Input, nothing_moves_under_a_head_that_is_in_use) {
  Http1Input input;
  arrive(input, "HEAD");
  input.begin_message(4);
  arrive(input, std::string(input.tail().room_size() - 100, 'x'));
  const char* const head = input.head_bytes().data();
  EXPECT_FALSE(input.make_room(true));
  EXPECT_EQ(input.head_bytes().data(), head);
  EXPECT_TRUE(input.make_room(false)) << "a head under way has the largest buffer if it needs it";
  EXPECT_GE(input.tail().room_size(), 1024u);
}

TEST(Http1Input, used_bytes_at_the_front_become_room) {
  Http1Input input;
  const std::string first(5000, 'a');
  arrive(input, first + "NEXT");
  input.begin_message(first.size());
  input.end_message();
  const std::size_t room = input.tail().room_size();
  input.compact();
  EXPECT_EQ(input.tail().room_size(), room + first.size());
  EXPECT_EQ(input.head_bytes(), "NEXT");
}

}  // namespace
}  // namespace sluice::client
