// The JSON of OTLP, letter by letter, and what an answer says.
#include "control/tracing/otlp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::tracing {
namespace {

using observe::SpanRecord;
using testing::HasSubstr;
using testing::Not;

template <std::size_t N>
void set(std::array<char, N>& id, std::string_view digits) {
  std::copy_n(digits.data(), N, id.data());
}

SpanRecord server() {
  SpanRecord span;
  set(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
  set(span.span_id, "b7ad6b7169203331");
  span.began = 1'700'000'000'123'456'789;
  span.ended = 1'700'000'001'000'000'000;
  span.generation = 7;
  span.flags = 1;
  span.status = 200;
  span.attempts = 1;
  span.method = "GET";
  span.path = "/a";
  span.route = "/";
  span.host = "shop.test:8080";
  span.service = "api";
  span.pool = "blue";
  return span;
}

SpanRecord client() {
  SpanRecord span = server();
  span.kind = SpanRecord::Kind::client;
  set(span.parent_id, "00f067aa0ba902b7");
  span.has_parent = true;
  span.route = span.host = {};
  span.backend = "blue-1";
  span.authority = "[::1]:9001";
  return span;
}

std::string text_of(const SpanRecord& span) {
  std::string text;
  append_span(text, span);
  return text;
}

TEST(Otlp, ASpan) {
  EXPECT_EQ(
      text_of(server()),
      R"({"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","flags":257,"name":"GET /","kind":2,)"
      R"("startTimeUnixNano":"1700000000123456789","endTimeUnixNano":"1700000001000000000","attributes":[)"
      R"({"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/a"}},)"
      R"({"key":"server.port","value":{"intValue":"8080"}},{"key":"server.address","value":{"stringValue":"shop.test"}},)"
      R"({"key":"http.route","value":{"stringValue":"/"}},{"key":"http.request.body.size","value":{"intValue":"0"}},)"
      R"({"key":"http.response.body.size","value":{"intValue":"0"}},{"key":"sluice.attempts","value":{"intValue":"1"}},)"
      R"({"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"sluice.service","value":{"stringValue":"api"}},)"
      R"({"key":"sluice.pool","value":{"stringValue":"blue"}},{"key":"sluice.generation","value":{"intValue":"7"}}],"status":{}})");
}

TEST(Otlp, AnAttemptHasAParentAndNoRoute) {
  SpanRecord span = client();
  span.attempts = 2;
  span.is_rescue = true;
  const std::string text = text_of(span);
  EXPECT_THAT(text, HasSubstr(R"("parentSpanId":"00f067aa0ba902b7","flags":257,"name":"GET","kind":3)"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"({"key":"server.port","value":{"intValue":"9001"}},{"key":"server.address","value":{"stringValue":"::1"}})"));
  EXPECT_THAT(text, HasSubstr(R"({"key":"http.request.resend_count","value":{"intValue":"1"}})"));
  EXPECT_THAT(text, HasSubstr(R"({"key":"sluice.rescue","value":{"boolValue":true}})"));
  EXPECT_THAT(text, Not(HasSubstr("sluice.mirror")));
}

TEST(Otlp, OnlyAServersParentIsOfAnotherProcess) {
  SpanRecord span = server();
  span.has_parent = true;
  set(span.parent_id, "00f067aa0ba902b7");
  span.trace_state = "a=1,b=\"2\"";
  EXPECT_THAT(text_of(span), HasSubstr(R"("flags":769,"traceState":"a=1,b=\"2\"",)"));
}

TEST(Otlp, AFailureSaysWhy) {
  SpanRecord span = client();
  span.failed = true;
  span.status = 502;
  EXPECT_THAT(text_of(span), HasSubstr(R"({"key":"error.type","value":{"stringValue":"502"}})"));
  EXPECT_THAT(text_of(span), HasSubstr(R"("status":{"code":2}})"));
  span.status = 0;
  span.error = "connect";
  EXPECT_THAT(text_of(span), HasSubstr(R"({"key":"error.type","value":{"stringValue":"connect"}})"));
  EXPECT_THAT(text_of(span), Not(HasSubstr("http.response.status_code")));
}

TEST(Otlp, ACallOfGrpc) {
  SpanRecord span = server();
  span.is_grpc = span.failed = true;
  span.method = "POST";
  span.path = "/t.Test/Echo";
  span.grpc_status = 14;
  const std::string text = text_of(span);
  EXPECT_THAT(text, HasSubstr(R"("name":"t.Test/Echo")"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"({"key":"rpc.system","value":{"stringValue":"grpc"}},{"key":"rpc.service","value":{"stringValue":"t.Test"}},)"
          R"({"key":"rpc.method","value":{"stringValue":"Echo"}},{"key":"rpc.grpc.status_code","value":{"intValue":"14"}},)"
          R"({"key":"error.type","value":{"stringValue":"unavailable"}})"));
}

TEST(Otlp, NothingThatAClientSentEndsAText) {
  SpanRecord span = server();
  span.method = "BR\"EW";
  span.path = "/\"},{\n\xff\\";
  const std::string text = text_of(span);
  EXPECT_THAT(text, HasSubstr(R"("name":"HTTP /")"));
  EXPECT_THAT(text, HasSubstr(R"({"key":"http.request.method","value":{"stringValue":"_OTHER"}})"));
  EXPECT_THAT(text, HasSubstr(R"({"stringValue":"/\"},{\u000a\u00ff\\"})"));
}

TEST(Otlp, ARequestHasAllSpans) {
  std::string spans;
  append_span(spans, server());
  append_span(spans, client());
  const std::string body = request_body({"edge \"1\"", "1.2", "", 42}, spans);
  EXPECT_THAT(
      body,
      testing::StartsWith(
          R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"edge \"1\""}},)"
          R"({"key":"service.version","value":{"stringValue":"1.2"}},{"key":"process.pid","value":{"intValue":"42"}}]},)"
          R"("scopeSpans":[{"scope":{"name":"sluice","version":"1.2"},"spans":[{"traceId")"));
  EXPECT_THAT(body, HasSubstr(R"("status":{}},{"traceId")"));
  EXPECT_THAT(body, testing::EndsWith(R"("status":{}}]}]}]})"));
}

TEST(Otlp, WhatACollectorRejects) {
  EXPECT_EQ(rejected_spans("{}"), 0u);
  EXPECT_EQ(rejected_spans(""), 0u);
  EXPECT_EQ(rejected_spans(R"({"partialSuccess":{}})"), 0u);
  EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"12","errorMessage":"no"}})"), 12u);
  EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":3}})"), 3u);
  EXPECT_EQ(rejected_spans(R"({"partialSuccess":{"rejectedSpans":-3}})"), 0u);
  EXPECT_EQ(rejected_spans("[1]"), 0u);
}

}  // namespace
}  // namespace sluice::tracing
