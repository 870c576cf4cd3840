// The API over real sockets: what arrives broken, too large or without the token, and events. The client is a
// thread, the daemon's loop is the test.
#include "control/admin/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "unit/change/control_fixture.hpp"

namespace sluice::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct ServerTest : change::ControlFixture {
  config::AdminSpec admin;
  std::unique_ptr<Server> server;

  void SetUp() override {
    start();
    admin.socket = folder.path + "/admin.sock";
    server = std::make_unique<Server>(loop.io, *control);
  }
  void TearDown() override {
    server->close();
    loop.io.restart();
    loop.io.poll();
  }
  void open_compat(bool with_token) {
    std::ofstream(folder.path + "/token") << "secret\n";
    admin.compat.emplace();
    admin.compat->bind = *parse_address("127.0.0.1:0", 0);
    admin.compat->service = "api";
    if (with_token) admin.compat->token_file = folder.path + "/token";
    ASSERT_EQ(server->open(admin), "");
  }
  std::string post_form(const std::string& path, const std::string& body, const std::string& fields = "") {
    return ask(connect_tcp(server->compat_port()),
               "POST " + path + " HTTP/1.1\r\nHost: load-balancer:8080\r\nConnection: close\r\n" + fields +
                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  void open_http() {
    std::ofstream(folder.path + "/token") << "secret\n";
    admin.http.emplace();
    admin.http->bind = *parse_address("127.0.0.1:0", 0);
    admin.http->token_file = folder.path + "/token";
    ASSERT_EQ(server->open(admin), "");
  }

  // Runs `client` beside the loop until it ends.
  void with_loop(const std::function<void()>& client) {
    std::atomic<bool> ended{false};
    std::thread thread([&] {
      client();
      ended = true;
    });
    EXPECT_TRUE(loop.run_until([&] { return ended.load(); }, std::chrono::seconds(20)));
    thread.join();
  }
  int connect_unix() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    admin.socket.copy(address.sun_path, sizeof address.sun_path - 1);
    return connected(::socket(AF_UNIX, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address),
                     sizeof address);
  }
  int connect_http() const { return connect_tcp(server->http_port()); }
  static int connect_tcp(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connected(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&address),
                     sizeof address);
  }
  static int connected(int fd, const sockaddr* address, socklen_t size) {
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd, address, size), 0) << std::strerror(errno);
    return fd;
  }
  static void send(int fd, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has heard enough
      sent += static_cast<std::size_t>(n);
    }
  }
  // Until `end` has come, or the peer closes.
  static std::string receive(int fd, const std::string& end = "") {
    std::string text;
    char piece[4096];
    for (ssize_t n; (end.empty() || text.find(end) == std::string::npos) &&
                    (n = ::recv(fd, piece, sizeof piece, 0)) > 0;)
      text.append(piece, static_cast<std::size_t>(n));
    return text;
  }
  std::string ask(int fd, const std::string& text) {
    std::string answer;
    with_loop([&] {
      send(fd, text);
      answer = receive(fd);
    });
    ::close(fd);
    return answer;
  }
  static std::string get(const std::string& path, const std::string& fields = "Host: x\r\n") {
    return "GET " + path + " HTTP/1.1\r\n" + fields + "Connection: close\r\n\r\n";
  }
};

// Enough for /metrics to be longer than a piece.
struct ServerOfMany : ServerTest {
  void SetUp() override {
    for (int i = 0; i < 200; ++i) {
      config::ServiceSpec other = spec.services[0];
      other.name = "other" + std::to_string(i);
      spec.services.push_back(other);
    }
    ServerTest::SetUp();
    ASSERT_EQ(server->open(admin), "");
  }
  static std::string unchunked(std::string_view body) {
    std::string out;
    while (!body.empty()) {
      const auto line = body.find("\r\n");
      const auto size = std::stoul(std::string(body.substr(0, line)), nullptr, 16);
      out += body.substr(line + 2, size);
      EXPECT_EQ(body.substr(line + 2 + size, 2), "\r\n");
      body.remove_prefix(std::min(body.size(), line + 2 + size + 2));
      if (size == 0) {
        EXPECT_EQ(body, "");
      }
    }
    return out;
  }
};

TEST_F(ServerOfMany, ALongScrapeComesInChunksAndTheConnectionGoesOn) {
  std::string answer;
  with_loop([&] {
    const int fd = connect_unix();
    send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    answer = receive(fd, "\r\n0\r\n\r\n");
    send(fd, get("/livez"));
    EXPECT_THAT(receive(fd), StartsWith("HTTP/1.1 200"));
    ::close(fd);
  });
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  const auto text = unchunked(std::string_view(answer).substr(answer.find("\r\n\r\n") + 4));
  EXPECT_THAT(text, StartsWith("# HELP http_requests_total "));
  EXPECT_THAT(text, HasSubstr("\nsluice_requests_total{service=\"other199\",pool=\"green\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nprocess_start_time_seconds "));
}

TEST_F(ServerOfMany, ALongScrapeOfOldHttpEndsWithItsConnection) {
  const auto answer = ask(connect_unix(), "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.0 200 OK\r\n"));
  EXPECT_EQ(answer.find("chunked"), answer.npos);
  EXPECT_THAT(answer, HasSubstr("\r\n\r\n# HELP http_requests_total "));
  const auto last = answer.find("\nprocess_start_time_seconds ");
  ASSERT_NE(last, answer.npos);
  EXPECT_EQ(answer.find('\n', last + 1), answer.size() - 1);
}

TEST_F(ServerTest, TheSocketHasItsModeAndAStaleOneIsReplacedALiveOneNot) {
  admin.socket_mode = 0600;
  ASSERT_EQ(server->open(admin), "");
  struct stat status {};
  ASSERT_EQ(::stat(admin.socket.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  Server second(loop.io, *control);
  EXPECT_THAT(second.open(admin), HasSubstr("another daemon listens"));

  const auto stale = folder.path + "/stale.sock";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  stale.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);
  config::AdminSpec other;
  other.socket = stale;
  Server third(loop.io, *control);
  EXPECT_EQ(third.open(other), "");
  EXPECT_EQ(::stat(stale.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660u);

  other.socket = folder.path + "/token";
  std::ofstream(other.socket) << "a file";
  Server fourth(loop.io, *control);
  EXPECT_THAT(fourth.open(other), HasSubstr("another kind"));
  other.socket = "/proc/no/such.sock";
  EXPECT_THAT(fourth.open(other), HasSubstr("errno"));
  other.socket = folder.path + "/" + std::string(200, 'x');
  EXPECT_THAT(fourth.open(other), HasSubstr("bytes"));
}

TEST_F(ServerTest, AnswersOnTheUnixSocketWhateverTheHost) {
  ASSERT_EQ(server->open(admin), "");
  const auto answer = ask(connect_unix(), get("/v1/status"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("ETag: \"" + std::to_string(control->generation()) + "\""));
  EXPECT_THAT(answer, HasSubstr("\"services\""));
  const auto head = ask(connect_unix(), "HEAD /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Length: "));
  EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrderOnOneConnection) {
  ASSERT_EQ(server->open(admin), "");
  const std::string body = R"({"blue":"50%","green":"50%"})";
  const auto answer =
      ask(connect_unix(),
          "PUT /v1/services/api/split HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body + "GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n" + get("/livez"));
  const auto first = answer.find("200 OK"), second = answer.find("404 Not Found"),
             third = answer.find("ok\n");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos) << answer;
  EXPECT_EQ(share(1), 50'000u);
  EXPECT_EQ(control->views().history("", 1).at(0).actor,
            "uid " + std::to_string(::getuid()) + " pid " + std::to_string(::getpid()));
}

TEST_F(ServerTest, BrokenAndTooLargeRequestsAreProblemsAndACleanEnd) {
  ASSERT_EQ(server->open(admin), "");
  const std::pair<std::string, const char*> cases[] = {
      {"This is no HTTP at all\r\n\r\n", "400"},
      {"GET /v1/status HTTP/1.1\r\nBad Header\r\n\r\n", "400"},
      {"GET http://x/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"},
      {"GET /v1/history?limit=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", "431"},
      {"POST /v1/cutover HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", "413"},
  };
  for (const auto& [request, status] : cases) {
    const auto answer = ask(connect_unix(), request);
    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + status)) << request.substr(0, 60);
    EXPECT_THAT(answer, HasSubstr("application/problem+json")) << request.substr(0, 60);
  }
  for (const char* cut : {"", "GET /v1", "POST /v1/cutover HTTP/1.1\r\nContent-Length: 10\r\n\r\n{"}) {
    const int fd = connect_unix();
    send(fd, cut);
    ::shutdown(fd, SHUT_WR);
    EXPECT_EQ(ask(fd, ""), "") << "who is gone gets nothing";
  }
}

TEST_F(ServerTest, OverTcpTheTokenAndTheHostCount) {
  open_http();
  const std::string local = "Host: 127.0.0.1:9900\r\n";
  for (const char* path : {"/", "/livez", "/readyz", "/metrics"})
    EXPECT_THAT(ask(connect_http(), get(path, local)), StartsWith("HTTP/1.1 200")) << path;
  EXPECT_THAT(ask(connect_http(), get("/v1/status", local)), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(ask(connect_http(), get("/v1/nothing", local)), StartsWith("HTTP/1.1 401"))
      << "not even what there is";
  EXPECT_THAT(ask(connect_http(), get("/v1/status", local + "Authorization: Bearer wrong\r\n")),
              HasSubstr("WWW-Authenticate"));
  EXPECT_THAT(ask(connect_http(), get("/v1/status", local + "Authorization: Bearer secret\r\n")),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(ask(connect_http(), get("/metrics", "Host: proxy-3.example\r\n")), StartsWith("HTTP/1.1 200"))
      << "as Prometheus asks";
  EXPECT_THAT(
      ask(connect_http(), get("/v1/status", "Host: evil.example\r\nAuthorization: Bearer secret\r\n")),
      StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(
      ask(connect_http(),
          get("/v1/status", local + "Origin: http://evil.example\r\nAuthorization: Bearer secret\r\n")),
      StartsWith("HTTP/1.1 403"));
}

TEST_F(ServerTest, TheOldScriptsCallsDrainAndReadyWithoutAToken) {
  open_compat(true);
  boost::asio::ip::tcp::acceptor open(loop.io, {boost::asio::ip::address_v4::loopback(), 0});
  const std::string name = "listens";  // add_backend tries whether it does
  protocol::Add add;
  add.target = target("green", name);
  add.address = "127.0.0.1:" + std::to_string(open.local_endpoint().port());
  ASSERT_TRUE(loop.run(control->change(by(), add)));
  const auto removed = post_form("/remove_backend", "backend=" + name);
  EXPECT_THAT(removed, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(removed, HasSubstr("\"drained\""));
  EXPECT_THAT(control->views().history("", 1).at(0).actor, StartsWith("admin.compat 127."));
  EXPECT_NE(in_force().services.at(0).pools.at(1).backends.at(2).admin, observe::Admin::ready);
  EXPECT_THAT(post_form("/add_backend", "other=1&backend=green/" + name), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(in_force().services.at(0).pools.at(1).backends.at(2).admin, observe::Admin::ready);
}

TEST_F(ServerTest, TheOldScriptsCallsRefusePagesWrongTokensAndEverythingElse) {
  open_compat(true);
  const auto body = "backend=" + in_force().services.at(0).pools.at(0).backends.at(0).name;
  const auto status_of = [&](const std::string& path, const std::string& fields) {
    return post_form(path, body, fields).substr(9, 3);
  };
  EXPECT_EQ(status_of("/remove_backend", "Origin: null\r\n"), "403");
  EXPECT_EQ(status_of("/remove_backend", "Authorization: Bearer wrong\r\n"), "401");
  EXPECT_EQ(status_of("/v1/cutover", ""), "404");
  EXPECT_EQ(status_of("/admin/anything/", ""), "401");
  EXPECT_THAT(ask(connect_tcp(server->compat_port()), get("/remove_backend")), HasSubstr("Allow: POST"));
  EXPECT_EQ(control->generation(), 1u);
}

TEST_F(ServerTest, ATokenFileThatIsNotThereOrEmptyIsAnError) {
  admin.http.emplace();
  admin.http->bind = *parse_address("127.0.0.1:0", 0);
  admin.http->token_file = folder.path + "/none";
  EXPECT_THAT(server->open(admin), HasSubstr("none"));
  std::ofstream(folder.path + "/none") << "\n";
  EXPECT_THAT(server->open(admin), HasSubstr("empty"));
}

TEST_F(ServerTest, EventsStreamResumeAndEnd) {
  ASSERT_EQ(server->open(admin), "");
  const int fd = connect_unix();
  std::string streamed;
  with_loop([&] {
    send(fd, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    streamed = receive(fd, "\r\n\r\n");
  });
  EXPECT_THAT(streamed, HasSubstr("text/event-stream"));
  ASSERT_TRUE(cutover("green"));
  with_loop([&] { streamed += receive(fd, "event: change"); });
  EXPECT_THAT(streamed, HasSubstr("\"type\":\"change\""));
  const auto last = control->events().last_id();
  ASSERT_TRUE(cutover("blue"));
  const auto resumed = ask(connect_unix(), get("/v1/events?follow=false",
                                               "Host: x\r\nLast-Event-ID: " + std::to_string(last) + "\r\n"));
  EXPECT_THAT(resumed, HasSubstr("id: " + std::to_string(last + 1) + "\n"));
  EXPECT_THAT(resumed, testing::Not(HasSubstr("id: " + std::to_string(last) + "\n")));
  EXPECT_THAT(ask(connect_unix(), get("/v1/events?follow=false", "Host: x\r\nLast-Event-ID: 99999\r\n")),
              HasSubstr("resync"));
  EXPECT_THAT(ask(connect_unix(), get("/v1/events", "Host: x\r\nLast-Event-ID: x\r\n")),
              StartsWith("HTTP/1.1 400"));
  control->events().close();
  with_loop([&] { streamed += receive(fd); });
  ::close(fd);
}

TEST_F(ServerTest, SamplesComeEachSecondToWhoAsksForThem) {
  ASSERT_EQ(server->open(admin), "");
  const int fd = connect_unix();
  std::string streamed;
  with_loop([&] {
    send(fd, "GET /v1/events?samples=true HTTP/1.1\r\nHost: x\r\n\r\n");
    streamed = receive(fd, "event: sample");
    streamed += receive(fd, "event: sample");
  });
  EXPECT_THAT(streamed, HasSubstr("retry: 1000\n"));
  EXPECT_THAT(streamed, HasSubstr(R"("services":{"api":{"blue":[1,null,0,)"));
  EXPECT_THAT(ask(connect_unix(), get("/v1/events?follow=false&samples=true&service=web", "Host: x\r\n")),
              StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask(connect_unix(), get("/v1/events?follow=false", "Host: x\r\n")),
              testing::Not(HasSubstr("event: sample")));
  control->events().close();
  with_loop([&] { streamed += receive(fd); });
  ::close(fd);
}

TEST_F(ServerTest, ThePageIsThreeFilesThatMayAskTheirOwnDaemonOnly) {
  open_http();
  std::size_t bytes = 0;
  for (const auto& [path, type] :
       {std::pair{"/", "text/html"}, {"/page.css", "text/css"}, {"/page.js", "text/javascript"}}) {
    const auto answer = ask(connect_http(), get(path, "Host: load-balancer\r\n"));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(answer, HasSubstr(std::string("Content-Type: ") + type + "; charset=utf-8\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'; "));
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store\r\n"));
    EXPECT_THAT(answer, HasSubstr("Referrer-Policy: no-referrer\r\n"));
    bytes += answer.size() - answer.find("\r\n\r\n");
  }
  EXPECT_LT(bytes, 41'000u);
  EXPECT_THAT(ask(connect_http(), get("/v1/whoami", "Host: localhost\r\n")), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(ask(connect_http(), get("/v1/whoami", "Host: localhost\r\nAuthorization: Bearer secret\r\n")),
              HasSubstr(R"({"name":"token token","role":"admin"})"));
}

TEST_F(ServerTest, ConnectionsAreBoundedAndOldOnesGoOn) {
  ASSERT_EQ(server->open(admin), "");
  std::vector<int> held;
  with_loop([&] {
    for (std::size_t i = 0; i < kMostConnections; ++i) {
      held.push_back(connect_unix());
      send(held.back(), "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_THAT(receive(held.back(), "ok\n"), HasSubstr("200"));
    }
  });
  EXPECT_EQ(ask(connect_unix(), get("/livez")), "") << "one too many";
  with_loop([&] {
    send(held.front(), "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(receive(held.front(), "ok\n"), HasSubstr("200"));
    ::close(held.back());
    held.pop_back();
  });
  EXPECT_TRUE(loop.run_until([&] {
    const int fd = connect_unix();
    send(fd, get("/livez"));
    const auto answer = ask(fd, "");
    return answer.find("200") != std::string::npos;
  }));
  for (const int fd : held) ::close(fd);
}

TEST_F(ServerTest, CloseEndsConnectionsAndRemovesTheSocket) {
  ASSERT_EQ(server->open(admin), "");
  const int fd = connect_unix();
  with_loop([&] {
    send(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, "ok\n");
  });
  server->close();
  with_loop([&] { EXPECT_EQ(receive(fd), ""); });
  ::close(fd);
  EXPECT_NE(::access(admin.socket.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace sluice::admin
