// Whom the daemon tells of what happens.
#include <algorithm>

#include "proxy/config/keys.hpp"

namespace sluice::config {
namespace {

constexpr milliseconds kLongestTry = 60s, kLongestGroupWait = 10min;

void check_where(const YamlValue& value, const NotifySpec& target, const KeysRead& keys) {
  const bool by_url = keys.find("url") || keys.complained_about("url");
  const bool by_file = keys.find("url_file") || keys.complained_about("url_file");
  if (by_url == by_file)
    value.complain("a target of notices has one of url and url_file" +
                   std::string(by_url ? ", here are both" : ", the file that holds the URL"));
  if (target.reach.ca.empty() || !target.url.starts_with("http://")) return;
  keys.find("ca")->complain("'ca' has a meaning only with an https:// URL");
}

void at_most(const KeysRead& keys, const char* key, milliseconds time, milliseconds most) {
  if (time > most) keys.find(key)->complain("'" + std::string(key) + "' is at most " + format_duration(most));
}

}  // namespace

void read(const YamlValue& value, std::string& url, SecretUrl) {
  std::string text;
  if (!value.text(text)) return;
  if (const Invalid invalid = secret_url_error(text))
    return value.complain(value.name() + ": " + invalid->what);
  url = std::move(text);
}

void read(const YamlValue& value, std::vector<NoticeKind>& kinds, NoticeKinds) {
  value.each("an event", [&](const YamlValue& element) {
    NoticeKind kind{};
    if (!element.choice(kind, std::span<const Word<NoticeKind>>(kNoticeKinds))) return;
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end())
      return element.complain("duplicate event");
    kinds.push_back(kind);
  });
  if (value.is_list() && value.empty())
    value.complain(value.name() + " is empty, leave it out to be told of everything");
}

void read(const YamlValue& value, std::vector<std::string>& patterns, Patterns) {
  value.each("a service", [&](const YamlValue& element) {
    std::string pattern;
    if (element.text(pattern)) patterns.push_back(std::move(pattern));
  });
  if (value.is_list() && value.empty())
    value.complain(value.name() + " is empty, leave it out to be told of all services");
}

void read(const YamlValue& value, NotifySpec& target, Plain) {
  const KeysRead keys = read_keys(value, target);
  if (!value.is_map()) return;
  check_where(value, target, keys);
  at_most(keys, "timeout", target.timeout, kLongestTry);
  at_most(keys, "group_wait", target.group_wait, kLongestGroupWait);
  if (!target.reach.user.empty() && !target.reach.bearer_file.empty())
    keys.find("bearer_file")
        ->complain(
            "a target of notices has one of basic_auth and bearer_file, both are the Authorization of "
            "its requests");
}

}  // namespace sluice::config
