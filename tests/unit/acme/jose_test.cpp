#include "control/acme/jose.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "unit/acme/fixed_key.hpp"

namespace sluice::acme {
namespace {

namespace json = boost::json;

std::string member(const std::string& document, const char* name) {
  return std::string(json::parse(document).at(name).as_string());
}

TEST(Jose, Base64urlHasNoPaddingAndComesBack) {
  // RFC 4648 10, in its alphabet for URLs.
  const std::pair<std::string, std::string> known[] = {
      {"", ""},           {"f", "Zg"},         {"fo", "Zm8"},           {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"\xfb\xff", "-_8"}, {"\xff\xfe\xfd", "__79"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base64url(bytes), text);
    EXPECT_EQ(from_base64url(text), bytes);
  }
  EXPECT_EQ(from_base64url("Zg=="), "f");
  for (const char* wrong : {"Z", "Zm9v+", "Zm9v/w", "Zm 9v", "Zm9vY"})
    EXPECT_FALSE(from_base64url(wrong)) << wrong;
}

// RFC 7638.
TEST(Jose, TheThumbprintIsThatOfOtherLibraries) {
  const Key key = fixed_key();
  EXPECT_EQ(key.thumbprint(), kFixedThumbprint);
  EXPECT_EQ(json::serialize(key.jwk()),
            R"({"crv":"P-256","kty":"EC","x":"-evkZBR8wQLZIyTQmdknwaUOQtV6CKEW_-wKKYGdjGU",)"
            R"("y":"cLr30SiIkCpqDB1nrdEDEjyFmrab-OlDHJOEkw1Lfu4"})");
}

TEST(Jose, AKeyComesBackFromItsPemAndNothingElseDoes) {
  const Key made = Key::make();
  const auto read = Key::from_pem(made.pem());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->thumbprint(), made.thumbprint());
  EXPECT_NE(made.thumbprint(), Key::make().thumbprint());
  EXPECT_FALSE(Key::from_pem(""));
  EXPECT_FALSE(Key::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
}

// RFC 7515 7.2.2, RFC 8555 6.2: the account by its whole key when it has no URL yet, else by that alone.
TEST(Jose, ARequestNamesTheAccountOneWayOrTheOther) {
  const Key key = fixed_key();
  const std::string first = signed_request(key, "", "https://ca.test/new", "n1", "{}");
  EXPECT_EQ(
      *from_base64url(member(first, "protected")),
      R"({"alg":"ES256","nonce":"n1","url":"https://ca.test/new","jwk":)" + json::serialize(key.jwk()) + "}");
  EXPECT_EQ(*from_base64url(member(first, "payload")), "{}");
  EXPECT_EQ(from_base64url(member(first, "signature"))->size(), 64u);
  const std::string later = signed_request(key, "https://ca.test/a/1", "https://ca.test/o", "n2", "");
  EXPECT_EQ(*from_base64url(member(later, "protected")),
            R"({"alg":"ES256","nonce":"n2","url":"https://ca.test/o","kid":"https://ca.test/a/1"})");
  EXPECT_EQ(member(later, "payload"), "");
}

// R and S are of 32 bytes each, however many zeros they begin with: one in 128 is shorter in ASN.1.
TEST(Jose, EverySignatureHasItsFullLength) {
  const Key key = fixed_key();
  for (int i = 0; i < 600; ++i) ASSERT_EQ(key.sign("text " + std::to_string(i)).size(), 64u);
}

TEST(Jose, ABindingIsSignedWithTheSecretOfTheServer) {
  const json::object made = binding(fixed_key(), "kid-1", "secret", "https://ca.test/new");
  EXPECT_EQ(*from_base64url(std::string(made.at("protected").as_string())),
            R"({"alg":"HS256","kid":"kid-1","url":"https://ca.test/new"})");
  EXPECT_EQ(*from_base64url(std::string(made.at("payload").as_string())), json::serialize(fixed_key().jwk()));
  const json::object other = binding(fixed_key(), "kid-1", "Secret", "https://ca.test/new");
  EXPECT_NE(made.at("signature"), other.at("signature"));
  EXPECT_EQ(from_base64url(std::string(made.at("signature").as_string()))->size(), 32u);
}

}  // namespace
}  // namespace sluice::acme
