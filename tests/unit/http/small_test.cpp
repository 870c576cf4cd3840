// Names, authorities, cookies, trace context and the words of a status.
#include <gtest/gtest.h>

#include <string>

#include "proxy/http/authority.hpp"
#include "proxy/http/cookies.hpp"
#include "proxy/http/message.hpp"
#include "proxy/http/reason.hpp"
#include "proxy/http/trace.hpp"

namespace sluice::http {
namespace {

// Eight letters are compared at once: of each size and at each place what one letter by itself says.
TEST(Iequals, LettersAreAlikeInAnyCaseAndNothingElseIs) {
  for (std::size_t size = 1; size <= 20; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (const char mine : std::string_view("@AZ[`az{-\xc1\xe1"))
        for (int other = 0; other < 256; ++other) {
          std::string a(size, 'q'), b(size, 'Q');
          a[at] = mine;
          b[at] = static_cast<char>(other);
          ASSERT_EQ(iequals(a, b), to_lower(a[at]) == to_lower(b[at]))
              << size << " " << at << " " << mine << " " << other;
        }
  EXPECT_TRUE(iequals("", ""));
  EXPECT_FALSE(iequals("grpc-status", "grpc-statu"));
}

TEST(Names, AreKnownInAnyCase) {
  EXPECT_EQ(header_id("HOST"), Header::host);
  EXPECT_EQ(header_id("te"), Header::te);
  EXPECT_EQ(header_id("Transfer-Encoding"), Header::transfer_encoding);
  EXPECT_EQ(header_id("hTTp2-sETTINGS"), Header::hop_by_hop);
  EXPECT_EQ(header_id("X-Forwarded-Anything"), Header::forwarded);
  EXPECT_EQ(header_id("X-Forwarded-"), Header::forwarded);
  EXPECT_EQ(header_id("x-forwarded-FOR"), Header::forwarded_for);
  EXPECT_EQ(header_id("X-Forwarded-Proto"), Header::forwarded_proto);
  EXPECT_EQ(header_id("X-Forwarded-Host"), Header::forwarded_host);
  EXPECT_EQ(header_id("X-Forwarded-Port"), Header::forwarded_port);
  EXPECT_EQ(header_id("X-Forwarded-Fore"), Header::forwarded);
  EXPECT_EQ(header_id("X-Client-Cert-Subject"), Header::ours);
  EXPECT_EQ(header_id("X-Real-IP"), Header::ours);
  EXPECT_EQ(header_id("KEEP-ALIVE"), Header::keep_alive);
  EXPECT_EQ(header_id("Proxy-Authorization"), Header::authorization);
  EXPECT_EQ(header_id("WWW-Authenticate"), Header::authenticate);
  EXPECT_EQ(header_id("x-sluice-pool"), Header::sluice);
  EXPECT_EQ(header_id("traceparent"), Header::traceparent);
}

TEST(Names, NearMissesAreOthers) {
  for (const char* name : {"", "x", "hosts", "hos", "x-sluice", "xforwarded-for", "transfer-%45ncoding",
                           "Transfer-Encodings", "x-real-ips", "a-name-longer-than-any-known-one"})
    EXPECT_EQ(header_id(name), Header::other) << name;
}

TEST(Names, UnderscoresImitate) {
  EXPECT_EQ(header_id("Content_Length"), Header::alias);
  EXPECT_EQ(header_id("X_Forwarded-For"), Header::alias);
  EXPECT_EQ(header_id("X-Forwarded_User"), Header::alias);
  EXPECT_EQ(header_id("x_forwarded_user"), Header::alias);
  EXPECT_EQ(header_id("my_field"), Header::other);
}

TEST(Names, R4_SchemesThatLogAConnectionIn) {
  for (const char* list : {"NTLM", "ntlm TlRMTVNT==", "Negotiate", "NEGOTIATE\tx", "Basic realm=\"a\", NTLM",
                           "Bearer, ,Digest a=\"b,c\" , negotiate"})
    EXPECT_TRUE(logs_connection_in(list)) << list;
  for (const char* list : {"", ",", "Basic", "Basic TlRMTQ==", "Basic realm=\"NTLM\"", "NTLMv2 x",
                           "Bearer Negotiate", "Digest a=NTLM"})
    EXPECT_FALSE(logs_connection_in(list)) << list;
}

// `ids` says of each field that is there that it is, and of no other, also in a copy and after clear().
TEST(Fields, KnowWhichAreThere) {
  Fields fields;
  fields.push("Cookie", "a=1");
  fields.push({"Host", "h", Header::host});
  const Fields copy = fields;
  for (const FieldTraits& traits : kTraits) {
    const bool there = traits.id == Header::cookie || traits.id == Header::host;
    EXPECT_EQ(copy.ids().has(traits.id), there);
    EXPECT_EQ(copy.find(traits.id) != nullptr, there);
  }
  fields.clear();
  EXPECT_FALSE(fields.ids().has(Header::host));
  EXPECT_EQ(fields.find(Header::host), nullptr);
}

TEST(Decimals, FitOrAreNone) {
  constexpr std::uint64_t kMax = 0x7fffffffffffffff;
  const auto read = [](std::string_view digits, std::uint64_t max) {
    std::uint64_t value = 77;
    return parse_decimal(digits, max, value) ? std::to_string(value) : "none " + std::to_string(value);
  };
  EXPECT_EQ(read("0", 0), "0");
  EXPECT_EQ(read("1", 0), "none 77");
  EXPECT_EQ(read("9223372036854775807", kMax), "9223372036854775807");
  EXPECT_EQ(read("9223372036854775808", kMax), "none 77");
  EXPECT_EQ(read("9999999999999999999", kMax), "none 77");
  EXPECT_EQ(read("18446744073709551617", kMax), "none 77");  // 1 modulo 2^64
  EXPECT_EQ(read("00000000000000000000000000000000000065535", 65535), "65535");
  EXPECT_EQ(read("0000000000000000000000000000000000000000", 65535), "0");
  for (const char* bad : {"", "-1", "+1", "1a", "a1", " 1", "1 ", "0x1", "00000000000000000000000000000000a",
                          "1\n", "12345678901234567890123a"})
    EXPECT_EQ(read(bad, kMax), "none 77") << bad;
}

TEST(Authorities, AreNamesOrAddressesWithAPort) {
  for (const char* good : {"a", "a.b-c_d~e", "a:", "a:0", "a:65535", "127.0.0.1:80", "[::1]",
                           "[::ffff:1.2.3.4]:443", "a%20b", "%61", "a%20:1"})
    EXPECT_TRUE(is_authority(good)) << good;
  for (const char* bad : {"", ":80", "a:65536", "a:+1", "a,b", "[]", "[::1", "::1", "[::1]80", "a%2g", "a%",
                          "a%2:80", "a%:80", "%", "a:1:2"})
    EXPECT_FALSE(is_authority(bad)) << bad;
}

TEST(Cookies, AreFoundByTheirExactName) {
  Fields fields;
  fields.push("Cookie", "a=1;session=abc; b=\"quoted\"; empty=; =x; session=later");
  fields.push("Cookie", "c=3=4");
  EXPECT_EQ(cookie_value(fields, "a"), "1");
  EXPECT_EQ(cookie_value(fields, "session"), "abc");
  EXPECT_EQ(cookie_value(fields, "b"), "quoted");
  EXPECT_EQ(cookie_value(fields, "empty"), "");
  EXPECT_EQ(cookie_value(fields, "c"), "3=4");
  EXPECT_EQ(cookie_value(fields, "Session"), "");
  EXPECT_EQ(cookie_value(fields, "sess"), "");
}

TEST(Queries, GiveSingleValues) {
  EXPECT_EQ(query_value("a=1&user=7&b", "user"), "7");
  EXPECT_EQ(query_value("a=1&user=7&user=8", "user"), "7");
  EXPECT_EQ(query_value("xuser=7", "user"), "");
  EXPECT_EQ(query_value("user", "user"), "");
  EXPECT_EQ(query_value("", "user"), "");
}

TEST(Traces, AreReadAndWritten) {
  const std::string text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto parent = read_traceparent(text);
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(parent->span_id, "00f067aa0ba902b7");
  EXPECT_EQ(parent->flags, TraceParent::kSampled);
  char storage[55];
  EXPECT_EQ(write_traceparent(*parent, storage), text);
  // Of a later version, and of unknown flags, goes on what is known.
  const std::string newer = "cc" + text.substr(2, 51) + "fe-more";
  const auto later = read_traceparent(newer);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->flags, 2);
  EXPECT_EQ(write_traceparent(*later, storage), text.substr(0, 54) + "2");
  EXPECT_FALSE(read_traceparent(text.substr(1)));
  char id[16];
  write_span_id(0, id);
  EXPECT_EQ(std::string_view(id, sizeof id), "0000000000000001") << "never all zero";
}

TEST(Traces, AreJudgedByTheirForm) {
  const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(is_traceparent(good));
  EXPECT_TRUE(is_traceparent("cc" + good.substr(2) + "-more"));
  EXPECT_FALSE(is_traceparent(good + "-more"));
  EXPECT_FALSE(is_traceparent("cc" + good.substr(2) + "more"));
  EXPECT_FALSE(is_traceparent("ff" + good.substr(2)));
  EXPECT_FALSE(is_traceparent(good.substr(1)));
  EXPECT_FALSE(is_traceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
  EXPECT_FALSE(is_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  EXPECT_FALSE(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  char parent[55], id[32];
  EXPECT_TRUE(is_traceparent(make_traceparent({0, 0, 0}, {}, parent)));
  EXPECT_EQ(make_traceparent({1, 3, 5}, {}, parent).substr(3, 32), make_request_id({1, 3, 5}, id));
  const std::string made(make_traceparent({1, 3, 5}, {}, parent));
  EXPECT_EQ(make_traceparent({1, 3, 5}, make_request_id({1, 3, 5}, id), parent), made);
}

TEST(Reasons, HavePhrasesForWhatWeSay) {
  for (int status : {400, 404, 408, 413, 414, 417, 421, 429, 431, 501, 502, 503, 504, 505}) {
    EXPECT_NE(reason_phrase(status), reason_phrase(499)) << status;
    EXPECT_NE(reason_phrase(status), reason_phrase(599)) << status;
  }
}

}  // namespace
}  // namespace sluice::http
