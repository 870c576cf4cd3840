// Blocks: their form, what they mean, and heads as they go on.
#include <gtest/gtest.h>

#include <algorithm>

#include "proxy/h2/block_check.hpp"
#include "proxy/h2/head_reader.hpp"
#include "proxy/h2/head_writer.hpp"
#include "unit/h2/peer.hpp"

namespace sluice::h2 {
namespace {

using http::BodyLength;

std::size_t held = 0;

struct Block : FieldBlock {
  explicit Block(const Pairs& fields, std::uint32_t most_fields = 100) : FieldBlock(held) {
    for (const auto& [name, value] : fields)
      add({name, value, hpack::form_of(name, value)}, 32 * 1024, most_fields);
  }
};

Pairs with(Pairs fields, const Pairs& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

struct Read {
  explicit Read(const Pairs& fields, bool end = true, std::uint32_t max_target = 8192) : block(fields) {
    form = check_request(block);
    if (!form.flaw) refusal = read_request(block, end, max_target, head);
  }
  Block block;
  BlockForm form;
  http::Refusal refusal;
  http::RequestHead head;
};

TEST(H2Heads, ARequestSaysWhatItSaysInHttp1) {
  const Read read(
      with(get("/a/b?x=1"), {{"accept", "*/*"}, {"cookie", "a=1"}, {"x-b", ""}, {"cookie", "b=2"}}));
  ASSERT_EQ(read.refusal.reason, nullptr);
  const http::RequestHead& head = read.head;
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a/b?x=1");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "x=1");
  EXPECT_EQ(head.host, "a.example");
  EXPECT_EQ(head.body, BodyLength::none);
  EXPECT_TRUE(head.over_http2 && head.is_idempotent && !head.is_head && !head.asterisk &&
              head.upgrade.empty());
  ASSERT_EQ(head.fields.size(), 4u);
  EXPECT_EQ(head.fields.find(http::Header::cookie)->value, "a=1; b=2");
  EXPECT_EQ(head.fields.find(http::Header::host)->value, "a.example");
  EXPECT_EQ(head.fields.begin()[1].name, "cookie");
}

TEST(H2Heads, EmptyCrumbsLeaveNoSeparator) {
  const auto joined = [](const Pairs& crumbs) {
    const Read read(with(get(), crumbs));
    return std::string(read.head.fields.find(http::Header::cookie)->value);
  };
  EXPECT_EQ(joined({{"cookie", ""}, {"cookie", "a=1"}, {"cookie", ""}, {"cookie", "b=2"}, {"cookie", ""}}),
            "a=1; b=2");
  EXPECT_EQ(joined({{"cookie", ""}, {"cookie", ""}}), "");
}

TEST(H2Heads, StorageIsCounted) {
  const std::size_t before = held;
  {
    const Block block(with(get(), {{"x", std::string(5000, 'x')}}));
    EXPECT_GE(held, before + 5000);
    EXPECT_LE(held, before + 11000);
  }
  EXPECT_EQ(held, before);
}

TEST(H2Heads, TextStaysWhenItsFieldsAreForgotten) {
  const std::size_t before = held;
  Read read(with(get("/a"), {{"x-b", "c"}}));
  const std::size_t whole = held;
  read.block.forget_fields();
  EXPECT_LT(held, whole);
  EXPECT_GT(held, before);
  EXPECT_EQ(read.block.size(), 0u);
  EXPECT_EQ(read.head.target, "/a");
  EXPECT_EQ(read.head.fields.find("x-b")->value, "c");
}

TEST(H2Heads, TheBodyIsAsLongAsItsLengthSays) {
  EXPECT_EQ(Read(post(), false).head.body, BodyLength::unknown);
  EXPECT_EQ(Read(post(), true).head.body, BodyLength::none);
  const Read sized(with(post(), {{"content-length", "5"}, {"expect", "100-continue"}}), false);
  EXPECT_EQ(sized.form.content_length, 5);
  EXPECT_EQ(sized.head.body, BodyLength::known);
  EXPECT_EQ(sized.head.content_length, 5u);
  EXPECT_TRUE(sized.head.expect_continue);
  EXPECT_FALSE(Read(with(post(), {{"expect", "100-continue"}})).head.expect_continue);
}

TEST(H2Heads, FlagsOfARequest) {
  EXPECT_TRUE(Read(with(get(), {{"te", "trailers"}})).head.te_trailers);
  EXPECT_TRUE(Read(with(get(), {{"authorization", "NTLM x"}})).head.login);
  Pairs options = get("*");
  options[0].second = "OPTIONS";
  const Read star(with(options, {{"max-forwards", "0"}}));
  EXPECT_TRUE(star.head.asterisk && star.head.max_forwards_zero);
  Pairs head = get();
  head[0].second = "HEAD";
  EXPECT_TRUE(Read(head).head.is_head);
  EXPECT_TRUE(Read(head).form.is_head);
}

TEST(H2Heads, WhatIsAnsweredWithAStatus) {
  const auto status = [](const Pairs& fields, bool end = true, std::uint32_t max_target = 8192) {
    const Read read(fields, end, max_target);
    EXPECT_EQ(read.form.flaw, nullptr) << read.form.flaw;
    return read.refusal.status;
  };
  Pairs connect = {{":method", "CONNECT"}, {":authority", "a.example:443"}};
  EXPECT_EQ(status(connect), 501);
  Pairs trace = get();
  trace[0].second = "TRACE";
  EXPECT_EQ(status(trace, false), 400);
  EXPECT_EQ(status(get("/" + std::string(30, 'a')), true, 30), 414);
  EXPECT_EQ(status(with(get(), {{"expect", "200-ok"}})), 417);
  EXPECT_EQ(status(with(get(), {{"host", "b.example"}})), 400);
  EXPECT_EQ(status(with(get(), {{"host", "A.example"}})), 0);
  EXPECT_EQ(status(with(get(), {{"host", "a.example"}, {"host", "a.example"}})), 400);
  for (const char* authority : {"", "u@a.example", "a/b", "a, b", "a:x", "a:99999", "a?b", "a b"}) {
    Pairs fields = get();
    fields[2].second = authority;
    EXPECT_EQ(status(fields), 400) << authority;
  }
  Pairs none = get();
  none.erase(none.begin() + 2);
  EXPECT_EQ(status(none), 400);
  EXPECT_EQ(status(with(none, {{"host", "a.example"}})), 0);
  Pairs many = get();
  for (int i = 0; i < 101; ++i) many.emplace_back("x-" + std::to_string(i), "1");
  EXPECT_EQ(status(many), 431);
  many.resize(4 + 99);
  EXPECT_EQ(status(many), 0);
  EXPECT_EQ(status(with(get(), {{"x", std::string(33000, 'x')}})), 431);
}

TEST(H2Heads, AWebSocketIsReadAsTheGetThatItStandsFor) {
  const Pairs fields = {{":method", "CONNECT"}, {":protocol", "websocket"},
                        {":scheme", "https"},   {":authority", "a.example"},
                        {":path", "/chat"},     {"sec-websocket-version", "13"}};
  const Read read(fields, false);
  ASSERT_EQ(read.refusal.reason, nullptr);
  EXPECT_EQ(read.head.method, "GET");
  EXPECT_EQ(read.head.upgrade, "websocket");
  EXPECT_EQ(read.head.body, BodyLength::none);
  EXPECT_EQ(read.head.path, "/chat");
  Pairs other = fields;
  other[1].second = "connect-udp";
  EXPECT_EQ(Read(other, false).refusal.status, 501);
}

TEST(H2Heads, TheFormOfARequest) {
  const auto flaw = [](Pairs fields) {
    Block block(fields);
    return check_request(block).flaw != nullptr;
  };
  EXPECT_FALSE(flaw(get()));
  for (std::size_t i : {0u, 1u, 3u}) {
    Pairs missing = get(), twice = get(), empty = get();
    missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
    twice.push_back(twice[i]);
    empty[i].second.clear();
    EXPECT_TRUE(flaw(missing)) << i;
    EXPECT_TRUE(flaw(twice)) << i;
    EXPECT_TRUE(flaw(empty)) << i;
  }
  for (const char* path : {"a", "http://a/", "*", "/a b", "/a\t", "/a#b", "/\x80", "/\x7f"})
    EXPECT_TRUE(flaw(get(path))) << path;
  for (const auto& [name, value] : Pairs{{":foo", "1"},
                                         {":status", "200"},
                                         {":protocol", "websocket"},
                                         {"X-A", "1"},
                                         {"x a", "1"},
                                         {"", "1"},
                                         {"x:", "1"},
                                         {"x\x80", "1"},
                                         {"x", " 1"},
                                         {"x", "1\t"},
                                         {"x", "a\rb"},
                                         {"x", "a\nb"},
                                         {"x", std::string("a\0b", 3)},
                                         {"x", "a\x7f"},
                                         {"connection", "close"},
                                         {"keep-alive", "1"},
                                         {"proxy-connection", "close"},
                                         {"upgrade", "websocket"},
                                         {"transfer-encoding", "chunked"},
                                         {"te", "gzip"},
                                         {"te", "trailers, deflate"},
                                         {"content-length", "+5"},
                                         {"content-length", ""},
                                         {"content-length", "5, 6"},
                                         {"content-length", "18446744073709551621"}})
    EXPECT_TRUE(flaw(with(get(), {{name, value}}))) << name << "=" << value;
  EXPECT_TRUE(flaw(with(get(), {{"content-length", "5"}, {"content-length", "5"}})));
  EXPECT_FALSE(flaw(with(get(), {{"x_a", "\xe4"}, {"x-b", ""}, {"x-c", "a \t b"}})));
  Pairs late = with(get(), {{"x", "1"}});
  std::swap(late[3], late[4]);
  EXPECT_TRUE(flaw(late));
  Pairs connect = get();
  connect[0].second = "CONNECT";
  EXPECT_TRUE(flaw(connect));
}

TEST(H2Heads, EveryByteOfAValueIsLookedAt) {
  for (int c = 0; c < 256; ++c)
    for (std::size_t at = 0; at < 21; ++at) {
      std::string value(21, 'v');
      value[at] = static_cast<char>(c);
      const bool blank = c == ' ' || c == '\t';
      const bool good = blank ? at > 0 && at < 20 : c > ' ' && c != 0x7f;
      Block block(with(get(), {{"x", value}}));
      ASSERT_EQ(check_request(block).flaw == nullptr, good) << c << " at " << at;
    }
}

TEST(H2Heads, AnswersAreCheckedAlike) {
  const auto form = [](const Pairs& fields) {
    Block block(fields);
    return check_answer(block);
  };
  EXPECT_EQ(form({{":status", "200"}, {"content-length", "7"}}).content_length, 7);
  EXPECT_EQ(form({{":status", "599"}}).status, 599);
  for (const Pairs& fields :
       {Pairs{}, Pairs{{":status", "20"}}, Pairs{{":status", "600"}}, Pairs{{":status", "099"}},
        Pairs{{":status", "101"}}, Pairs{{":status", "200"}, {":status", "200"}},
        Pairs{{":status", "200"}, {":path", "/"}}, Pairs{{":status", "200"}, {"connection", "close"}},
        Pairs{{":status", "200"}, {"X", "1"}}, Pairs{{":status", "103"}, {"content-length", "1"}}})
    EXPECT_NE(form(fields).flaw, nullptr);
  Block pseudo(Pairs{{":status", "200"}});
  EXPECT_NE(check_trailers(pseudo).flaw, nullptr);
  Block sound(Pairs{{"grpc-status", "0"}, {"content-length", "3"}});
  EXPECT_EQ(check_trailers(sound).flaw, nullptr);
  std::vector<http::Field> trailers;
  read_trailers(sound, trailers);
  ASSERT_EQ(trailers.size(), 1u);
  EXPECT_EQ(trailers[0].name, "grpc-status");
}

http::ResponseHead answer(const Pairs& fields, bool end, bool was_head, std::unique_ptr<Block>& block) {
  block = std::make_unique<Block>(fields);
  EXPECT_EQ(check_answer(*block).flaw, nullptr);
  http::ResponseHead head;
  read_answer(*block, end, was_head, head);
  return head;
}

TEST(H2Heads, HowLongAnAnswerIs) {
  std::unique_ptr<Block> block;
  const Pairs ok = {{":status", "200"}}, sized = {{":status", "200"}, {"content-length", "7"}};
  EXPECT_EQ(answer(ok, false, false, block).body, BodyLength::unknown);
  EXPECT_EQ(answer(ok, true, false, block).body, BodyLength::known);  // 0: HTTP/1 needs it said
  EXPECT_FALSE(answer(ok, true, false, block).has_content_length);
  EXPECT_EQ(answer(sized, false, false, block).body, BodyLength::known);
  EXPECT_EQ(answer(sized, false, false, block).content_length, 7u);
  EXPECT_EQ(answer(sized, true, true, block).body, BodyLength::none);
  EXPECT_TRUE(answer(sized, true, true, block).has_content_length);
  EXPECT_EQ(answer({{":status", "204"}}, true, false, block).body, BodyLength::none);
  EXPECT_EQ(answer({{":status", "304"}, {"content-length", "7"}}, true, false, block).body, BodyLength::none);
  EXPECT_EQ(answer({{":status", "200"}, {"content-length", "0"}}, false, false, block).body,
            BodyLength::unknown);
  EXPECT_EQ(answer(ok, false, false, block).reason, "OK");
}

Pairs pairs(const FieldList& list) {
  Pairs fields;
  const FieldSpan span = list.span();
  for (std::size_t i = 0; i < span.size(); ++i)
    fields.emplace_back(std::string(span.name(i)), std::string(span.value(i)));
  return fields;
}
std::string value_of(const Pairs& fields, std::string_view name) {
  std::string all;
  for (const auto& [n, value] : fields)
    if (n == name) all += (all.empty() ? "" : "|") + value;
  return all;
}

TEST(H2Heads, ARequestGoesOn) {
  Read read(with(post("/p/a?b"), {{"te", "trailers"}, {"content-length", "3"}, {"X-Sluice-Preview", "x"}}),
            false);
  Read good(with(post("/p/a?b"), {{"te", "trailers"}, {"content-length", "3"}, {"x-sluice-preview", "x"}}),
            false);
  EXPECT_NE(read.form.flaw, nullptr);
  http::ForwardContext context;
  context.client_ip = "192.0.2.1";
  context.proto = "https";
  context.strip_prefix = "/p";
  FieldList list;
  write_request(good.head, context, "http", list);
  const Pairs fields = pairs(list);
  EXPECT_EQ(fields[0], (std::pair<std::string, std::string>(":method", "POST")));
  EXPECT_EQ(value_of(fields, ":scheme"), "http");
  EXPECT_EQ(value_of(fields, ":authority"), "a.example");
  EXPECT_EQ(value_of(fields, ":path"), "/a?b");
  EXPECT_EQ(value_of(fields, "te"), "trailers");
  EXPECT_EQ(value_of(fields, "content-length"), "3");
  EXPECT_EQ(value_of(fields, "via"), "2.0 sluice");
  EXPECT_EQ(value_of(fields, "x-forwarded-for"), "192.0.2.1");
  EXPECT_EQ(value_of(fields, "x-sluice-preview"), "");
  EXPECT_EQ(value_of(fields, "host"), "");
  Block again(fields);
  EXPECT_EQ(check_request(again).flaw, nullptr);
}

// What a client says of itself, and then a request: of a list, or field by field.
std::string said(const http::RequestHead& head, const http::ForwardContext& context, bool by_list) {
  Session session(Role::client, {});
  for (int i = 0; i < 2; ++i) {  // the second time out of the table
    if (by_list) {
      FieldList list;
      write_request(head, context, "http", list);
      session.open(list, true, nullptr);
    } else {
      HeadBlock* const block = session.begin_open();
      if (!block) return "none may be opened";
      write_request(head, context, "http", *block);
      session.end_open(head.is_head, true, nullptr);
    }
    session.receive(Peer::settings({}), 0);
  }
  Buffer out;
  session.produce(out, 1 << 20);
  return std::string(out.view());
}

TEST(H2Heads, AHeadThatIsSaidFieldByFieldIsThatOfAList) {
  Pairs fields =
      with(post("/p/a?b"), {{"te", "trailers"}, {"x-forwarded-for", "192.0.2.7"}, {"x-empty", ""}});
  Read read(fields, false), large(with(fields, {{"x-large", std::string(20'000, 'x')}}), false);
  http::RequestHead own = read.head;  // as HTTP/1 has it: names as they came, values elsewhere
  own.fields.push({"X-Mixed-Case", "Value", http::Header::other});
  http::ForwardContext plain, changed;
  changed.client_ip = "192.0.2.1";
  changed.trusted = true;
  changed.strip_prefix = "/p/a";  // the path is said in parts then
  changed.feature_flags = "a=on";
  for (const http::RequestHead* head : {&read.head, &large.head, &own})
    for (const http::ForwardContext* context : {&plain, &changed})
      EXPECT_EQ(said(*head, *context, false), said(*head, *context, true));
  EXPECT_GT(said(large.head, plain, false).size(), 20'000u) << "in two frames";
}

TEST(H2Heads, AHeadGoesNowhereOnAStreamThatHasSaidOneOrIsNone) {
  Session session(Role::client, {});
  ASSERT_NE(session.begin_open(), nullptr);
  const StreamId id = session.end_open(false, false, nullptr);
  EXPECT_EQ(id, 1);
  EXPECT_EQ(session.begin_open(), nullptr) << "one is tried before the peer's SETTINGS";
  EXPECT_EQ(session.begin_head(id), nullptr);
  EXPECT_EQ(session.begin_head(99), nullptr);
}

TEST(H2Heads, WhatIsNeverIndexedGoesOnSo) {
  Block block(get());
  hpack::FieldForm secret = hpack::form_of("x-token", "t");
  secret.never_indexed = true;
  block.add({"x-token", "t", secret}, 32 * 1024, 100);
  block.add({"x-other", "t", hpack::form_of("x-other", "t")}, 32 * 1024, 100);
  http::RequestHead head;
  ASSERT_EQ(read_request(block, true, 8192, head).reason, nullptr);
  FieldList list;
  write_request(head, {}, "http", list);
  const FieldSpan span = list.span();
  for (std::size_t i = 0; i < span.size(); ++i)
    EXPECT_EQ(span.form(i).never_indexed, span.name(i) == "x-token") << span.name(i);
}

TEST(H2Heads, AWebSocketGoesOnAsAnExtendedConnect) {
  http::RequestHead head;
  head.method = "GET", head.path = "/chat", head.host = "a.example", head.upgrade = "websocket";
  head.fields.push("Sec-WebSocket-Key", "abc");
  head.fields.push("Sec-WebSocket-Version", "13");
  FieldList list;
  write_request(head, {}, "https", list);
  const Pairs fields = pairs(list);
  EXPECT_EQ(value_of(fields, ":method"), "CONNECT");
  EXPECT_EQ(value_of(fields, ":protocol"), "websocket");
  EXPECT_EQ(value_of(fields, "sec-websocket-version"), "13");
  EXPECT_EQ(value_of(fields, "sec-websocket-key"), "");
  EXPECT_EQ(value_of(fields, "via"), "1.1 sluice");
  Block again(fields);
  EXPECT_EQ(check_request(again).flaw, nullptr);

  http::ResponseHead tunnel;
  tunnel.status = 101, tunnel.upgrade = true;
  tunnel.fields.push("Sec-WebSocket-Accept", "xyz");
  write_interim(tunnel, list);
  EXPECT_EQ(value_of(pairs(list), ":status"), "200");
  EXPECT_EQ(value_of(pairs(list), "sec-websocket-accept"), "");
}

TEST(H2Heads, AnAnswerGoesOn) {
  FieldList list;
  http::ResponseHead head;
  head.status = 200;
  head.body = BodyLength::unknown;
  head.fields.push("Content-Type", "a");
  head.fields.push("Transfer-Encoding", "chunked");
  head.fields.push("Trailer", "x");
  EXPECT_FALSE(write_answer(head, {}, "now", false, list));
  Pairs fields = pairs(list);
  EXPECT_EQ(fields[0], (std::pair<std::string, std::string>(":status", "200")));
  EXPECT_EQ(value_of(fields, "content-type"), "a");
  EXPECT_EQ(value_of(fields, "date"), "now");
  EXPECT_EQ(value_of(fields, "trailer"), "x");
  EXPECT_EQ(value_of(fields, "transfer-encoding"), "");
  EXPECT_EQ(value_of(fields, "content-length"), "");

  head.body = BodyLength::known, head.has_content_length = true, head.content_length = 9;
  EXPECT_FALSE(write_answer(head, {}, "now", false, list));
  EXPECT_EQ(value_of(pairs(list), "content-length"), "9");
  EXPECT_TRUE(write_answer(head, {}, "now", true, list));  // HEAD
  EXPECT_EQ(value_of(pairs(list), "content-length"), "9");
  head.content_length = 0;
  EXPECT_TRUE(write_answer(head, {}, "now", false, list));
  EXPECT_EQ(value_of(pairs(list), "content-length"), "0");
  head.has_content_length = false;  // Trailers-Only
  EXPECT_TRUE(write_answer(head, {}, "now", false, list));
  EXPECT_EQ(value_of(pairs(list), "content-length"), "");
  head.status = 204, head.body = BodyLength::none, head.has_content_length = true;
  EXPECT_TRUE(write_answer(head, {}, "now", false, list));
  EXPECT_EQ(value_of(pairs(list), "content-length"), "");
}

TEST(H2Heads, OwnAnswersAndTrailers) {
  FieldList list;
  write_reply({503, "overload", 12, 3}, "now", list);
  const Pairs fields = pairs(list);
  EXPECT_EQ(value_of(fields, ":status"), "503");
  EXPECT_EQ(value_of(fields, "content-length"), "12");
  EXPECT_EQ(value_of(fields, "x-sluice-error"), "overload");
  EXPECT_EQ(value_of(fields, "retry-after"), "3");
  const http::Field trailers[] = {{"Grpc-Status", "0"}};
  write_trailers(trailers, list);
  EXPECT_EQ(pairs(list), (Pairs{{"grpc-status", "0"}}));
}

TEST(H2Heads, ACallIsAPostOfGrpc) {
  EXPECT_TRUE(Read(with(post(), {{"content-type", "application/grpc+proto"}}), false).head.is_grpc);
  EXPECT_FALSE(Read(with(post(), {{"content-type", "application/grpc-web"}}), false).head.is_grpc);
  EXPECT_FALSE(Read(with(get(), {{"content-type", "application/grpc"}})).head.is_grpc);
  EXPECT_FALSE(Read(post(), false).head.is_grpc);
}

TEST(H2Heads, AnOwnAnswerToACallIsAStatus) {
  FieldList list;
  write_grpc_reply(GrpcStatus::unavailable, "100 % \xc3\xa9.\n", "no_backend", "now", list);
  EXPECT_EQ(pairs(list), (Pairs{{":status", "200"},
                                {"content-type", "application/grpc"},
                                {"date", "now"},
                                {"x-sluice-error", "no_backend"},
                                {"grpc-status", "14"},
                                {"grpc-message", "100 %25 %C3%A9."}}));
}

TEST(H2Heads, AttemptsOfTheProxyAreCountedInPlaceOfTheClients) {
  const Read read(with(post(), {{"grpc-previous-rpc-attempts", "2"}, {"a", "b"}}), false);
  http::ForwardContext context;
  FieldList list;
  write_request(read.head, context, "http", list);
  EXPECT_EQ(value_of(pairs(list), "grpc-previous-rpc-attempts"), "2");
  context.previous_attempts = 3;
  write_request(read.head, context, "http", list);
  const Pairs fields = pairs(list);
  EXPECT_EQ(value_of(fields, "grpc-previous-rpc-attempts"), "3");
  EXPECT_EQ(std::count_if(fields.begin(), fields.end(),
                          [](const auto& field) { return field.first == "grpc-previous-rpc-attempts"; }),
            1);
  EXPECT_EQ(value_of(fields, "a"), "b");
}

}  // namespace
}  // namespace sluice::h2
