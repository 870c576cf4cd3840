// X6, CONTRACT Headers: which fields go on, without a wire: a sink takes them as they are decided.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "proxy/http/forward_fields.hpp"
#include "proxy/http/stored_request.hpp"
#include "tests/support/heads.hpp"
#include "tests/unit/http/stored_fields.hpp"

namespace sluice::http {
namespace {

using Entries = testing::StoredFields::Entries;
using sluice::testing::FieldList;

constexpr std::array<std::uint64_t, 3> kRandom = {0x0123456789abcdef, 0xfedcba9876543211, 0x1111111111111111};
constexpr const char* kMadeParent = "00-0123456789abcdeffedcba9876543211-1111111111111111-01";

ForwardContext context() {
  ForwardContext context;
  context.client_ip = "192.0.2.7";
  context.proto = "https";
  context.request_id = "id";
  context.random = kRandom;
  return context;
}

Entries forwarded(const RequestHead& head, const ForwardContext& with) {
  testing::StoredFields sink;
  forward_request(head, with, sink);
  return sink.entries;
}
RequestHead get(FieldList fields) { return sluice::testing::request("GET", "a", "/", fields); }

// What the proxy says of every request for host `a`.
Entries with_added(Entries first) {
  const Entries added = {{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-Proto", "https"},
                         {"X-Forwarded-Host", "a"},        {"X-Request-ID", "id"},
                         {"traceparent", kMadeParent},     {"Via", "1.1 sluice"}};
  first.insert(first.end(), added.begin(), added.end());
  return first;
}

TEST(forward_request, says_who_asks_and_by_which_way) {
  EXPECT_EQ(forwarded(get({}), context()), with_added({}));
}

TEST(forward_request, says_the_span_of_this_hop_instead_of_the_clients) {
  constexpr const char* kClients = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  constexpr const char* kOurs = "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01";
  auto traced = context();
  traced.traceparent = kOurs;
  auto expected = with_added({{"tracestate", "a=1"}});
  std::find_if(expected.begin(), expected.end(), [](auto& field) {
    return field.name == "traceparent";
  })->value = kOurs;
  EXPECT_EQ(forwarded(get({{"traceparent", kClients}, {"tracestate", "a=1"}}), traced), expected);
  expected.erase(expected.begin());
  EXPECT_EQ(forwarded(get({{"traceparent", "nonsense"}, {"tracestate", "a=1"}}), traced), expected)
      << "a state of no trace";
}

TEST(forward_request, leaves_the_words_of_a_wire_to_the_wire) {
  auto head = get({{"Host", "a"}, {"Content-Length", "3"}, {"TE", "trailers"}, {"Accept", "x"}});
  head.body = BodyLength::known;
  head.content_length = 3;
  head.te_trailers = true;
  EXPECT_EQ(forwarded(head, context()), with_added({{"Accept", "x"}}));
}

TEST(forward_request, passes_the_trailer_field_on_where_trailers_may_follow) {
  auto head = get({{"Trailer", "X-Sum"}});
  EXPECT_EQ(forwarded(head, context()), with_added({}));
  head.body = BodyLength::unknown;
  EXPECT_EQ(forwarded(head, context()), with_added({{"Trailer", "X-Sum"}}));
}

TEST(forward_request, puts_lists_together_before_the_sink_sees_them_end) {
  auto trusted = context();
  trusted.trusted = true;
  const auto head = get({{"X-Forwarded-For", "1.1.1.1, ,2.2.2.2"}, {"Forwarded", "for=1.1.1.1"}});
  const auto fields = forwarded(head, trusted);
  ASSERT_EQ(fields.size(), 8u);
  EXPECT_EQ(fields[0].value, "for=1.1.1.1");
  EXPECT_EQ(fields[1].value, "for=192.0.2.7");
  EXPECT_EQ(fields[2].value, "1.1.1.1, 2.2.2.2, 192.0.2.7");
  trusted.client_ip = "2001:db8::1";
  EXPECT_EQ(forwarded(head, trusted)[1].value, "for=\"[2001:db8::1]\"");
}

TEST(forward_request, S8_takes_one_cookie_out_of_the_others) {
  auto dropping = context();
  dropping.drop_cookie = "mine";
  EXPECT_EQ(forwarded(get({{"Cookie", "a=b; mine=x; c=d"}, {"Cookie", "mine=y"}}), dropping),
            with_added({{"Cookie", "a=b; c=d"}}));
}

TEST(forward_request, says_what_is_known_of_the_clients_certificate) {
  const Field identity[] = {{"Client-Cert", ":AA:"}, {"X-Client-Cert-Subject", "CN=a"}};
  auto known = context();
  known.identity = identity;
  const auto fields = forwarded(get({{"Client-Cert", "forged"}}), known);
  EXPECT_EQ(std::ranges::count(fields, "Client-Cert", &testing::StoredFields::Entry::name), 1);
  EXPECT_EQ(fields[3], (testing::StoredFields::Entry{"Client-Cert", ":AA:"}));
  EXPECT_EQ(fields[4], (testing::StoredFields::Entry{"X-Client-Cert-Subject", "CN=a"}));
}

// R4: a copy's connection carries other people's copies, too.
TEST(forward_request, M1_R4_a_copy_does_not_log_its_connection_in) {
  const auto head = get({{"Authorization", "Negotiate YII="}, {"Proxy-Authorization", "NTLM TlR="}});
  EXPECT_EQ(forwarded(head, context()),
            with_added({{"Authorization", "Negotiate YII="}, {"Proxy-Authorization", "NTLM TlR="}}));
  auto copy = context();
  copy.mirror = true;
  EXPECT_EQ(forwarded(head, copy), with_added({}));
  const FieldList basic = {{"Authorization", "Basic QTpi"}};
  EXPECT_EQ(forwarded(get(basic), copy), with_added({{"Authorization", "Basic QTpi"}}));
}

TEST(forwarded_target, is_the_path_without_the_prefix_of_its_route) {
  struct Row {
    const char *target, *prefix, *root, *path;
  };
  for (const Row& row : {Row{"/a/b", "", "", "/a/b"}, Row{"/a/b", "/a", "", "/b"},
                         Row{"/a/b", "/a/", "/", "b"}, Row{"/a", "/a", "/", ""}, Row{"/a", "/x", "", "/a"}}) {
    const auto head = sluice::testing::request("GET", "h", row.target);
    const auto target = forwarded_target(head, row.prefix);
    EXPECT_EQ(target.root, row.root) << row.target << " " << row.prefix;
    EXPECT_EQ(target.path, row.path) << row.target << " " << row.prefix;
    EXPECT_FALSE(target.has_query);
  }
  EXPECT_TRUE(forwarded_target(sluice::testing::request("GET", "h", "/?"), "").has_query);
}

Entries answered(const ResponseHead& head, const AnswerContext& with) {
  testing::StoredFields sink;
  forward_response(head, with, sink);
  return sink.entries;
}

TEST(forward_response, passes_on_what_is_the_clients_and_adds_the_rest) {
  ResponseHead head;
  head.fields.push("Server", "b");
  head.fields.push("Connection", "X-Hop");
  head.fields.push("X-Hop", "1");
  head.fields.push("X-Sluice-Pool", "forged");
  head.fields.push("Trailer", "X-Sum");
  head.names_fields = true;
  const Field extra[] = {{"X-Sluice-Pool", "blue"}};
  EXPECT_EQ(answered(head, {extra, "now", false}),
            (Entries{{"Server", "b"}, {"Via", "1.1 sluice"}, {"Date", "now"}, {"X-Sluice-Pool", "blue"}}));
  EXPECT_EQ(answered(head, {{}, "now", true}),
            (Entries{{"Server", "b"}, {"Trailer", "X-Sum"}, {"Via", "1.1 sluice"}, {"Date", "now"}}));
  head.fields.push("Date", "then");
  EXPECT_EQ(answered(head, {{}, "now", false}),
            (Entries{{"Server", "b"}, {"Date", "then"}, {"Via", "1.1 sluice"}}));
}

TEST(forward_interim, adds_nothing_unless_a_tunnel_opens) {
  ResponseHead head;
  head.status = 103;
  head.fields.push("Link", "</a>");
  testing::StoredFields hints;
  forward_interim(head, hints);
  EXPECT_EQ(hints.entries, (Entries{{"Link", "</a>"}}));
  head.status = 101;
  head.upgrade = true;
  testing::StoredFields tunnel;
  forward_interim(head, tunnel);
  EXPECT_EQ(tunnel.entries, (Entries{{"Link", "</a>"}, {"Via", "1.1 sluice"}}));
}

// --- a request that is kept for later

TEST(stored_request, M1_says_the_same_when_its_bytes_are_gone) {
  StoredRequest stored;
  Entries before;
  {
    // All text in one string that is overwritten before the copy is read.
    std::string text = "POST|h.example|/a|x=1|Accept|*/*|192.0.2.7|id|blue=on|Client-Cert|:AA:|/p|mine";
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at <= text.size();) {
      const auto end = std::min(text.find('|', at), text.size());
      words.push_back(std::string_view(text).substr(at, end - at));
      at = end + 1;
    }
    RequestHead head;
    head.method = words[0];
    head.host = words[1];
    head.path = head.target = words[2];
    head.query = words[3];
    head.body = BodyLength::known;
    head.content_length = 4;
    head.fields.push(words[4], words[5]);
    const Field identity[] = {{words[9], words[10], Header::ours}};
    ForwardContext with = context();
    with.client_ip = words[6];
    with.request_id = words[7];
    with.feature_flags = words[8];
    with.identity = identity;
    with.strip_prefix = words[11];
    with.drop_cookie = words[12];
    with.mirror = true;
    before = forwarded(head, with);
    stored.store(head, with, 4);
    std::ranges::fill(text, '#');
  }
  stored.append_body("bl");
  stored.append_body("ue");
  EXPECT_EQ(forwarded(stored.head(), stored.context()), before);
  EXPECT_EQ(stored.head().method, "POST");
  EXPECT_EQ(stored.head().host, "h.example");
  EXPECT_EQ(stored.head().target, "/a");
  EXPECT_EQ(stored.head().query, "x=1");
  EXPECT_EQ(stored.head().content_length, 4u);
  EXPECT_EQ(stored.context().strip_prefix, "/p");
  EXPECT_EQ(stored.context().drop_cookie, "mine");
  EXPECT_TRUE(stored.context().mirror);
  EXPECT_EQ(stored.body(), "blue");
}

TEST(stored_request, may_be_long_and_is_used_again) {
  StoredRequest stored;
  const std::string value(30'000, 'v'), body(16'384, 'b');
  auto head = get({{"X-Long", value}});
  stored.store(head, context(), body.size());
  stored.append_body(std::string_view(body).substr(0, 100));
  const auto* first = stored.head().fields.begin()->value.data();
  stored.append_body(std::string_view(body).substr(100));
  EXPECT_EQ(stored.head().fields.begin()->value.data(), first) << "nothing moves while the body comes";
  EXPECT_EQ(stored.head().fields.begin()->value, value);
  EXPECT_EQ(stored.body(), body);
  stored.release();
  EXPECT_TRUE(stored.head().fields.empty());
  const auto empty_query = sluice::testing::request("GET", "h", "/?");
  stored.store(empty_query, context(), 0);
  EXPECT_NE(stored.head().query.data(), nullptr) << "the '?' goes on";
  EXPECT_EQ(stored.body(), "");
}

}  // namespace
}  // namespace sluice::http
