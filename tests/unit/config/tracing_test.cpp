// Where spans go: what is refused, what is the default, and that the values of headers are shown nowhere.
#include "proxy/config/dump.hpp"
#include "unit/config/rows.hpp"

namespace sluice::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

std::string tracing(const std::string& text) { return top_3_1("tracing: " + text); }
std::string with_endpoint(const std::string& text) {
  return tracing("{endpoint: \"http://h:4318\", " + text + "}");
}

TEST(BadConfig, Tracing) {
  expect_complaints({
      {tracing("of"), 3, 10, "'tracing' must be off or a map such as", "off"},
      {tracing("\"http://h:4318\""), 3, 10, "'tracing' must be off or a map such as",
       "{endpoint: \"http://h:4318\"}"},
      {tracing("{ratio: 1%}"), 3, 1, "'tracing' needs the key 'endpoint'", ""},
      {tracing("{endpoint: \"h:4318\"}"), 3, 21, "'endpoint'.*is not a URL", "http://h:4318"},
      {tracing("{endpoint: \"http://h/v1/traces\"}"), 3, 21, "/v1/traces is added to it", "http://h"},
      {tracing("{endpoint: \"http://h?a=b\"}"), 3, 21, "it has no query", "http://h"},
      {with_endpoint("ratio: 101%"), 3, 45, "'ratio'", ""},
      {with_endpoint("error: true"), 3, 38, "unknown key 'error'", "errors"},
      {with_endpoint("headers: {Content-Type: x}"), 3, 48, "the header 'Content-Type' is the exporter's own",
       ""},
      {with_endpoint("headers: {a: x, A: y}"), 3, 54, "duplicate header 'A'", ""},
      {with_endpoint("headers: {\"a b\": x}"), 3, 48, "'a b' is not a header name", ""},
      {with_endpoint("headers: {a: \"***\"}"), 3, 51, "this is how `config show` writes", ""},
      {with_endpoint("ca: /etc/hostname"), 3, 42, "'ca' has a meaning only with an https:// URL", ""},
      {with_endpoint("bearer_file: /nowhere"), 3, 51, "the file '/nowhere' cannot be read", ""},
      {with_endpoint("bearer_file: /etc/hostname, headers: {authorization: x}"), 3, 75,
       "one of basic_auth, bearer_file and a header Authorization", ""},
  });
}

TEST(Tracing, NoComplaintShowsAHeadersValue) {
  const Loaded loaded = load_text(with_endpoint("headers: {a: \"S3CRET\\n\"}"), "f.yaml");
  ASSERT_EQ(loaded.complaints.size(), 1u);
  EXPECT_THAT(loaded.complaints[0].text(), HasSubstr("the value of the header 'a' has a character"));
  EXPECT_THAT(loaded.complaints[0].text(), Not(HasSubstr("S3CRET")));
}

TEST(Tracing, IsOffByDefault) {
  EXPECT_FALSE(load_text(top_3_1("workers: 1"), "f.yaml").spec->tracing.on());
  EXPECT_THAT(to_yaml(*load_text(tracing("off"), "f.yaml").spec), HasSubstr("\ntracing: off\n"));
}

TEST(Tracing, DefaultsAreWritten) {
  const Loaded loaded = load_text(with_endpoint("headers: {X-Key: S3CRET}"), "f.yaml");
  ASSERT_TRUE(loaded.spec) << loaded.complaints[0].text();
  const TracingSpec& spec = loaded.spec->tracing;
  EXPECT_TRUE(spec.on() && spec.errors);
  EXPECT_EQ(spec.ratio, kWhole / 100);
  EXPECT_EQ(spec.service_name, "sluice");
  EXPECT_THAT(spec.headers, ElementsAre(Pair("X-Key", "S3CRET")));
  const std::string shown = to_yaml(*loaded.spec);
  EXPECT_THAT(shown, HasSubstr("tracing:\n  endpoint: http://h:4318\n  ratio: 1%\n  errors: true\n  "
                               "service_name: sluice\n  headers:\n    X-Key: \"***\"\n"));
  EXPECT_THAT(shown, Not(HasSubstr("S3CRET")));
}

}  // namespace
}  // namespace sluice::config
