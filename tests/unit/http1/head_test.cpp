// What a parsed head says, and with which status and word a bad one is refused.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "proxy/http1/llhttp_check.hpp"
#include "proxy/http1/parser.hpp"

namespace sluice::http1 {
namespace {

using namespace http;

// Heads point into the bytes they were parsed from.
const std::string& keep(std::string bytes) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(bytes));
}

RequestHead parse(const std::string& bytes) {
  RequestParser parser;
  RequestHead head;
  EXPECT_EQ(parser.parse(keep(bytes), head), Status::done) << bytes;
  return head;
}

RequestHead get(const std::string& fields) {
  return parse("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
}

std::string refusal(const std::string& bytes) {
  RequestParser parser;
  RequestHead head;
  if (parser.parse(bytes, head) != Status::refused) return "taken";
  return std::to_string(parser.refusal().status) + " " + parser.refusal().reason;
}

ResponseHead answer(const std::string& bytes, bool head_request = false) {
  ResponseParser parser;
  ResponseHead head;
  EXPECT_EQ(parser.parse(keep(bytes), head, head_request), Status::done) << bytes;
  return head;
}

TEST(RequestHeads, KeepTheirParts) {
  const std::string bytes =
      "\r\nGET /a/b?c=d&e HTTP/1.1\r\nHost: shop:8080\r\nX-Empty:\r\nCookie: \t a=b \t\r\n\r\nrest";
  const RequestHead head = parse(bytes);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a/b?c=d&e");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "c=d&e");
  EXPECT_EQ(parse("GET /a?b?c HTTP/1.1\r\nHost: a\r\n\r\n").query, "b?c");
  EXPECT_EQ(parse("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").query.data(), nullptr);
  EXPECT_NE(parse("GET /? HTTP/1.1\r\nHost: a\r\n\r\n").query.data(), nullptr);
  EXPECT_EQ(head.host, "shop:8080");
  EXPECT_EQ(head.size, bytes.size() - 4);
  ASSERT_EQ(head.fields.size(), 3u);
  EXPECT_EQ(head.fields.find("x-empty")->value, "");
  EXPECT_EQ(head.fields.find("COOKIE")->value, "a=b");
  EXPECT_EQ(head.fields.find(Header::host)->value, "shop:8080");
  EXPECT_EQ(head.fields.find("missing"), nullptr);
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.is_idempotent);
}

// A value next to a tab: llhttp saw a copy, the views must not point into it.
TEST(RequestHeads, ViewsPointIntoTheBytesReceived) {
  const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\nX: b\tc\r\nContent-Length:\t0\r\n\r\n";
  RequestParser parser;
  RequestHead head;
  ASSERT_EQ(parser.parse(bytes, head), Status::done);
  const std::string_view value = head.fields.find("X")->value;
  EXPECT_EQ(value, "b\tc");
  EXPECT_GE(value.data(), bytes.data());
  EXPECT_LE(value.data() + value.size(), bytes.data() + bytes.size());
  EXPECT_EQ(head.framing, Framing::length);
}

// Only what a writer would print just so is a line.
TEST(RequestHeads, KnowWhichFieldsAreLinesAsTheyArePrinted) {
  for (const char* line : {"X: b", "X: b c", "x: \x80", "X-Y: b\x7e"})
    EXPECT_TRUE(get(line + std::string("\r\n")).fields.begin()[1].is_line) << line;
  for (const char* line :
       {"X:b", "X:", "X: ", "X:  b", "X:\tb", "X: b ", "X: \tb", "X: b\t", "X:  ", "X: b\tc "})
    EXPECT_FALSE(get(line + std::string("\r\n")).fields.begin()[1].is_line) << line;
}

// The lengths that llhttp is not asked about are those of which it has no other opinion.
TEST(RequestHeads, PlainLengthsAreLlhttpsToo) {
  std::vector<std::string> lengths = {"0", "00", "000000000000000000000000000000000000017"};
  for (std::uint64_t n = 1; n < 1'000'000'000; n = n * 7 / 3 + 1)
    for (const std::uint64_t near : {n, n - 1, n * 10, 999'999'999 - n % 1000})
      lengths.push_back(std::to_string(near));
  for (const std::string& digits : lengths) {
    Fields fields;
    fields.push("Content-Length", digits);
    for (const HeadKind kind : {HeadKind::request, HeadKind::response})
      EXPECT_TRUE(llhttp_agrees(kind, fields, false, std::stoull(digits))) << digits;
    EXPECT_FALSE(llhttp_agrees(HeadKind::request, fields, false, std::stoull(digits) + 1)) << digits;
  }
}

TEST(RequestHeads, TheAbsoluteFormWinsOverHost) {
  const RequestHead head = parse("GET HTTPS://other:8443/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(head.host, "other:8443");
  EXPECT_EQ(head.path, "/x");
  EXPECT_EQ(head.query, "y");
  EXPECT_EQ(parse("GET http://other HTTP/1.1\r\nHost: a\r\n\r\n").path, "/");
  EXPECT_EQ(parse("GET http://other?y HTTP/1.1\r\nHost: a\r\n\r\n").query, "y");
}

TEST(RequestHeads, TheAsteriskIsForOptions) {
  EXPECT_TRUE(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").asterisk);
  EXPECT_TRUE(parse("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").asterisk);  // RFC 9112 3.2.4
  EXPECT_FALSE(parse("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n").asterisk);
}

TEST(RequestHeads, MethodsAreNotLimitedToThoseOfTheLibrary) {
  EXPECT_EQ(parse("QUERY / HTTP/1.1\r\nHost: a\r\n\r\n").method, "QUERY");
  EXPECT_EQ(parse("get / HTTP/1.1\r\nHost: a\r\n\r\n").method, "get");
  EXPECT_FALSE(parse("get / HTTP/1.1\r\nHost: a\r\n\r\n").is_idempotent);
  EXPECT_TRUE(parse("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").is_head);
}

TEST(RequestHeads, R1_SafeToRepeat) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
    EXPECT_TRUE(parse(method + std::string(" / HTTP/1.1\r\nHost: a\r\n\r\n")).is_idempotent) << method;
  for (const char* method : {"POST", "PATCH", "FOO"})
    EXPECT_FALSE(parse(method + std::string(" / HTTP/1.1\r\nHost: a\r\n\r\n")).is_idempotent) << method;
}

TEST(RequestHeads, Persistence) {
  EXPECT_FALSE(get("Connection: close\r\n").keep_alive);
  EXPECT_FALSE(get("Connection: close\t\r\n").keep_alive);
  EXPECT_FALSE(get("Connection: keep-alive\r\nConnection: x, CLOSE\r\n").keep_alive);
  EXPECT_TRUE(get("Connection: closed\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\n\r\n").host, "");
}

TEST(RequestHeads, OnlyAProperWebSocketUpgradeIsOne) {
  EXPECT_EQ(get("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n").upgrade, "websocket");
  EXPECT_EQ(get("Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n").upgrade, "websocket");
  EXPECT_EQ(get("Upgrade: websocket\r\n").upgrade, "");
  EXPECT_EQ(get("Connection: xupgrade\r\nUpgrade: websocket\r\n").upgrade, "");
  EXPECT_EQ(get("Connection: Upgrade\r\nUpgrade: h2c\r\n").upgrade, "");
  EXPECT_EQ(get("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n").upgrade, "");
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").upgrade, "");
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").upgrade,
            "");
}

TEST(RequestHeads, ExpectCountsOnlyWithABodyAndIn11) {
  EXPECT_TRUE(get("Expect: 100-Continue\r\nContent-Length: 1\r\n").expect_continue);
  EXPECT_TRUE(get("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n").expect_continue);
  EXPECT_FALSE(get("Expect: 100-continue\r\n").expect_continue);
  EXPECT_FALSE(get("Expect: 100-continue\r\nContent-Length: 0\r\n").expect_continue);
  EXPECT_FALSE(parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").expect_continue);
}

TEST(RequestHeads, HopByHopWishes) {
  EXPECT_TRUE(get("TE: gzip, trailers\r\nConnection: TE\r\n").te_trailers);
  EXPECT_FALSE(get("TE: gzip, trailers\r\n").te_trailers);
  EXPECT_TRUE(get("Connection: X-Foo\r\n").names_fields);
  EXPECT_FALSE(get("Connection: close, keep-alive, TE, upgrade\r\n").names_fields);
  EXPECT_FALSE(get("Max-Forwards: 0\r\n").max_forwards_zero);
  EXPECT_TRUE(parse("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n").max_forwards_zero);
  EXPECT_FALSE(parse("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n\r\n").max_forwards_zero);
  EXPECT_FALSE(parse("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards:\r\n\r\n").max_forwards_zero);
}

TEST(RequestHeads, LengthsAreDecimalUpTo63Bits) {
  EXPECT_EQ(get("Content-Length: 0000000005\r\n").content_length, 5u);
  EXPECT_EQ(get("Content-Length: 9223372036854775807\r\n").content_length, 9223372036854775807u);
  EXPECT_EQ(get("Content-Length: 4294967301\r\n").content_length, 4294967301u);
}

TEST(Refusals, NameTheRightStatus) {
  const std::string host = "Host: a\r\n\r\n";
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nX Y: 1\r\n\r\n"), "400 malformed");
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), "400 malformed");
  EXPECT_EQ(refusal("CONNECT a:1 HTTP/1.1\r\n" + host), "501 method");
  EXPECT_EQ(refusal(std::string(33, 'M') + " / HTTP/1.1\r\n" + host), "501 method");
  EXPECT_EQ(refusal("GET / HTTP/2.0\r\n" + host), "505 version");
  EXPECT_EQ(refusal("GET / HTTP/1.2\r\n" + host), "505 version");
  EXPECT_EQ(refusal("GET / HTCPCP/1.0\r\n" + host), "400 malformed");
  EXPECT_EQ(refusal("GET /a b HTTP/2.0\r\n" + host), "400 malformed");  // four words, whatever they are
  EXPECT_EQ(refusal("CONNECT a:1 b HTTP/1.1\r\n" + host), "400 malformed");
  for (const char* target : {"/a b", "/a?b c", "/?#", "/#?", "/a\x80", "/?\xff", "a"})
    EXPECT_EQ(refusal("GET " + std::string(target) + " HTTP/1.1\r\n" + host), "400 malformed") << target;
  EXPECT_EQ(refusal("GET /" + std::string(kMaxTarget, 'a') + " HTTP/1.1\r\n" + host), "414 target");
  const std::string longest = "GET /" + std::string(kMaxTarget - 1, 'a') + " HTTP/1.1\r\n" + host;
  EXPECT_EQ(parse(longest).target.size(), kMaxTarget);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nX: " + std::string(kMaxHead, 'a') + "\r\n" + host), "431 headers");
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nExpect: x\r\n" + host), "417 expect");
  const auto coded = [&](const std::string& value) {
    return refusal("POST / HTTP/1.1\r\nTransfer-Encoding: " + value + "\r\n" + host);
  };
  for (const char* value : {"gzip, chunked", "x,gzip ,\tChunked", "gzip, chunked\r\nConnection: close"})
    EXPECT_EQ(coded(value), "501 coding") << value;
  for (const char* value :
       {"gzip", "chunked, gzip", "chunked, chunked", "gzip, , chunked", ", chunked", "chunked,",
        "x y, chunked", "gzip, chunked\r\nContent-Length: 1", "gzip\r\nTransfer-Encoding: chunked"})
    EXPECT_EQ(coded(value), "400 malformed") << value;
  EXPECT_EQ(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n" + host), "400 malformed");
  EXPECT_EQ(refusal("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), "400 malformed");
  std::string fields;
  for (std::size_t i = 0; i <= kMaxFields; ++i) fields += "X: y\r\n";
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n" + fields + host), "431 headers");
}

// The refusal comes with the byte that causes it, not with the end of the head: a client that never ends it
// learns at once.
TEST(Refusals, ComeAsEarlyAsPossible) {
  EXPECT_EQ(refusal("GET / HTTP/3.0\r\n"), "505 version");
  EXPECT_EQ(refusal("GET /\r\n"), "400 malformed");
  EXPECT_EQ(refusal("\x16\x03"), "400 malformed");
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost : "), "400 malformed");
}

TEST(Refusals, AreForgottenByReset) {
  RequestParser parser;
  RequestHead head;
  EXPECT_EQ(parser.parse("\n", head), Status::refused);
  EXPECT_EQ(parser.parse("\n", head), Status::refused);
  parser.reset();
  EXPECT_EQ(parser.parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n", head), Status::done);
  EXPECT_EQ(parser.refusal().reason, nullptr);
}

TEST(RequestHeads, MayMoveWhileTheyArrive) {
  const std::string bytes = "GET /moved HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestParser parser;
  RequestHead head;
  std::string first = bytes.substr(0, 25);
  EXPECT_EQ(parser.parse(first, head), Status::more);
  first.assign(first.size(), '#');  // what stood there is gone
  const std::string second = bytes;
  ASSERT_EQ(parser.parse(second, head), Status::done);
  EXPECT_EQ(head.target, "/moved");
}

TEST(ResponseHeads, KeepTheirParts) {
  const ResponseHead head = answer("HTTP/1.0 404 Not Here\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not Here");
  EXPECT_EQ(head.version, Version::http10);
  EXPECT_EQ(head.framing, Framing::length);
  EXPECT_EQ(head.content_length, 5u);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_EQ(answer("HTTP/1.1 200\r\n\r\n").reason, "");
}

TEST(ResponseHeads, R4_LoginsOfTheConnection) {
  EXPECT_TRUE(answer("HTTP/1.1 401 X\r\nwww-authenticate: Basic\r\nWWW-Authenticate: ntlm\r\n\r\n").login);
  EXPECT_TRUE(answer("HTTP/1.1 407 X\r\nProxy-Authenticate: Negotiate\r\n\r\n").login);
  EXPECT_FALSE(answer("HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\n\r\n").login);
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: NTLM x\r\n\r\n").login);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n").login);
}

// RFC 9112 6.3 rule 1.
TEST(ResponseHeads, X6_NoBodyWhateverTheFieldsSay) {
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true).framing, Framing::none);
  EXPECT_TRUE(answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true).has_content_length);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true).framing, Framing::none);
  EXPECT_EQ(answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").framing, Framing::none);
  EXPECT_EQ(answer("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").framing, Framing::none);
  EXPECT_EQ(answer("HTTP/1.1 100 Continue\r\n\r\n").framing, Framing::none);
}

// X3: the bytes that may follow such an answer are never taken for the next one.
TEST(ResponseHeads, X3_A204ThatAnnouncesABodyEndsTheConnection) {
  EXPECT_TRUE(answer("HTTP/1.1 204 No Content\r\n\r\n").keep_alive);
  EXPECT_TRUE(answer("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_FALSE(answer("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").keep_alive);
  EXPECT_FALSE(answer("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive);
}

TEST(ResponseHeads, Persistence) {
  EXPECT_TRUE(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_FALSE(answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_TRUE(answer("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(answer("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
  EXPECT_EQ(answer("HTTP/1.1 200 OK\r\n\r\n").framing, Framing::until_close);
}

TEST(ResponseHeads, SayHowLongTheConnectionIsKept) {
  const auto kept = [](const std::string& lines) {
    return answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + "\r\n").kept_seconds;
  };
  EXPECT_EQ(kept("Keep-Alive: timeout=5, max=100\r\n"), 5u);
  EXPECT_EQ(kept("keep-alive: max=3 , TIMEOUT = \"15\"\r\n"), 15u);
  EXPECT_EQ(kept("Keep-Alive: timeout=2.5\r\n"), 2u);
  EXPECT_EQ(kept("Keep-Alive: timeout=0\r\n"), 0u);
  EXPECT_EQ(kept("Keep-Alive: timeout=9, max=0\r\n"), 0u);
  EXPECT_EQ(kept("Keep-Alive: timeout=9\r\nKeep-Alive: timeout=4\r\n"), 4u);
  EXPECT_GE(kept("Keep-Alive: timeout=99999999999999999999\r\n"), 99999999u);
  for (const char* unsaid :
       {"", "timeout", "timeout=", "timeout=-1", "timeout=x", ",,=,=5", "timeouts=5", "300"})
    EXPECT_EQ(kept("Keep-Alive: " + std::string(unsaid) + "\r\n"), kKeptUnsaid) << unsaid;
  EXPECT_EQ(kept("Connection: keep-alive\r\n"), kKeptUnsaid);
}

// RFC 9110 8.6: it is not to be there, but says nothing wrong; nginx and HAProxy pass such answers on.
TEST(ResponseHeads, AnInterimAnswerMaySayThatItHasNoBody) {
  for (const char* status : {"100 Continue", "103 Early Hints", "101 Switching Protocols"}) {
    const std::string line = "HTTP/1.1 " + std::string(status) + "\r\n";
    EXPECT_EQ(answer(line + "Content-Length: 0\r\n\r\n").framing, Framing::none);
    ResponseParser parser;
    ResponseHead head;
    for (const char* bad : {"Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length:\r\n",
                            "Content-Length: 0\r\nContent-Length: 0\r\n"}) {
      parser.reset();
      EXPECT_EQ(parser.parse(line + bad + "\r\n", head, false), Status::refused) << status << bad;
    }
  }
}

TEST(ResponseHeads, OnlyA101ToWebSocketUpgrades) {
  const std::string fields = "Connection: upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_TRUE(answer("HTTP/1.1 101 Switching Protocols\r\n" + fields + "\r\n").upgrade);
  EXPECT_FALSE(answer("HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 0\r\n\r\n").upgrade);
  EXPECT_FALSE(
      answer("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n").upgrade);
}

}  // namespace
}  // namespace sluice::http1
