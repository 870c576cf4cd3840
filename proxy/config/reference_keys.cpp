// What keys there are, what each holds and its default: a visitor of fields(), and a dump of what nobody
// wrote.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>

#include "proxy/config/dump.hpp"
#include "proxy/config/gate_kinds.hpp"
#include "proxy/config/reference_page.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::config {
namespace {

// ---- what a key holds, in words

std::string numbers(std::uint64_t low, std::uint64_t high) {
  return std::to_string(low) + " to " + std::to_string(high);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes > 0 && bytes % (1024 * 1024) == 0) return std::to_string(bytes / 1024 / 1024) + "MiB";
  if (bytes > 0 && bytes % 1024 == 0) return std::to_string(bytes / 1024) + "KiB";
  return std::to_string(bytes);
}

std::string in_words(const auto& words, const auto& word_of) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "`" : ", `") + std::string(word_of(word)) + "`";
  return text;
}

std::string holds(const bool&, Plain) { return "`true` or `false`"; }
std::string holds(const bool&, ForServices) { return "`true` or `false`"; }
std::string holds(const auto&, Text) { return "a text"; }
std::string holds(const auto&, MaybeEmpty) { return "a text"; }
std::string holds(const auto&, File) { return "a file"; }
std::string holds(const auto&, FileName) { return "a file"; }
std::string holds(const auto&, Whole kind) { return numbers(kind.low, kind.high); }
std::string holds(const auto&, Size kind) {
  return kind.high == UINT64_MAX ? "a size"
                                 : "a size, " + size_text(kind.low) + " to " + size_text(kind.high);
}
std::string holds(const auto&, Duration) { return "a duration"; }
std::string holds(const auto&, WholeSeconds) { return "a duration in whole seconds"; }
std::string holds(const auto&, Percent) { return "a percentage"; }
std::string holds(const auto&, Fraction) { return "a percentage"; }
std::string holds(const auto&, Bind) { return "an address, `HOST:PORT`"; }
std::string holds(const auto&, Origin) { return "`HOST:PORT` or `unix:PATH`"; }
std::string holds(const auto&, SrvName) { return "a name of SRV records"; }
template <class T>
std::string holds(const auto&, const Choice<T>& kind) {
  return in_words(kind.words, [](const auto& word) { return word.word; });
}
std::string holds(const auto&, OneOf kind) {
  return in_words(kind.words, [](std::string_view word) { return word; });
}
std::string holds(const auto&, Workers) { return "`auto`, or 1 to 256"; }
std::string holds(const auto&, SocketMode) { return "octal digits in quotes"; }
std::string holds(const auto&, TunnelSpread) { return "`wait`, `spread:DURATION` or `paced:N/s`"; }
std::string holds(const auto&, NameServers) { return "a list of addresses"; }
std::string holds(const auto&, Domains) { return "a list of names"; }
std::string holds(const auto&, FixedPools) { return "a map of services to pools"; }
std::string holds(const auto&, Networks) { return "a list of networks"; }
std::string holds(const auto&, Protocols) { return "a list of `h2`, `h1`"; }
std::string holds(const auto&, Shares) { return "a map of pools to percentages"; }
std::string holds(const auto&, StickyKeys) {
  return "a list of `header:NAME`, `cookie:NAME`, `query:NAME`, `ip`";
}
std::string holds(const auto&, RateKey) { return "`ip`, `header:NAME`, `cookie:NAME` or `query:NAME`"; }
std::string holds(const auto&, Rate) { return "`N/s`, `N/m` or `N/h`"; }
std::string holds(const auto&, ExpectedStatus) { return "a status or a range of them"; }
std::string holds(const auto&, RetryCauses) { return "a list of `connect`, `reset`, `timeout`, 500 to 599"; }
std::string holds(const auto&, GrpcStatuses) { return "a list of names of gRPC statuses"; }
std::string holds(const auto&, HeaderMatches) { return "a map of fields to values"; }
std::string holds(const auto&, Methods) { return "a list of methods"; }
std::string holds(const auto&, Prefixes) { return "a path's beginning, or a list of them"; }
std::string holds(const auto&, MissingStatuses) { return "a list of statuses, 400 to 499"; }
std::string holds(const auto&, SecretUrl) { return "a URL"; }
std::string holds(const auto&, SecretHeaders) { return "a map of fields to values"; }
std::string holds(const auto&, NoticeKinds) {
  return "a list of " + in_words(kNoticeKinds, [](const auto& word) { return word.word; });
}
std::string holds(const auto&, Patterns) { return "a list of names and patterns"; }
std::string holds(const auto&, GateLimit) { return "a percentage, a duration or a number, as its metric is"; }

// ---- all of them

// The visitor of fields() that notes each key, and makes one of everything that there can be several of, or
// none.
class Collector {
 public:
  Collector(std::string prefix, std::vector<KeyEntry>& found) : prefix_(std::move(prefix)), found_(found) {}

  template <class T, class Kind = Plain>
  void operator()(const char* word, T& member, const Kind& kind = {}, bool required = false) {
    const std::string path = prefix_ + word;
    if constexpr (requires { within(path, member, kind, required); })
      within(path, member, kind, required);
    else
      found_.push_back({path, KeyEntry::Holds::value, holds(member, kind), required, {}, false});
  }

 private:
  template <HasFields T>
  void within(const std::string& path, T& thing, Plain, bool required) {
    note(path, KeyEntry::Holds::map, "a map", thing, required);
  }
  template <HasFields T>
  void within(const std::string& path, std::optional<T>& thing, Plain, bool required) {
    note(path, KeyEntry::Holds::map, "a map", thing.emplace(), required);
  }
  template <HasFields T>
  void within(const std::string& path, std::vector<T>& things, ListOf, bool required) {
    note(path, KeyEntry::Holds::list_of_maps, "a list of maps", things.emplace_back(), required);
  }
  template <HasFields T>
  void within(const std::string& path, std::vector<T>& things, LinesOf, bool required) {
    note(path, KeyEntry::Holds::list_of_maps, "a list of maps", things.emplace_back(), required);
  }
  template <HasFields T>
  void within(const std::string& path, std::vector<T>& things, Named, bool required) {
    note(path, KeyEntry::Holds::named_maps, "a map of names", things.emplace_back(), required);
    things.back().name = "NAME";
  }
  template <HasFields T>
  void note(const std::string& path, KeyEntry::Holds kind, const char* holds, T& thing, bool required) {
    found_.push_back({path, kind, holds, required, {}, false});
    Collector inner(found_.back().inside(), found_);
    T::fields(thing, inner);
  }

  std::string prefix_;
  std::vector<KeyEntry>& found_;
};

// ---- defaults

// Decided when a configuration is loaded, by what else is in it.
const std::map<std::string_view, std::string_view> kDecided = {
    {"admin.socket_group", "the daemon's"},
    {"services.NAME.stable", "the pool with the largest share"},
    {"services.NAME.pools.NAME.backends[].name", "the address"},
    {"services.NAME.pools.NAME.backends[].max_in_flight", "the pool's"},
    {"services.NAME.pools.NAME.backends[].resolve", "first"},
    {"services.NAME.sticky.salt", "the service's name"},
    {"services.NAME.rate_limit.burst", "a second's worth"},
    {"services.NAME.rate_limit.key", "ip"},
    {"services.NAME.debug_headers", "debug_headers of the top"},
    {"debug_headers", "false"},
    {"plans.NAME.steps[].mirror", "0%"},
    {"listeners[].tls.acme.challenge", "tls-alpn-01, after a failure http-01"},
    {"services.NAME.health_check.type", "http"},
    {"notify[].on", "all of them"},
    {"notify[].services", "all"},
};

std::string flow(YAML::Node node) {
  YAML::Emitter out;
  out << YAML::Flow << node;
  return out.c_str();
}

// What a key is in a document of defaults; of gates and checks, one of each kind has it.
std::string value_at(const YAML::Node& node, std::string_view path) {
  if (!node.IsDefined() || node.IsNull()) return {};
  if (path.empty()) return flow(node);
  if (node.IsSequence()) {
    for (const auto& one : node)
      if (auto found = value_at(one, path); !found.empty()) return found;
    return {};
  }
  const auto end = std::min(path.find('.'), path.size());
  std::string word(path.substr(0, end));
  if (word.ends_with("[]")) word.resize(word.size() - 2);
  return node.IsMap() ? value_at(node[word], path.substr(std::min(end + 1, path.size()))) : std::string();
}

// What the dump cannot write empty, and one gate and check of each kind.
void complete_sample(Spec& sample) {
  sample.access_log.path = "x";
  sample.tracing.endpoint = "x";
  auto& service = sample.services.front();
  service.sticky->issue_cookie.name = "x";
  service.assets->match = {"x"};
  service.rate_limit->period_micros = 1;
  service.rate_limit->key.keys = {{}};
  PlanSpec& plan = sample.plans.front();
  plan.gates.resize(kGateKinds.size());
  plan.gates[1].prometheus = plan.gates[2].exec = plan.gates[3].http = "x";
  plan.verify.resize(kVerifyKinds.size());
  plan.verify[1].exec = "x";
}

// A required key, and those that say which kind a gate is, have none: what the sample holds is not a default.
bool has_default(const KeyEntry& key) {
  static const std::vector<std::string_view> kKinds = {"gates[].prometheus", "gates[].exec", "gates[].http",
                                                       "verify[].exec"};
  return !key.required && !key.has_keys() &&
         std::ranges::none_of(kKinds, [&](auto kind) { return key.path.ends_with(kind); });
}

}  // namespace

std::vector<KeyEntry> all_keys() {
  std::vector<KeyEntry> keys;
  Spec sample;
  Collector top("", keys);
  Spec::fields(sample, top);
  complete_sample(sample);
  const YAML::Node written = YAML::Load(to_yaml(sample));
  for (auto& key : keys) {
    const auto decided = kDecided.find(key.path);
    key.decided = decided != kDecided.end();
    if (key.decided)
      key.unwritten = decided->second;
    else if (has_default(key))
      key.unwritten = value_at(written, key.path);
    if (key.holds.starts_with("a size")) key.unwritten = size_text(std::stoull(key.unwritten));
    if (key.unwritten == "\"\"" || key.unwritten == "{}" || key.unwritten == "[]") key.unwritten.clear();
  }
  return keys;
}

}  // namespace sluice::config
