// The small parts of the wire: the proxy's own answers, a refused request's first line.
#include <gtest/gtest.h>

#include <string>

#include "proxy/http1/response_writer.hpp"
#include "proxy/http1/start_line.hpp"

namespace sluice::http1 {
namespace {

std::string reply(int status, std::string_view reason, bool keep_alive, bool head, int retry_after = 0,
                  Version client = Version::http11) {
  Buffer out;
  write_reply(status, reason, "words\n", keep_alive, head, "now", out, retry_after, client);
  return std::string(out.view());
}

TEST(Replies, AreShort) {
  EXPECT_EQ(reply(404, "no_route", true, false),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nDate: "
            "now\r\nContent-Length: 6\r\n"
            "X-Sluice-Error: no_route\r\n\r\nwords\n");
  EXPECT_EQ(reply(503, "paused", false, true, 5),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nDate: "
            "now\r\nContent-Length: 6\r\n"
            "X-Sluice-Error: paused\r\nRetry-After: 5\r\nConnection: close\r\n\r\n");
  EXPECT_NE(reply(200, "", true, false, 0, Version::http10).find("\r\nConnection: keep-alive\r\n"),
            std::string::npos);
  EXPECT_EQ(reply(200, "", true, false).find("X-Sluice-Error"), std::string::npos);
}

// Answers of any length, also into a buffer that is nearly full.
TEST(Replies, GrowTheBuffer) {
  Buffer out;
  out.append(std::string(Buffer::kSmall - 10, 'x'));
  write_reply(200, "", std::string(100000, 'y'), true, false, "now", out);
  EXPECT_EQ(out.view().substr(Buffer::kSmall - 10, 15), "HTTP/1.1 200 OK");
  EXPECT_EQ(out.view().substr(out.size() - 100000), std::string(100000, 'y'));
}

TEST(AGlance, TellsWhatIsSoundByItself) {
  struct Row {
    const char *bytes, *method, *path, *query, *protocol;
  };
  const Row rows[] = {
      {"GET /a?b=c HTTP/1.1\r\nHost", "GET", "/a", "b=c", "HTTP/1.1"},
      {"\r\nGET /a HTTP/2.0\r\n", "GET", "/a", "", "HTTP/2.0"},
      {"GET http://h/a?b HTTP/1.1\r\n", "GET", "/a", "b", "HTTP/1.1"},
      {"GET /a#f?q HTTP/1.1\r\n", "GET", "/a#f", "q", "HTTP/1.1"},
      {"GET /a b HTTP/1.1\r\n", "GET", "/a", "", "HTTP/1.1"},
      {"GET /a\x01 HTTP/1.1\r\n", "GET", "", "", "HTTP/1.1"},
      {"GET /a HTTP/1.1", "GET", "/a", "", ""},  // its end has not come
      {"GET /a HTTX/1.1\r\n", "GET", "/a", "", ""},
      {"GET /", "GET", "/", "", ""},
      {"GET", "", "", "", ""},
      {"G\x7fT / HTTP/1.1\r\n", "", "", "", ""},
      {"\x16\x03\x01\x02 ", "", "", "", ""},
      {"", "", "", "", ""},
  };
  for (const auto& row : rows) {
    const Glance seen = glance(row.bytes);
    EXPECT_EQ(seen.method, row.method) << row.bytes;
    EXPECT_EQ(seen.path, row.path) << row.bytes;
    EXPECT_EQ(seen.query, row.query) << row.bytes;
    EXPECT_EQ(seen.protocol, row.protocol) << row.bytes;
  }
}

}  // namespace
}  // namespace sluice::http1
