// Control's requests over HTTP/2, against a session in the server's role.
#include "control/io/http2_exchange.hpp"

#include <gtest/gtest.h>

#include "proxy/h2/head_reader.hpp"

namespace sluice::io {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The other side: takes the request apart and answers as it is told.
class Server {
 public:
  void receive(std::string_view bytes) {
    for (const auto& event : session.receive(bytes, 1)) {
      if (event.kind == h2::Event::Kind::head) {
        stream = event.stream;
        for (std::size_t i = 0; i < event.block->size(); ++i)
          request.emplace_back((*event.block)[i].name, (*event.block)[i].value);
      }
      if (event.kind == h2::Event::Kind::data) body += event.data;
      whole |= event.last || event.kind == h2::Event::Kind::end;
      reset |= event.kind == h2::Event::Kind::reset;
    }
  }
  void head(const Pairs& fields, bool end) {
    h2::FieldList list;
    list.clear();
    for (const auto& [name, value] : fields) list.field(name, value);
    if (fields.front().second.front() == '1')
      session.send_interim(stream, list);
    else
      session.send_head(stream, list, end);
  }
  void trailers(const Pairs& fields) {
    h2::FieldList list;
    list.clear();
    for (const auto& [name, value] : fields) list.field(name, value);
    session.send_trailers(stream, list);
  }
  std::string output() {
    Buffer out;
    session.produce(out, 1 << 20);
    return std::string(out.view());
  }
  std::string value(std::string_view name) const {
    for (const auto& [key, text] : request)
      if (key == name) return text;
    return "(none)";
  }

  h2::Session session{h2::Role::server, {}};
  h2::StreamId stream = 0;
  Pairs request;
  std::string body;
  bool whole = false, reset = false;
};

struct Http2Client : ::testing::Test {
  Http2Client() { request.host = "h:1"; }
  void ask() {
    exchange.emplace(request);
    server.receive(exchange->output());
  }
  void answer() {
    exchange->take(server.output(), false, 1);
    server.receive(exchange->output());
  }

  HttpRequest request;
  std::optional<Http2Exchange> exchange;
  Server server;
};

TEST_F(Http2Client, a_probe_ends_with_the_head) {
  request.target = "/health?x=1";
  request.most_body = 0;
  ask();
  EXPECT_TRUE(server.whole);
  EXPECT_EQ(server.value(":method"), "GET");
  EXPECT_EQ(server.value(":path"), "/health?x=1");
  EXPECT_EQ(server.value(":authority"), "h:1");
  EXPECT_EQ(server.value(":scheme"), "http");
  server.head({{":status", "103"}}, false);
  answer();
  EXPECT_FALSE(exchange->done());
  server.head({{":status", "302"}, {"location", "/there"}}, false);
  answer();
  ASSERT_TRUE(exchange->done());
  exchange->leave();
  server.receive(exchange->output());
  EXPECT_TRUE(server.reset) << "the rest is not wanted, and the server is told";
  const HttpAnswer got = exchange->take_answer();
  EXPECT_EQ(got.status, 302);
  EXPECT_EQ(got.location, "/there");
}

TEST_F(Http2Client, a_call_has_a_body_and_its_answer_trailers) {
  request.method = "POST";
  request.content_type = "application/grpc";
  request.body = "question";
  ask();
  EXPECT_TRUE(server.whole);
  EXPECT_EQ(server.body, "question");
  EXPECT_EQ(server.value("te"), "trailers");
  server.head({{":status", "200"}}, false);
  server.session.send_data(server.stream, "answer", false);
  answer();
  EXPECT_FALSE(exchange->done());
  server.trailers({{"grpc-status", "5"}, {"grpc-message", "no such"}});
  answer();
  ASSERT_TRUE(exchange->done());
  const HttpAnswer got = exchange->take_answer();
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "answer");
  EXPECT_EQ(got.grpc, GrpcStatus::not_found);
  EXPECT_EQ(got.grpc_message, "no such");
}

TEST_F(Http2Client, a_call_may_end_with_its_head) {
  request.method = "POST";
  request.content_type = "application/grpc";
  request.body = "question";
  ask();
  server.head({{":status", "200"}, {"grpc-status", "12"}}, true);
  answer();
  ASSERT_TRUE(exchange->done());
  EXPECT_EQ(exchange->take_answer().grpc, GrpcStatus::unimplemented);
}

TEST_F(Http2Client, a_body_is_kept_as_far_as_it_is_wanted) {
  request.most_body = 3;
  ask();
  server.head({{":status", "200"}}, false);
  server.session.send_data(server.stream, "abcdef", false);
  answer();
  ASSERT_TRUE(exchange->done());
  const HttpAnswer got = exchange->take_answer();
  EXPECT_EQ(got.body, "abc");
  EXPECT_TRUE(got.truncated);
}

TEST_F(Http2Client, what_is_no_answer_is_told) {
  ask();
  server.session.reset(server.stream, h2::ErrorCode::internal_error);
  answer();
  ASSERT_TRUE(exchange->done());
  EXPECT_EQ(exchange->take_answer().problem, "the stream was reset: INTERNAL_ERROR");

  ask();
  exchange->take("HTTP/1.1 400 Bad Request\r\n\r\n", false, 1);
  ASSERT_TRUE(exchange->done());
  EXPECT_EQ(exchange->take_answer().problem, "the answer is not HTTP/2: it is HTTP/1.1");

  ask();
  exchange->take({}, true, 1);
  ASSERT_TRUE(exchange->done());
  EXPECT_EQ(exchange->take_answer().problem, "the connection was closed without an answer");
}

TEST_F(Http2Client, an_answer_that_breaks_off_is_none) {
  ask();
  server.head({{":status", "200"}}, false);
  answer();
  exchange->take({}, true, 1);
  ASSERT_TRUE(exchange->done());
  const HttpAnswer got = exchange->take_answer();
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.problem, "the answer broke off");
}

}  // namespace
}  // namespace sluice::io
