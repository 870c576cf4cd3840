// Where spans go.
#include <algorithm>
#include <set>

#include "proxy/base/suggest.hpp"
#include "proxy/base/url.hpp"
#include "proxy/config/keys.hpp"

namespace sluice::config {
namespace {

// The exporter says these itself.
constexpr std::string_view kItsOwn[] = {"host",       "content-type", "content-length", "transfer-encoding",
                                        "connection", "accept",       "user-agent",     "te",
                                        "upgrade",    "expect"};

// What is said shows nothing of the value.
void read_secret_header(const std::string& name, const YamlValue& value, std::string& into) {
  std::string text;
  if (!value.text(text)) return;
  const std::string which = "the value of the header " + quoted(name);
  if (text == kHiddenValue)
    return value.complain("this is how `config show` writes " + which + ": write the value itself");
  if (field_value_error(text)) return value.complain(which + " has a character that no header may have");
  into = std::move(text);
}

void check_authorization(const TracingSpec& tracing, const KeysRead& keys) {
  const bool basic = !tracing.reach.user.empty(), bearer = !tracing.reach.bearer_file.empty();
  const bool header = std::ranges::any_of(
      tracing.headers, [](const auto& field) { return lower(field.first) == "authorization"; });
  if (basic + bearer + header < 2) return;
  const char* const last = header ? "headers" : "bearer_file";
  keys.find(last)->complain(
      "'tracing' has one of basic_auth, bearer_file and a header Authorization, each is the Authorization of "
      "its requests");
}

}  // namespace

void read(const YamlValue& value, std::vector<std::pair<std::string, std::string>>& headers, SecretHeaders) {
  std::set<std::string> seen;
  value.pairs("header", [&](const std::string& name, const YamlValue& v) {
    const auto say = [&](const std::string& what) { v.complaints().add(v.key_place(), what, ""); };
    if (const Invalid invalid = token_error(name, "a header name")) return say(invalid->what);
    if (std::ranges::find(kItsOwn, lower(name)) != std::end(kItsOwn))
      return say("the header " + quoted(name) + " is the exporter's own");
    if (!seen.insert(lower(name)).second) return say("duplicate header " + quoted(name));
    std::string text;
    read_secret_header(name, v, text);
    if (!text.empty()) headers.emplace_back(name, std::move(text));
  });
}

// "off", or a map.
void read(const YamlValue& value, TracingSpec& tracing, Plain) {
  if (value.is_map()) {
    const KeysRead keys = read_keys(value, tracing);
    if (!tracing.reach.ca.empty() && tracing.endpoint.starts_with("http://"))
      keys.find("ca")->complain("'ca' has a meaning only with an https:// URL");
    return check_authorization(tracing, keys);
  }
  if (value.says_off()) return tracing.endpoint.clear();
  std::string word;
  if (value.is_scalar()) value.maybe_empty(word);
  const std::vector<std::string> words = {"off"};
  value.complain("'tracing' must be off or a map such as {endpoint: \"http://127.0.0.1:4318\", ratio: 1%}",
                 parse_url(word) ? "{endpoint: \"" + word + "\"}" : suggest(word, words));
}

}  // namespace sluice::config
