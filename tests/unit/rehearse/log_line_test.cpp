// Lines as the programs write them: nginx 1.22 and HAProxy 2.6 of Debian 12 wrote those below.
#include "control/rehearse/log_line.hpp"

#include <gtest/gtest.h>

#include "proxy/observe/log_line.hpp"

namespace sluice::rehearse {
namespace {

constexpr std::int64_t kTime = 1'795'877'634'000'000;  // 2026-11-28T14:53:54Z

Line read(LogKind kind, std::string_view text, const LogFormat* format = nullptr) {
  const auto line = LineReader(kind, format).read(text);
  EXPECT_TRUE(line) << text;
  return line.value_or(Line());
}

TEST(LogLine, of_nginx) {
  auto line =
      read(LogKind::combined,
           R"(127.0.0.1 - joe [28/Nov/2026:14:53:54 +0000] "GET /ok HTTP/1.1" 200 2 "-" "curl/7.88.1")");
  EXPECT_EQ(line.ended_micros, kTime);
  EXPECT_FALSE(line.duration_micros);
  EXPECT_TRUE(line.counted && !line.error && line.safe);
  EXPECT_EQ(line.client, "127.0.0.1");
  line = read(
      LogKind::combined,
      R"(127.0.0.1 - - [28/Nov/2026:15:53:54 +0100] "POST /fail HTTP/1.1" 500 2 "-" "curl/7.88.1" rt=0.121 uct="0.000")");
  EXPECT_EQ(line.ended_micros, kTime);
  EXPECT_EQ(line.duration_micros, 121'000u);
  EXPECT_TRUE(line.counted && line.error && !line.safe);
  line = read(
      LogKind::combined,
      R"(127.0.0.1 - - [28/Nov/2026:14:53:53 +0000] "GET /ok?a=1 HTTP/1.1" 200 2 "http://x/?q=\x221\x22" "a \x22b\x22 \x5C c" "-" 0.019)");
  EXPECT_EQ(line.duration_micros, 19'000u);
  line = read(LogKind::combined,
              R"(127.0.0.1 - - [28/Nov/2026:14:53:54 +0000] "GET /hang HTTP/1.1" 499 0 "-" "curl/7.88.1")");
  EXPECT_FALSE(line.counted) << "the client left";
  EXPECT_TRUE(
      read(LogKind::combined, R"(127.0.0.1 - - [28/Nov/2026:14:53:55 +0000] "BAD" 400 157 "-" "-" "-" 0.004)")
          .counted);
}

TEST(LogLine, of_haproxy) {
  auto line = read(
      LogKind::haproxy,
      R"(<134>Nov 28 14:53:56 haproxy[23210]: 127.0.0.1:42626 [28/Nov/2026:14:53:54.023] web blue/b1 0/0/0/121/121 200 116 - - ---- 1/1/0/0/0 0/0 "GET /slow HTTP/1.1")");
  EXPECT_EQ(line.ended_micros, kTime + 144'000);
  EXPECT_EQ(line.duration_micros, 121'000u);
  EXPECT_TRUE(line.counted && !line.error && line.safe);
  EXPECT_EQ(line.client, "127.0.0.1");
  EXPECT_EQ(line.pool, "blue");
  line = read(
      LogKind::haproxy,
      R"(127.0.0.1:42632 [28/Nov/2026:14:53:56.249] web blue/b1 0/0/0/1/1 500 135 - - ---- 1/1/0/0/0 0/0 "POST /fail HTTP/1.1")");
  EXPECT_TRUE(line.counted && line.error && !line.safe);
  line = read(
      LogKind::haproxy,
      R"(<134>Nov 28 14:53:57 haproxy[23210]: 127.0.0.1:42652 [28/Nov/2026:14:53:57.859] web web/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 2/2/0/0/0 0/0 "<BADREQ>")");
  EXPECT_FALSE(line.counted) << "no server was asked";
  line = read(
      LogKind::haproxy,
      R"(<134>Nov 28 14:53:38 haproxy[22951]: 127.0.0.1:34904 [28/Nov/2026:14:53:34.983] web blue/b1 0/0/-1/-1/3028 503 217 - - SC-- 1/1/0/0/3 0/0 "GET /gone HTTP/1.1")");
  EXPECT_TRUE(line.counted && line.error);
}

observe::AccessRecord record() {
  observe::AccessRecord made;
  made.wall_micros = kTime - 500'000;
  made.client = "10.0.0.9";
  made.method = "GET";
  made.host = "shop";
  made.path = R"(/"status":500,"pool":"x")";
  made.service = "api";
  made.pool = "green";
  made.status = 200;
  made.attempts = 1;
  made.duration_micros = 12'345;
  made.user_agent = R"(","attempts":7,"error":"no_backend",)";
  return made;
}

std::string written(const LogFormat& format, const observe::AccessRecord& of) {
  std::string text;
  observe::append_line(format, of, text);
  text.pop_back();
  return text;
}

TEST(LogLine, of_sluiced_in_json_whatever_clients_sent) {
  const LogFormat format;
  auto of = record();
  const auto text = written(format, of);
  const auto line = read(LogKind::json, text);
  EXPECT_EQ(line.ended_micros, kTime - 500'000 + 12'345);
  EXPECT_EQ(line.duration_micros, 12'345u);
  EXPECT_TRUE(line.counted && !line.error && line.safe);
  EXPECT_EQ(line.client, "10.0.0.9");
  EXPECT_EQ(line.service, "api");
  EXPECT_EQ(line.pool, "green");
  of.attempts = 2;
  EXPECT_TRUE(read(LogKind::json, written(format, of)).error) << "a retry hid it (G4)";
  of.attempts = 0;
  EXPECT_FALSE(read(LogKind::json, written(format, of)).counted);
  of.error = "no_backend";
  of.status = 502;
  const auto none = written(format, of);
  EXPECT_TRUE(read(LogKind::json, none).counted && read(LogKind::json, none).error);
  of = record();
  of.status = 0;
  EXPECT_FALSE(read(LogKind::json, written(format, of)).counted);
}

TEST(LogLine, of_sluiced_in_combined_and_by_a_template) {
  LogFormat combined;
  combined.kind = LogFormat::Kind::combined;
  const auto common = written(combined, record());
  EXPECT_EQ(read(LogKind::combined, common).ended_micros, kTime - 1'000'000);
  const auto format =
      parse_log_format("{ts} {client} [{pool}] \"{method}\" {status} {duration_ms} {attempts} {error}");
  ASSERT_TRUE(format);
  auto of = record();
  of.attempts = 2;
  const auto text = written(*format, of);
  const auto line = read(LogKind::pieces, text, &*format);
  EXPECT_EQ(line.ended_micros, kTime - 500'000 + 12'345);
  EXPECT_EQ(line.pool, "green");
  EXPECT_TRUE(line.error && line.safe);
}

TEST(LogLine, what_is_no_line_is_refused) {
  for (const char* text :
       {"", "{}", "{\"ts\":\"2026-13-28T14:53:54.000Z\"}", "hello", "127.0.0.1 - - [nonsense] \"GET\" 200",
        R"(127.0.0.1 - - [28/Nov/2026:14:53:54 +0000] "GET / HTTP/1.1" x 2)",
        R"(1.2.3.4:5 [28/Nov/2026:14:53:57.859] web web/b1 0/0/0/0/x 200 0 - - ---- "GET")"})
    for (const LogKind kind : {LogKind::json, LogKind::combined, LogKind::haproxy})
      EXPECT_FALSE(LineReader(kind).read(text)) << text;
  EXPECT_FALSE(kind_of("hello\nworld\n"));
  EXPECT_EQ(kind_of("# head\n" + written(LogFormat(), record()) + "\n"), LogKind::json);
}

}  // namespace
}  // namespace sluice::rehearse
