#include "tests/unit/http1/cases.hpp"

namespace sluice::http1::testing {
namespace {

constexpr auto kReject = Expect::reject;
constexpr auto kAccept = Expect::accept;

// Literals may hold zero bytes.
template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: shop\r\n" + fields + "\r\n"; }
std::string line(const std::string& start) { return start + "\r\nHost: shop\r\n\r\n"; }
std::string post(const std::string& framing, const std::string& body) {
  return "POST /cart HTTP/1.1\r\nHost: shop\r\n" + framing + "\r\n\r\n" + body;
}
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked", body); }
std::string answer(const std::string& fields, const std::string& body = "") {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}
std::string repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}
std::string many_fields(int n) {
  std::string fields;
  for (int i = 0; i < n; ++i) fields += "X-" + std::to_string(i) + ": v\r\n";
  return fields;
}

void add_legal(std::vector<Case>& cases) {
  cases.insert(
      cases.end(),
      {
          {"plain get", get(""), kAccept},
          {"no reason to refuse odd names", get("x!#$%&'*+-.^_`|~9:\r\n"), kAccept},
          {"bytes above ascii are opaque in values", get("X: \x85\xff\xa0\r\n"), kAccept},
          {"one empty line first", "\r\n" + get(""), kAccept},
          {"two pipelined", get("") + get("X: 2\r\n"), kAccept, 2},
          {"a body and the next request", post("Content-Length: 4", "blue") + get(""), kAccept, 2},
          {"tabs around a length", post("Content-Length:\t 4 \t", "blue"), kAccept},
          {"tab after chunked", post("Transfer-Encoding: chunked\t", "0\r\n\r\n"), kAccept},
          {"a method nobody knows", line("BREW /pot HTTP/1.1"), kAccept},
          {"QUERY with a body", "QUERY / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nq1", kAccept},
          {"1.0 without host", "GET / HTTP/1.0\r\n\r\n", kAccept},
          {"absolute form", line("GET http://other:8080/a?b HTTP/1.1"), kAccept},
          {"options for the server", line("OPTIONS * HTTP/1.1"), kAccept},
          {"ipv6 host", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", kAccept},
          {"8000 octets of request line", line("GET /" + std::string(7982, 'a') + " HTTP/1.1"), kAccept},
          {"as many fields as may be", "GET / HTTP/1.1\r\nHost: shop\r\n" + many_fields(99) + "\r\n",
           kAccept},
          {"chunks, extensions, trailers",
           chunked("4;a;b=c;d=\"e;\\\" f\"\r\nblue\r\n005 ; x\r\ngreen\r\n000\r\nX-Sum: 9\r\n\r\n"), kAccept},
          {"thousands of tiny chunks are no waste", chunked(repeat("1\r\nx\r\n", 2000) + "0\r\n\r\n"),
           kAccept},
      });
}

void add_framing(std::vector<Case>& cases) {
  const std::string inner = get("");
  for (const char* value : {"+4", "-4", "4x", "0x4", "4.0", "4e0", "4 4", "4, 4", "4,5", "", "\"4\"",
                            "9223372036854775808", "18446744073709551620"})
    cases.push_back({std::string("length '") + value + "'",
                     post(std::string("Content-Length: ") + value, inner), kReject});
  for (const char* value : {"", ",", ",chunked", "chunked, chunked", "gzip", "identity", "identity, chunked",
                            "chunked, gzip", "chunked;a", "xchunked", "chunked chunked", "\"chunked\""})
    cases.push_back({std::string("coding '") + value + "'",
                     post(std::string("Transfer-Encoding: ") + value, "0\r\n\r\n"), kReject});
  const std::string both[] = {"Content-Length: 4\r\nTransfer-Encoding: chunked",
                              "Transfer-Encoding: chunked\r\nContent-Length: 4",
                              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                              "Transfer-Encoding:\r\nContent-Length: 4",
                              "Content-Length: 4\r\nContent-Length: 5",
                              "Content-Length: 4\r\ncontent-length: 4"};
  for (const auto& fields : both) cases.push_back({fields, post(fields, "0\r\n\r\n" + inner), kReject});
  cases.insert(
      cases.end(),
      {
          {"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", kReject},
          {"upgrade hides a coding",
           get("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: gzip\r\n"), kReject},
          {"TRACE with a body", "TRACE / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\nx", kReject},
      });
}

void add_line_ends(std::vector<Case>& cases) {
  cases.insert(cases.end(),
               {
                   {"LF after the request line", "GET / HTTP/1.1\nHost: shop\r\n\r\n", kReject},
                   {"LF after a field", "GET / HTTP/1.1\r\nHost: shop\n\r\n", kReject},
                   {"LF as the empty line", "GET / HTTP/1.1\r\nHost: shop\r\n\n", kReject},
                   {"CR inside a value", get("X: a\rb\r\n"), kReject},
                   {"CR and anything as the end", "GET / HTTP/1.1\r\nHost: shop\r\n\rX", kReject},
                   {"empty value, CR, a field", post("x:\rTransfer-Encoding: chunked", "0\r\n\r\n"), kReject},
                   {"leading CR", "\r" + get(""), kReject},
                   {"leading LF", "\n" + get(""), kReject},
                   {"leading empty lines", "\r\n\r\n" + get(""), kReject},
                   {"fold", get("X: a\r\n b\r\n"), kReject},
                   {"fold of nothing", get("X: a\r\n \r\n"), kReject},
                   {"fold under the request line", "GET / HTTP/1.1\r\n Host: shop\r\n\r\n", kReject},
                   {"fold hides a coding", post("X: a\r\n\tTransfer-Encoding: chunked", ""), kReject},
                   {"NUL in a value", get(bytes("X: a\0b\r\n")), kReject},
                   {"NUL in a name", get(bytes("X\0: b\r\n")), kReject},
                   {"DEL in a value", get("X: a\x7f\r\n"), kReject},
                   {"BEL in a value", get("X: a\a\r\n"), kReject},
               });
}

void add_syntax(std::vector<Case>& cases) {
  for (const char* field : {": v", ":", "X : v", "X\t: v", "X Y: v", "X(: v", "X\"Y\": v", "X/Y: v", "Xy",
                            "\xc3\xa4: v", "X=1: v"})
    cases.push_back({std::string("field '") + field + "'", get(std::string(field) + "\r\n"), kReject});
  for (const char* start : {"GET /",
                            "GET / ",
                            "GET  / HTTP/1.1",
                            "GET /  HTTP/1.1",
                            "GET / HTTP/1.1 ",
                            " GET / HTTP/1.1",
                            "GET HTTP/1.1",
                            "GET\t/\tHTTP/1.1",
                            "GET /a b HTTP/1.1",
                            "G(T / HTTP/1.1",
                            "GET / http/1.1",
                            "GET / HTTP/1",
                            "GET / HTTP/1.10",
                            "GET / HTTP/01.1",
                            "GET / HTTP/0.9",
                            "GET / HTTP/2.0",
                            "GET / RTSP/1.0",
                            "GET / ICE/1.0",
                            "GET * HTTP/1.1",
                            "GET a HTTP/1.1",
                            "GET /a#b HTTP/1.1",
                            "GET /\x80 HTTP/1.1",
                            "GET /\x01 HTTP/1.1",
                            "GET ftp://a/ HTTP/1.1",
                            "GET http:///a HTTP/1.1",
                            "GET http://a@b/ HTTP/1.1",
                            "GET http://a:65536/ HTTP/1.1",
                            "GET http://[::1/ HTTP/1.1",
                            "CONNECT a:443 HTTP/1.1",
                            "CONNECT / HTTP/1.1",
                            "PRI * HTTP/2.0"})
    cases.push_back({std::string("line '") + start + "'", line(start), kReject});
  for (const char* host : {"",       "a b",
                           "a,b",    "a, b",
                           "u@a",    "u:p@a",
                           "a:x",    "a:65536",
                           "a:-1",   "a:1:2",
                           "a/b",    "a?b",
                           "a#b",    "a\\b",
                           "<a>",    "\"a\"",
                           "a\xff",  "[::1",
                           "[::g]",  "[::1]x",
                           "[v1.a]", "[fe80::1%25eth0]",
                           "a%2",    ":80"})
    cases.push_back({std::string("host '") + host + "'",
                     std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n", kReject});
  cases.insert(cases.end(),
               {
                   {"no host", "GET / HTTP/1.1\r\nX: v\r\n\r\n", kReject},
                   {"no host but absolute form", "GET http://a/ HTTP/1.1\r\nX: v\r\n\r\n", kReject},
                   {"two hosts", get("Host: shop\r\n"), kReject},
                   {"two hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", kReject},
                   {"an expectation nobody knows", get("Expect: x-42\r\n"), kReject},
                   {"an expectation in disguise", get("Expect: y 100-continue\r\n"), kReject},
                   {"TLS on a plain port", bytes("\x16\x03\x01\x02\x00\x01"), kReject},
               });
}

void add_limits(std::vector<Case>& cases) {
  cases.insert(
      cases.end(),
      {
          {"target without end", "GET /" + std::string(9000, 'a'), kReject},
          {"method without end", std::string(9000, 'A'), kReject},
          {"too long a method", line(std::string(40, 'A') + " / HTTP/1.1"), kReject},
          {"one field too many", "GET / HTTP/1.1\r\nHost: shop\r\n" + many_fields(100) + "\r\n", kReject},
          {"a value without end", "GET / HTTP/1.1\r\nX: " + std::string(40000, 'v'), kReject},
          {"a name without end", "GET / HTTP/1.1\r\n" + std::string(40000, 'n'), kReject},
          {"Connection names too many", get("Connection: " + repeat("a,", 17) + "\r\n"), kReject},
      });
}

void add_chunks(std::vector<Case>& cases) {
  for (const char* body : {"0x4\r\nblue\r\n0\r\n\r\n",
                           "+4\r\nblue\r\n0\r\n\r\n",
                           "-4\r\n",
                           " 4\r\nblue\r\n",
                           "4 \r\nblue\r\n",
                           "4\t\r\nblue\r\n",
                           "4 4\r\n",
                           "\r\n\r\n",
                           "g\r\n",
                           "4_\r\nblue",
                           "\"4\"\r\nblue",
                           "4\nblue\r\n",
                           "4\rblue\r\n",
                           "4\r\r;a\r\n",
                           "4;\r\nblue",
                           "4;=a\r\nblue",
                           "4;a=\r\nblue",
                           "4;a=\"\r\nblue",
                           "4;a b\r\nblue",
                           "4;a\x01\r\nblue",
                           "4;a\nblue",
                           "4\r\nbluex\r\n0\r\n\r\n",
                           "4\r\nblue0\r\n\r\n",
                           "4\r\nblue\n0\r\n\r\n",
                           "4\r\nblue\r0\r\n\r\n",
                           "4\r\nbluexx0\r\n\r\n",
                           "8000000000000000\r\nx",
                           "ffffffffffffffff\r\nx",
                           "10000000000000004\r\nblue\r\n",
                           "0\n\r\n",
                           "0\r\n\n",
                           "0\r\n\rX"})
    cases.push_back({std::string("chunks '") + body + "'", chunked(body), kReject});
  for (const char* trailer : {"x", "x : v", " x: v", ": v", "x: a\r\n b", "x: a\rb", "x: a\nb", "x\x01: v",
                              "x: \x7f", "GET / HTTP/1.1"})
    cases.push_back({std::string("trailer '") + trailer + "'",
                     chunked(std::string("0\r\n") + trailer + "\r\n\r\n"), kReject});
  cases.insert(cases.end(),
               {
                   {"a long extension", chunked("1;" + std::string(17000, 'a')), kReject},
                   {"extensions in small pieces",
                    chunked(repeat("1;" + std::string(100, 'a') + "\r\nx\r\n", 170)), kReject},
                   {"zeros without end", chunked(std::string(17000, '0')), kReject},
                   {"a long trailer", chunked("0\r\nx: " + std::string(9000, 'v')), kReject},
                   {"many trailers", chunked("0\r\n" + repeat("x: v\r\n", 65) + "\r\n"), kReject},
                   {"the second request is garbage", chunked("0\r\n\r\n") + bytes("\0"), kReject},
               });
}

}  // namespace

std::vector<Case> own_request_cases() {
  std::vector<Case> cases;
  add_legal(cases);
  add_framing(cases);
  add_line_ends(cases);
  add_syntax(cases);
  add_limits(cases);
  add_chunks(cases);
  return cases;
}

std::vector<Case> own_response_cases() {
  std::vector<Case> cases = {
      {"length", answer("Content-Length: 4\r\n", "blue"), kAccept},
      {"chunked", answer("Transfer-Encoding: chunked\r\n", "4\r\nblue\r\n0\r\n\r\n"), kAccept},
      {"until the end", answer("", "blue"), kAccept},
      {"1.0 until the end", "HTTP/1.0 200 OK\r\n\r\nblue", kAccept},
      {"no reason", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", kAccept},
      {"empty reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", kAccept},
      {"reason with tab and bytes above ascii", "HTTP/1.1 200 a\tb\xff\r\nContent-Length: 0\r\n\r\n",
       kAccept},
      {"204 with a length has no body", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", kAccept},
      {"304 with a length has no body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", kAccept},
      {"HEAD has no body", answer("Content-Length: 4\r\n"), kAccept, 1, true},
      {"HEAD, chunked, has no body", answer("Transfer-Encoding: chunked\r\n"), kAccept, 1, true},
      {"100 then 200", "HTTP/1.1 100 Continue\r\n\r\n" + answer("Content-Length: 0\r\n"), kAccept},
      {"103 then 200", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer("Content-Length: 0\r\n"),
       kAccept},
      {"103 with a length of 0",
       "HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n" + answer("Content-Length: 0\r\n"), kAccept},
      {"103 with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\n", kReject},
      {"100 with a coding", "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n", kReject},
      {"leading empty line", "\r\n" + answer("Content-Length: 0\r\n"), kReject},
      {"cut status line", "HTTP/1.1 20", kReject},
      {"cut head", "HTTP/1.1 200 OK\r\nContent-Le", kReject},
      {"cut body", answer("Content-Length: 4\r\n", "blu"), kReject},
      {"cut chunks", answer("Transfer-Encoding: chunked\r\n", "4\r\nblue\r\n"), kReject},
  };
  for (const char* start : {"HTTP/1.1 099 X", "HTTP/1.1 600 X", "HTTP/1.1 20 X", "HTTP/1.1 2000 X",
                            "HTTP/1.1 2x0 X", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "HTTP/2.0 200 OK",
                            "HTTP/1.2 200 OK", "http/1.1 200 OK", "ICY 200 OK", "RTSP/1.0 200 OK",
                            "HTTP/1.1 200 a\x01", "HTTP/1.1 200OK", "HTTP/1.1 ", "GET / HTTP/1.1", "<html>"})
    cases.push_back(
        {std::string("line '") + start + "'", std::string(start) + "\r\nContent-Length: 0\r\n\r\n", kReject});
  for (const char* fields :
       {"Content-Length: 1\r\nContent-Length: 1", "Content-Length: 1, 1",
        "Content-Length:", "Content-Length: x", "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: foo",
        "Transfer-Encoding:", "X : v", ": v", "X", "X: a\r\n b", "X: a\rb", "X: a\nb", "X: a\x01"})
    cases.push_back(
        {std::string("fields '") + fields + "'", answer(std::string(fields) + "\r\n", "x"), kReject});
  cases.push_back({"fields without end", answer(many_fields(101)), kReject});
  return cases;
}

}  // namespace sluice::http1::testing
