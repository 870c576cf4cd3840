// The table of what the proxy does with each field name.
#include "proxy/http/names.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace sluice::http {
namespace {

static_assert(std::size(kTraits) == static_cast<std::size_t>(Header::alias) + 1);
static_assert(traits_of(Header::host).id == Header::host && traits_of(Header::alias).id == Header::alias);

// X6: both directions leave what belongs to one connection behind, in whatever case it is written.
TEST(field_traits, X6_what_belongs_to_one_hop_ends_there) {
  for (const char* name : {"Connection", "Keep-Alive", "Proxy-Connection", "HTTP2-Settings", "TE", "Upgrade",
                           "Transfer-Encoding", "content-length"}) {
    const FieldTraits& traits = traits_of(header_id(name));
    EXPECT_EQ(traits.to_backend, ToBackend::never) << name;
    EXPECT_EQ(traits.to_client, ToClient::never) << name;
  }
}

TEST(field_traits, what_only_the_proxy_may_say_reaches_no_backend) {
  for (const char* name :
       {"X-Real-IP", "Client-Cert", "X-Client-Cert-Subject", "X-Feature-Flags", "X-Sluice-Pool",
        "X-Forwarded-For", "X-Request-ID", "Proxy", "Content_Length", "X_Forwarded_For"})
    EXPECT_EQ(traits_of(header_id(name)).to_backend, ToBackend::never) << name;
  EXPECT_EQ(traits_of(header_id("X-Forwarded-User")).to_backend, ToBackend::if_trusted);
}

TEST(field_traits, what_nobody_acts_on_passes_unread) {
  const FieldTraits& traits = traits_of(header_id("Accept"));
  EXPECT_EQ(traits.says, Says::nothing);
  EXPECT_EQ(traits.to_backend, ToBackend::pass);
  EXPECT_EQ(traits.to_client, ToClient::pass);
}

// Of what frames a message nothing may go on as it came: both ends would then read another length.
TEST(field_traits, X1_what_frames_is_read_and_written_anew) {
  for (const FieldTraits& traits : kTraits) {
    const bool frames =
        traits.says == Says::length || traits.says == Says::coding || traits.says == Says::options;
    const bool ends = traits.to_backend == ToBackend::never && traits.to_client == ToClient::never;
    EXPECT_TRUE(ends || !frames) << static_cast<int>(traits.id);
  }
}

// All names that are known, and whatever differs from one of them in a byte.
TEST(field_names, are_found_whole_and_only_whole) {
  const std::string known[] = {"te",
                               "via",
                               "host",
                               "date",
                               "proxy",
                               "expect",
                               "cookie",
                               "trailer",
                               "upgrade",
                               "forwarded",
                               "x-real-ip",
                               "connection",
                               "keep-alive",
                               "tracestate",
                               "client-cert",
                               "traceparent",
                               "max-forwards",
                               "x-request-id",
                               "authorization",
                               "content-length",
                               "http2-settings",
                               "x-feature-flags",
                               "proxy-connection",
                               "www-authenticate",
                               "client-cert-chain",
                               "transfer-encoding",
                               "proxy-authenticate",
                               "proxy-authorization"};
  for (const std::string& name : known) {
    const Header id = header_id(name);
    EXPECT_NE(id, Header::other) << name;
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::string other = name;
      other[i] = static_cast<char>(std::toupper(name[i]));
      EXPECT_EQ(header_id(other), id) << other;
      for (const char c : std::string_view("!#$%&'*+.^`|~j7")) {
        other[i] = c;
        EXPECT_EQ(header_id(other), Header::other) << other;
      }
      if (name[i] != '-') continue;
      other[i] = '_';
      EXPECT_EQ(header_id(other), Header::alias) << other;
    }
    EXPECT_EQ(header_id(name + "s"), Header::other) << name;
    EXPECT_EQ(header_id(name + std::string(32, 's')), Header::other) << name;  // sizes are told modulo 32
  }
}

TEST(header_sets, hold_what_was_added) {
  HeaderSet set;
  EXPECT_FALSE(set.has(Header::other));
  set.add(Header::alias);
  set.add(Header::cookie);
  for (const FieldTraits& traits : kTraits)
    EXPECT_EQ(set.has(traits.id), traits.id == Header::alias || traits.id == Header::cookie);
  const auto saying = HeaderSet::of([](const FieldTraits& traits) { return traits.says == Says::host; });
  EXPECT_TRUE(saying.has(Header::host));
  EXPECT_FALSE(saying.has(Header::cookie));
}

}  // namespace
}  // namespace sluice::http
