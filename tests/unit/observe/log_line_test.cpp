// A record as a line: the fields of CONTRACT, the formats, and nothing that a client sends ends a line or a
// text.
#include "proxy/observe/log_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::observe {
namespace {

AccessRecord sample() {
  AccessRecord made;
  made.wall_micros = 1'700'000'000'123'456;
  made.generation = 7;
  made.bytes_in = 1;
  made.bytes_out = 2;
  made.duration_micros = 1'500;
  made.upstream_micros = 250;
  made.status = 200;
  made.attempts = 1;
  made.request_id = "id";
  made.client = "127.0.0.1";
  made.method = "GET";
  made.host = "x";
  made.path = "/a";
  made.service = "api";
  made.pool = "blue";
  made.backend = "b";
  made.sticky = "split";
  made.query = "q=1";
  made.protocol = "HTTP/1.1";
  made.scheme = "https";
  made.user_agent = "curl/8";
  made.referer = "http://r/";
  made.tls = "TLSv1.3";
  return made;
}

std::string line_of(std::string_view format, const AccessRecord& record) {
  std::string out;
  append_line(*parse_log_format(format), record, out);
  return out;
}

TEST(LogLine, Json_has_every_field_of_the_contract_in_its_order) {
  EXPECT_EQ(line_of("json", sample()),
            R"({"ts":"2023-11-14T22:13:20.123Z","request_id":"id","client":"127.0.0.1","method":"GET",)"
            R"("host":"x","path":"/a","status":200,"bytes_in":1,"bytes_out":2,"duration_ms":1.5,)"
            R"("upstream_ms":0.25,"service":"api","pool":"blue","backend":"b","generation":7,)"
            R"("sticky":"split","attempts":1,"error":"","query":"q=1","protocol":"HTTP/1.1",)"
            R"("scheme":"https","user_agent":"curl/8","referer":"http://r/","tls":"TLSv1.3",)"
            R"("stream":null,"grpc_status":null,"asset_from":null})"
            "\n");
}

TEST(LogLine, Json_says_null_for_the_tls_of_clear_text_and_empty_texts_for_what_is_not_known) {
  AccessRecord refused;
  refused.status = 400;
  refused.error = "malformed";
  EXPECT_EQ(line_of("json", refused),
            R"({"ts":"1970-01-01T00:00:00.000Z","request_id":"","client":"","method":"","host":"","path":"",)"
            R"("status":400,"bytes_in":0,"bytes_out":0,"duration_ms":0,"upstream_ms":0,"service":"",)"
            R"("pool":"","backend":"","generation":0,"sticky":"","attempts":0,"error":"malformed",)"
            R"("query":"","protocol":"","scheme":"","user_agent":"","referer":"","tls":null,)"
            R"("stream":null,"grpc_status":null,"asset_from":null})"
            "\n");
}

TEST(LogLine, Combined_is_what_apache_and_nginx_write) {
  EXPECT_EQ(line_of("combined", sample()),
            "127.0.0.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /a?q=1 HTTP/1.1\" 200 2 \"http://r/\" "
            "\"curl/8\"\n");
  AccessRecord refused;
  refused.client = "::1";
  refused.status = 400;
  EXPECT_EQ(line_of("combined", refused), "::1 - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 0 \"-\" \"-\"\n");
}

TEST(LogLine, A_template_has_its_fields_and_braces) {
  EXPECT_EQ(line_of("{client} {{{path}}} {status} {duration_ms}ms {tls} {grpc_status}", sample()),
            "127.0.0.1 {/a} 200 1.5ms TLSv1.3 -\n");
  EXPECT_EQ(line_of("{ts}|{error}", sample()), "2023-11-14T22:13:20.123Z|-\n");
  for (const auto name : kLogFields)
    EXPECT_NE(line_of("{" + std::string(name) + "}", sample()), "\n") << name;
}

TEST(LogLine, Nothing_that_a_client_sends_ends_a_line_or_a_text) {
  AccessRecord evil = sample();
  evil.path = evil.user_agent = evil.referer = evil.query = "/\"\\\n\x01\x7f\xff";
  EXPECT_THAT(line_of("json", evil), testing::HasSubstr(R"("path":"/\"\\\u000a\u0001\u007f\u00ff")"));
  EXPECT_THAT(line_of("combined", evil), testing::HasSubstr(R"( "/\x22\x5C\x0A\x01\x7F\xFF"
)"));
  EXPECT_EQ(line_of("<{user_agent}>", evil), R"(</\"\\\u000a\u0001\u007f\u00ff>)"
                                             "\n");
  for (const char* format : {"json", "combined", "{path}{query}{user_agent}{referer}"}) {
    const std::string line = line_of(format, evil);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << format;
  }
}

}  // namespace
}  // namespace sluice::observe
