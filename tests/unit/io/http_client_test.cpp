// Control's HTTP client on sockets: where it connects, what it sends, when it stops.
#include "control/io/http_client.hpp"

#include <gtest/gtest.h>

#include "unit/io/answering_server.hpp"
#include "unit/io/loop.hpp"

namespace sluice::io {
namespace {

using namespace std::chrono_literals;

const char kBody[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";

struct HttpClient : ::testing::Test {
  Loop loop;

  HttpAnswer ask(HttpRequest request) { return loop.run(fetch(loop.io.get_executor(), std::move(request))); }
  static HttpRequest to(const AnsweringServer& server) {
    HttpRequest request;
    request.to = server.destination();
    request.host = server.address();
    return request;
  }
  // Nothing listens there.
  route::Endpoint closed_port() {
    const AnsweringServer closed(loop.io, kBody);
    return closed.endpoint();
  }
};

TEST_F(HttpClient, gives_status_and_body) {
  const AnsweringServer server(loop.io, kBody);
  const auto answer = ask(to(server));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "body");
  EXPECT_FALSE(answer.truncated);
  EXPECT_EQ(answer.problem, "");
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_TRUE(server.requests().front().starts_with("GET / HTTP/1.1\r\nHost: " + server.address() + "\r\n"));
}

TEST_F(HttpClient, gives_the_fields_that_are_asked_for_of_the_answer_alone) {
  const AnsweringServer server(loop.io,
                               "HTTP/1.1 103 Early Hints\r\nReplay-Nonce: early\r\n\r\n"
                               "HTTP/1.1 201 Created\r\nReplay-Nonce: n1\r\nLocation: /o/1\r\nOther: x\r\n"
                               "Content-Length: 0\r\n\r\n");
  HttpRequest request = to(server);
  request.fields = {"replay-nonce", "location", "retry-after"};
  const auto answer = ask(request);
  EXPECT_EQ(answer.fields,
            (std::map<std::string, std::string>{{"location", "/o/1"}, {"replay-nonce", "n1"}}));
  EXPECT_EQ(answer.location, "");  // of a redirect
}

TEST_F(HttpClient, a_method_with_a_body_sends_an_empty_one) {
  const AnsweringServer server(loop.io, kBody);
  HttpRequest request = to(server);
  request.method = "POST";
  EXPECT_EQ(ask(request).status, 200);
  EXPECT_NE(server.requests().front().find("Content-Length: 0\r\n"), std::string::npos);
}

TEST_F(HttpClient, addresses_are_tried_in_turn) {
  const AnsweringServer server(loop.io, kBody);
  HttpRequest request = to(server);
  request.to.endpoints.insert(request.to.endpoints.begin(), 2, closed_port());
  EXPECT_EQ(ask(request).status, 200);
  request.to.endpoints.pop_back();
  EXPECT_EQ(ask(request).problem, "connect: Connection refused");
}

TEST_F(HttpClient, the_PROXY_header_comes_first_and_speaks_for_no_client) {
  const AnsweringServer server(loop.io, kBody);
  HttpRequest request = to(server);
  request.to.proxy_protocol = ProxyVersion::v1;
  EXPECT_EQ(ask(request).status, 200);
  EXPECT_TRUE(server.requests().front().starts_with("PROXY UNKNOWN\r\nGET / ")) << server.requests().front();
}

TEST_F(HttpClient, a_body_larger_than_wanted_is_cut_and_read_to_its_end_afterwards) {
  const std::string page(8 << 20, 'x');
  AnsweringServer server(
      loop.io, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page);
  HttpRequest request = to(server);
  request.most_body = 1000;
  const auto answer = ask(request);
  EXPECT_TRUE(answer.truncated);
  EXPECT_EQ(answer.body, page.substr(0, 1000));
  EXPECT_TRUE(loop.run_until([&] { return server.sent_whole() == 1; })) << "the server's write met a reset";
}

TEST_F(HttpClient, X5_the_limit_is_of_the_whole_request) {
  const AnsweringServer silent(loop.io, "");
  HttpRequest request = to(silent);
  request.limit = 50ms;
  const auto answer = ask(request);
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.problem, "no answer within 50ms");
  EXPECT_FALSE(answer.ours);
  AnsweringServer halting(loop.io, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nbody");
  halting.keep_open();
  request = to(halting);
  request.limit = 50ms;
  EXPECT_EQ(ask(request).problem, "no answer within 50ms") << "a head without its body is no answer";
}

TEST_F(HttpClient, tls_to_a_server_without_it_fails_with_its_reason) {
  const AnsweringServer server(loop.io, kBody);
  HttpRequest request = to(server);
  std::string problem;
  request.to.tls = tls::ClientContext::make({}, problem);
  ASSERT_TRUE(request.to.tls) << problem;
  request.limit = 50ms;  // the server waits for a head's end
  const auto answer = ask(request);
  EXPECT_EQ(answer.status, 0);
  EXPECT_NE(answer.problem, "");
}

TEST_F(HttpClient, a_connection_is_all_that_is_asked_where_nothing_is_probed) {
  const AnsweringServer server(loop.io, kBody);
  std::vector<route::Endpoint> endpoints{closed_port()};
  EXPECT_FALSE(loop.run(takes_connections(loop.io.get_executor(), endpoints, 1s)));
  EXPECT_FALSE(loop.run(takes_connections(loop.io.get_executor(), {}, 1s)));
  endpoints.push_back(server.endpoint());
  EXPECT_TRUE(loop.run(takes_connections(loop.io.get_executor(), endpoints, 1s)));
}

}  // namespace
}  // namespace sluice::io
