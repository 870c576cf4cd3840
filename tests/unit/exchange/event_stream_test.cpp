// Where an event ends, however the bytes are cut.
#include "proxy/exchange/event_stream.hpp"

#include <gtest/gtest.h>

namespace sluice::exchange {
namespace {

TEST(EventBoundary, an_empty_line_ends_an_event) {
  for (const std::string_view events :
       {"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r", "data: a\n\r\n", ": ping\n\n", "a\n\nb\n\n"})
    for (const std::size_t piece : {1u, 2u, 3u, 4u, 100u}) {
      EventBoundary boundary;
      EXPECT_TRUE(boundary.at_boundary()) << "before the first one";
      for (std::size_t at = 0; at < events.size(); at += piece) boundary.pass(events.substr(at, piece));
      EXPECT_TRUE(boundary.at_boundary()) << events << " in pieces of " << piece;
      boundary.pass("d");
      EXPECT_FALSE(boundary.at_boundary());
    }
}

TEST(EventBoundary, the_end_of_a_line_ends_none) {
  for (const std::string_view part : {"data: a\n", "data: a\r\n", "data: a\r", "data: a"}) {
    EventBoundary boundary;
    boundary.pass(part);
    EXPECT_FALSE(boundary.at_boundary()) << part;
  }
}

TEST(EventStream, is_known_by_its_type_and_by_having_no_length) {
  http::ResponseHead answer;
  answer.status = 200;
  answer.body = http::BodyLength::unknown;
  EXPECT_FALSE(EventStream::is_one(answer));
  answer.fields.push("Content-Type", std::string_view("Text/Event-Stream; charset=utf-8"));
  EXPECT_TRUE(EventStream::is_one(answer));
  answer.body = http::BodyLength::known;
  EXPECT_FALSE(EventStream::is_one(answer));
  answer.body = http::BodyLength::unknown;
  answer.fields.push("Content-Encoding", std::string_view("gzip"));
  EXPECT_FALSE(EventStream::is_one(answer)) << "where its events end is not to be seen";
}

}  // namespace
}  // namespace sluice::exchange
