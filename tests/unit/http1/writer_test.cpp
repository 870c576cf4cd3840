// X1, X6: heads as they leave, byte for byte.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/http1/parser.hpp"
#include "proxy/http1/request_writer.hpp"
#include "proxy/http1/response_writer.hpp"

namespace sluice::http1 {
namespace {

using namespace http;

constexpr std::array<std::uint64_t, 3> kRandom = {0x0123456789abcdef, 0xfedcba9876543211, 0x1111111111111111};
constexpr const char* kMadeId = "0123456789abcdeffedcba9876543211";
constexpr const char* kMadeParent = "00-0123456789abcdeffedcba9876543211-1111111111111111-01";
constexpr const char* kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

std::string forward(const std::string& bytes, ForwardContext context = {}) {
  RequestParser parser;
  RequestHead head;
  EXPECT_EQ(parser.parse(bytes, head), Status::done) << bytes;
  context.client_ip = "192.0.2.7";
  context.proto = "http";
  context.random = kRandom;
  Buffer out;
  write_request(head, context, out);
  return std::string(out.view());
}

// What the proxy adds to every request for host `a` without ids of its own.
const std::string kAdded =
    std::string("X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n") +
    "X-Request-ID: " + kMadeId + "\r\ntraceparent: " + kMadeParent + "\r\nVia: 1.1 sluice\r\n";

std::string get_with(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
// The head that get_with(...) becomes when of its fields only `kept` go on and `own` comes last.
std::string got(const std::string& kept, const std::string& own = "") {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + kept + kAdded + own + "\r\n";
}
std::string request_line(const std::string& bytes, const std::string& prefix = "") {
  const std::string head = forward(bytes, ForwardContext{.strip_prefix = prefix});
  return head.substr(0, head.find("\r\n"));
}

TEST(ForwardedRequests, CarryWhatTheContractNames) {
  EXPECT_EQ(forward(get_with("Accept: */*\r\nCookie:a=b\r\nX-Empty:\r\n")),
            got("Accept: */*\r\nCookie: a=b\r\nX-Empty: \r\n"));
}

TEST(ForwardedRequests, S8_LeaveOneCookieBehind) {
  const ForwardContext context{.drop_cookie = "mine"};
  EXPECT_EQ(forward(get_with("Cookie: a=b; mine=x; c=d;mine=y\r\n"), context), got("Cookie: a=b; c=d\r\n"));
  EXPECT_EQ(forward(get_with("Cookie: mine=x\r\nCookie: notmine=x; mine\r\n"), context),
            got("Cookie: notmine=x\r\n"));
}

TEST(ForwardedRequests, SpeakOurVersion) {
  EXPECT_EQ(request_line("GET /x HTTP/1.0\r\nHost: a\r\n\r\n"), "GET /x HTTP/1.1");
}

TEST(ForwardedRequests, KeepTheOrderAndBytesOfFields) {
  const std::string fields = "Accept: a\r\naccept: b\r\nX-T: \xe9\t\x85\r\nAccept: c\r\n";
  EXPECT_EQ(forward(get_with(fields)), got(fields));
}

TEST(ForwardedRequests, X6_LeaveHopByHopFieldsBehind) {
  EXPECT_EQ(forward(get_with("Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: "
                             "gzip\r\nUpgrade: h2c\r\n"
                             "HTTP2-Settings: AA\r\nTrailer: X\r\n")),
            got(""));
}

TEST(ForwardedRequests, X6_LeaveFieldsNamedByConnectionBehind) {
  EXPECT_EQ(forward(get_with(
                "connection: x-fOO\r\nX-Foo: 1\r\nX-Food: 2\r\nConnection: close, X-Bar,,\r\nx-bar: 3\r\n")),
            got("X-Food: 2\r\n"));
}

// A client must not talk the proxy out of what the proxy itself says.
TEST(ForwardedRequests, X6_ConnectionCannotRemoveWhatFramesOrRoutes) {
  const std::string out = forward(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: Host, Content-Length, X-Forwarded-For, X-Request-ID, Via, "
      "traceparent\r\n"
      "Content-Length: 1\r\n\r\n");
  EXPECT_EQ(out, "POST / HTTP/1.1\r\nHost: a\r\n" + kAdded + "Content-Length: 1\r\n\r\n");
}

TEST(ForwardedRequests, DropWhatOnlyTheProxyMaySay) {
  EXPECT_EQ(
      forward(get_with(
          "X-Forwarded-For: 1.2.3.4\r\nx-forwarded-proto: https\r\nX-Forwarded-Host: "
          "evil\r\nX-Forwarded-Port: 1\r\n"
          "Forwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Feature-Flags: a=on\r\nX-Sluice-Preview: t\r\n"
          "X-Sluice-Pool: blue\r\nProxy: http://evil\r\n")),
      got(""));
}

TEST(ForwardedRequests, PassOnATrustedProxysWord) {
  const ForwardContext trusted{.trusted = true};
  const std::string more =
      "X-Forwarded-User: ann\r\nX-Forwarded-Groups: a, b\r\nX-Forwarded-Prefix: /app\r\n"
      "x-forwarded-client-cert: Hash=1\r\n";
  EXPECT_EQ(forward(get_with(more), trusted), got(more));
  EXPECT_EQ(forward(get_with(more)), got(""));
  EXPECT_EQ(forward(get_with("Connection: X-Forwarded-User, Forwarded\r\n" + more), trusted), got(more))
      << "no client may have them taken out";
  EXPECT_EQ(forward(get_with("X_Forwarded_User: eve\r\nX-Forwarded_User: eve\r\nX-Real-IP: 1.2.3.4\r\n"
                             "Client-Cert: x\r\nX-Client-Cert-Subject: y\r\nX-Feature-Flags: a=on\r\n"),
                    trusted),
            got(""));
  const std::string chain = "Forwarded: for=1.2.3.4;proto=https\r\n";
  EXPECT_EQ(forward(get_with(chain), trusted), got(chain + "Forwarded: for=192.0.2.7\r\n"));
  const std::string out = forward(
      get_with("X-Forwarded-For: ,6.6.6.6 ,, 7.7.7.7,\r\nX-Forwarded-For: \r\nX-Forwarded-Proto: WSS, ws\r\n"
               "X-Forwarded-Host: h.example, b\r\nX-Forwarded-Port: 8443\r\n"),
      trusted);
  EXPECT_NE(out.find("X-Forwarded-For: 6.6.6.6, 7.7.7.7, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
                     "X-Forwarded-Host: h.example\r\nX-Forwarded-Port: 8443\r\n"),
            std::string::npos)
      << out;
}

// CGI-style backends read X_Forwarded_For as X-Forwarded-For.
TEST(ForwardedRequests, DropAliasesWithUnderscores) {
  EXPECT_EQ(
      forward(get_with(
          "X_Forwarded_For: 1.2.3.4\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\nX_Other: 1\r\n")),
      got("X_Other: 1\r\n"));
}

TEST(ForwardedRequests, FrameTheirBodyAnew) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(forward(head + "Content-Length: 0005\r\n\r\n"), head + kAdded + "Content-Length: 5\r\n\r\n");
  EXPECT_EQ(forward(head + "Content-Length: 0\r\n\r\n"), head + kAdded + "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(forward(head + "transfer-encoding: CHUNKED\r\nTrailer: X-Sum\r\n\r\n"),
            head + "Trailer: X-Sum\r\n" + kAdded + "Transfer-Encoding: chunked\r\n\r\n");
}

TEST(ForwardedRequests, ReduceTheAbsoluteForm) {
  EXPECT_EQ(request_line("GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /x?y HTTP/1.1");
  EXPECT_EQ(request_line("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"), "GET / HTTP/1.1");
  EXPECT_EQ(request_line("GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n"), "GET /?y HTTP/1.1");
  EXPECT_EQ(request_line("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"), "OPTIONS * HTTP/1.1");
  EXPECT_EQ(request_line("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "/p"), "OPTIONS * HTTP/1.1");
  const std::string head = forward("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(head.find("\r\nHost: b\r\n"), std::string::npos);
  EXPECT_NE(head.find("\r\nX-Forwarded-Host: b\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Host: a"), std::string::npos);
}

TEST(ForwardedRequests, KeepTheTargetAsItCame) {
  for (const char* target : {"/?", "//evil/x", "/a/../%2e%2e/b;c?d?e=%zz", "/a%20b"})
    EXPECT_EQ(request_line(std::string("GET ") + target + " HTTP/1.1\r\nHost: a\r\n\r\n"),
              std::string("GET ") + target + " HTTP/1.1");
}

TEST(ForwardedRequests, LoseThePrefixOfTheRoute) {
  const auto stripped = [](const std::string& target, const std::string& prefix) {
    return request_line("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n", prefix);
  };
  EXPECT_EQ(stripped("/static/x?y", "/static/"), "GET /x?y HTTP/1.1");
  EXPECT_EQ(stripped("/static/x", "/static"), "GET /x HTTP/1.1");
  EXPECT_EQ(stripped("/static", "/static"), "GET / HTTP/1.1");
  EXPECT_EQ(stripped("/static?y", "/static"), "GET /?y HTTP/1.1");
  EXPECT_EQ(stripped("/other", "/static"), "GET /other HTTP/1.1");
  EXPECT_EQ(stripped("http://b/static/x", "/static"), "GET /x HTTP/1.1");
}

TEST(ForwardedRequests, KeepASaneRequestId) {
  EXPECT_NE(forward(get_with("x-request-id: client-42\r\n")).find("\r\nX-Request-ID: client-42\r\n"),
            std::string::npos);
  for (const char* id : {"", "two words", "caf\xe9"})
    EXPECT_EQ(forward(get_with("X-Request-ID: " + std::string(id) + "\r\n")), got("")) << id;
  EXPECT_EQ(forward(get_with("X-Request-ID: " + std::string(129, 'x') + "\r\n")), got(""));
  EXPECT_EQ(forward(get_with("X-Request-ID: a\r\nX-Request-ID: b\r\n")), got("")) << "two ids say nothing";
  const std::string given = forward(get_with("X-Request-ID: a\r\n"), ForwardContext{.request_id = "chosen"});
  EXPECT_NE(given.find("\r\nX-Request-ID: chosen\r\n"), std::string::npos);
}

TEST(ForwardedRequests, KeepAValidTrace) {
  const std::string trace = std::string("traceparent: ") + kParent + "\r\ntracestate: a=b\r\n";
  const std::string out = forward(get_with(trace));
  EXPECT_NE(out.find(trace), std::string::npos);
  EXPECT_EQ(out.find(kMadeParent), std::string::npos);
  EXPECT_EQ(forward(get_with("traceparent: 00-0-0-00\r\ntracestate: a=b\r\n")), got(""))
      << "no state without its parent";
  EXPECT_EQ(forward(get_with(trace + trace)), got(""));
}

TEST(ForwardedRequests, AddViaAfterOthers) {
  EXPECT_EQ(forward(get_with("Via: 1.0 edge\r\n")), got("Via: 1.0 edge\r\n"));
}

TEST(ForwardedRequests, PassOnATrailersWish) {
  EXPECT_EQ(forward(get_with("TE: trailers, gzip\r\nConnection: TE\r\n")),
            got("", "Connection: TE\r\nTE: trailers\r\n"));
}

TEST(ForwardedRequests, PassOnAWebSocketUpgrade) {
  EXPECT_EQ(forward(get_with(
                "Connection: keep-alive, Upgrade\r\nUpgrade: h2c, WebSocket\r\nSec-WebSocket-Key: k\r\n")),
            got("Sec-WebSocket-Key: k\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_EQ(forward(get_with("Connection: Upgrade, TE\r\nUpgrade: websocket\r\nTE: trailers\r\n")),
            got("", "Connection: Upgrade, TE\r\nUpgrade: websocket\r\nTE: trailers\r\n"));
}

TEST(ForwardedRequests, PassOnAnExpectationUnlessItIsMetHere) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string bytes = head + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
  EXPECT_EQ(forward(bytes), head + kAdded + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(forward(bytes, ForwardContext{.forward_expect = false}),
            head + kAdded + "Content-Length: 1\r\n\r\n");
  EXPECT_EQ(forward(get_with("Expect: 100-continue\r\n")), got("")) << "nothing to wait for";
}

TEST(ForwardedRequests, CountMaxForwardsDown) {
  const auto count = [](const std::string& method, const std::string& hops) {
    const std::string out = forward(method + " / HTTP/1.1\r\nHost: a\r\nMax-Forwards: " + hops + "\r\n\r\n");
    const auto begin = out.find("Max-Forwards: ") + 14;
    return out.substr(begin, out.find("\r\n", begin) - begin);
  };
  EXPECT_EQ(count("OPTIONS", "10"), "9");
  EXPECT_EQ(count("TRACE", "1"), "0");
  EXPECT_EQ(count("GET", "10"), "10");
  EXPECT_EQ(count("OPTIONS", "x"), "x");
}

TEST(ForwardedRequests, HaveNoCredentialsInATrace) {  // RFC 9110 9.3.8
  const std::string fields = "Authorization: Basic YTpi\r\nX-A: 1\r\ncookie: a=b; c=d\r\n";
  const std::string out =
      forward("TRACE / HTTP/1.1\r\nHost: a\r\n" + fields + "Connection: X-B\r\nX-B: 2\r\n\r\n");
  EXPECT_EQ(out, "TRACE / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n" + std::string(kAdded) + "\r\n");
  EXPECT_EQ(forward(get_with(fields)), got(fields));
}

TEST(ForwardedRequests, EndACookieThatConnectionNames) {
  const ForwardContext drops{.drop_cookie = "a"};
  EXPECT_EQ(forward(get_with("Cookie: a=b; c=d\r\nConnection: cookie\r\n"), drops), got(""));
  EXPECT_EQ(forward(get_with("Cookie: a=b; c=d\r\n"), drops), got("Cookie: c=d\r\n"));
}

TEST(ForwardedRequests, HaveAHostEvenWithoutOne) {
  const std::string out = forward("GET / HTTP/1.0\r\n\r\n", ForwardContext{.default_host = "10.0.0.1:80"});
  EXPECT_EQ(out.substr(0, 39), "GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\nX-Fo");
  EXPECT_EQ(out.find("X-Forwarded-Host"), std::string::npos);
}

TEST(ForwardedRequests, CarryTheFlagsOfTheService) {
  const std::string out =
      forward(get_with("X-Feature-Flags: b=on\r\n"), ForwardContext{.feature_flags = "a=on,b=off"});
  EXPECT_NE(out.find("\r\nX-Feature-Flags: a=on,b=off\r\n"), std::string::npos);
  EXPECT_EQ(out.find("b=on"), std::string::npos);
}

struct Answer {
  std::string bytes;
  bool head_request = false;
  Version client = Version::http11;
  bool keep_alive = true;
  std::vector<Field> extra = {};
};

std::string respond(const Answer& a) {
  ResponseParser parser;
  ResponseHead head;
  EXPECT_EQ(parser.parse(a.bytes, head, a.head_request), Status::done) << a.bytes;
  const Framing framing = response_framing(head, a.client, a.head_request);
  Buffer out;
  write_response(head, {a.client, a.keep_alive, a.head_request, framing, a.extra, "now"}, out);
  return std::string(out.view());
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kOurs = "Via: 1.1 sluice\r\nDate: now\r\n";

TEST(ForwardedResponses, AreWrittenAnew) {
  EXPECT_EQ(respond({"HTTP/1.0 200 OK\r\nServer:x\r\nContent-Length: 002\r\n\r\n"}),
            kOk + "Server: x\r\n" + kOurs + "Content-Length: 2\r\n\r\n");
  EXPECT_EQ(respond({"HTTP/1.1 200\r\nDate: then\r\nVia: 1.1 edge\r\nContent-Length: 0\r\n\r\n"}),
            "HTTP/1.1 200 \r\nDate: then\r\nVia: 1.1 edge\r\nVia: 1.1 sluice\r\nContent-Length: 0\r\n\r\n");
}

TEST(ForwardedResponses, NeverMergeCookies) {
  const std::string cookies = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
  EXPECT_EQ(respond({kOk + cookies + "Content-Length: 0\r\n\r\n"}),
            kOk + cookies + kOurs + "Content-Length: 0\r\n\r\n");
}

TEST(ForwardedResponses, X6_LeaveHopByHopFieldsBehind) {
  EXPECT_EQ(respond({kOk + "Connection: X-Foo, close\r\nX-Foo: 1\r\nKeep-Alive: "
                           "timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\n"
                           "X-Sluice-Error: connect\r\nTrailer: X\r\nContent-Length: 0\r\n\r\n"}),
            kOk + kOurs + "Content-Length: 0\r\n\r\n");
}

TEST(ForwardedResponses, CarryFieldsOfTheProxysOwn) {
  EXPECT_EQ(respond({kOk + "Content-Length: 0\r\n\r\n",
                     false,
                     Version::http11,
                     true,
                     {{"Set-Cookie", "s=1"}, {"X-Sluice-Pool", "blue"}}}),
            kOk + kOurs + "Set-Cookie: s=1\r\nX-Sluice-Pool: blue\r\nContent-Length: 0\r\n\r\n");
}

TEST(ForwardedResponses, FrameTheBodyForTheClient) {
  const std::string chunked = kOk + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n";
  const std::string until_close = kOk + "\r\n";
  EXPECT_EQ(respond({chunked}), kOk + "Trailer: X\r\n" + kOurs + "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(respond({until_close}), kOk + kOurs + "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(respond({chunked, false, Version::http10}), kOk + kOurs + "Connection: close\r\n\r\n");
  EXPECT_EQ(respond({until_close, false, Version::http10}), kOk + kOurs + "Connection: close\r\n\r\n");
}

TEST(ForwardedResponses, SayWhetherTheConnectionLives) {
  const std::string bytes = kOk + "Content-Length: 0\r\n\r\n";
  const auto expected = [](const std::string& connection) {
    return kOk + kOurs + connection + "Content-Length: 0\r\n\r\n";
  };
  EXPECT_EQ(respond({bytes}), expected(""));
  EXPECT_EQ(respond({bytes, false, Version::http11, false}), expected("Connection: close\r\n"));
  EXPECT_EQ(respond({bytes, false, Version::http10, true}), expected("Connection: keep-alive\r\n"));
  EXPECT_EQ(respond({bytes, false, Version::http10, false}), expected("Connection: close\r\n"));
}

TEST(ForwardedResponses, X6_WithoutABody) {
  EXPECT_EQ(respond({kOk + "Content-Length: 7\r\n\r\n", true}), kOk + kOurs + "Content-Length: 7\r\n\r\n");
  EXPECT_EQ(respond({kOk + "Transfer-Encoding: chunked\r\n\r\n", true}), kOk + kOurs + "\r\n");
  EXPECT_EQ(respond({kOk + "\r\n", true}), kOk + kOurs + "\r\n");
  EXPECT_EQ(respond({"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"}),
            "HTTP/1.1 304 Not Modified\r\n" + kOurs + "Content-Length: 7\r\n\r\n");
  EXPECT_EQ(respond({"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"}),
            "HTTP/1.1 204 No Content\r\n" + kOurs + "\r\n");
  EXPECT_EQ(respond({"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", true}),
            "HTTP/1.1 204 No Content\r\n" + kOurs + "\r\n");
}

std::string interim(const std::string& bytes) {
  ResponseParser parser;
  ResponseHead head;
  EXPECT_EQ(parser.parse(bytes, head, false), Status::done) << bytes;
  Buffer out;
  write_interim(head, out);
  return std::string(out.view());
}

TEST(InterimResponses, PassOn) {
  EXPECT_EQ(interim("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n"),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  EXPECT_EQ(interim("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: "
                    "upgrade\r\nSec-WebSocket-Accept: k\r\n\r\n"),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: k\r\nVia: 1.1 sluice\r\nConnection: "
            "Upgrade\r\n"
            "Upgrade: websocket\r\n\r\n");
}

}  // namespace
}  // namespace sluice::http1
