#include "proxy/config/dump.hpp"

#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>

#include "proxy/base/origin.hpp"
#include "proxy/base/tunnel_pace.hpp"
#include "proxy/config/gate_kinds.hpp"

namespace sluice::config {
namespace {

using YAML::BeginMap;
using YAML::BeginSeq;
using YAML::EndMap;
using YAML::EndSeq;
using YAML::Flow;
using YAML::Key;

void put(YAML::Emitter& out, const char* key, const auto& value) {
  out << Key << key << YAML::Value << value;
}

// ---- numbers ----

std::string fraction_as_percent(double fraction) {
  return format_share(static_cast<Share>(fraction * kWhole + 0.5));
}

// The shortest text that reads back to the same double.
std::string plain(double number) {
  std::array<char, 400> text;  // the longest fixed notation of a double is shorter
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7));
  return digits;
}

// The unit in which the period is a whole rate.
std::string rate_text(std::uint64_t period_micros) {
  constexpr std::uint64_t kSecond = 1'000'000;
  for (const auto& [unit, micros] :
       {std::pair("/s", kSecond), {"/m", 60 * kSecond}, {"/h", 3600 * kSecond}}) {
    const std::uint64_t rate = micros / period_micros;
    if (rate > 0 && micros / rate == period_micros) return std::to_string(rate) + unit;
  }
  return "1/h";
}

std::string status_range(int low, int high, bool always_range) {
  return low == high && !always_range ? std::to_string(low)
                                      : std::to_string(low) + "-" + std::to_string(high);
}

// ---- single values, as kinds.hpp says them ----

void write(YAML::Emitter& out, const char* key, bool value, Plain) { put(out, key, value); }
void write(YAML::Emitter&, const char*, bool, ForServices) {}  // each service says it
// An empty text means "not there" for all that can be empty.
template <class Kind>
void write(YAML::Emitter& out, const char* key, const std::string& value, const Kind&) {
  if (!value.empty()) put(out, key, value);
}
void write(YAML::Emitter& out, const char* key, const std::string& value, OneOf kind) {
  out << Key << key << YAML::Value;
  if (kind.in_quotes) out << YAML::DoubleQuoted;
  out << value;
}
template <class Kind>
void write(YAML::Emitter& out, const char* key, milliseconds value, const Kind&) {
  put(out, key, format_duration(value));
}
void write(YAML::Emitter& out, const char* key, const auto& value, Whole) { put(out, key, value); }
void write(YAML::Emitter& out, const char* key, const std::optional<std::uint32_t>& value, Whole) {
  if (value) put(out, key, *value);
}
void write(YAML::Emitter& out, const char* key, const auto& value, Size) { put(out, key, value); }
void write(YAML::Emitter& out, const char* key, Share value, Percent kind) {
  if (value > 0 || kind.none_is_written) put(out, key, format_share(value));
}
void write(YAML::Emitter& out, const char* key, double value, Fraction) {
  put(out, key, fraction_as_percent(value));
}
void write(YAML::Emitter& out, const char* key, const Address& value, Bind) { put(out, key, value.text); }
void write(YAML::Emitter& out, const char* key, const Address& value, Origin) {
  if (!is_srv(value.text)) put(out, key, value.text);
}
void write(YAML::Emitter& out, const char* key, const Address& value, SrvName) {
  if (is_srv(value.text)) put(out, key, value.host);
}
template <class T>
void write(YAML::Emitter& out, const char* key, const T& value, const Choice<T>& kind) {
  if (kind.unwritten == value) return;
  for (const auto& choice : kind.words)
    if (choice.meaning == value) put(out, key, std::string(choice.word));
}

// ---- values with a grammar of their own ----

void write(YAML::Emitter& out, const char* key, std::uint32_t workers, Workers) {
  put(out, key, workers == 0 ? "auto" : std::to_string(workers));
}
void write(YAML::Emitter& out, const char* key, const UpgradeSpec& upgrade, TunnelSpread) {
  if (upgrade.tunnel_pace > 0)
    put(out, key, pace_text(upgrade.tunnel_pace));
  else
    put(out, key, upgrade.tunnels == 0ms ? "wait" : "spread:" + format_duration(upgrade.tunnels));
}
void write(YAML::Emitter& out, const char* key, std::uint32_t mode, SocketMode) {
  out << Key << key << YAML::Value << YAML::DoubleQuoted << octal(mode);
}

// On one line: [a, "b"].
void write_list(YAML::Emitter& out, const char* key, const auto& values, const auto& write_one) {
  out << Key << key << YAML::Value << Flow << BeginSeq;
  for (const auto& value : values) write_one(value);
  out << EndSeq;
}
void write(YAML::Emitter& out, const char* key, const std::vector<std::string>& servers, NameServers) {
  write_list(out, key, servers, [&](const std::string& server) { out << YAML::DoubleQuoted << server; });
}
void write(YAML::Emitter& out, const char* key, const std::vector<std::string>& domains, Domains) {
  write_list(out, key, domains, [&](const std::string& domain) { out << domain; });
}
void write(YAML::Emitter& out, const char* key, const std::vector<Network>& networks, Networks) {
  write_list(out, key, networks, [&](const Network& network) { out << YAML::DoubleQuoted << network.text; });
}
void write(YAML::Emitter& out, const char* key, const std::vector<StickyKey>& keys, StickyKeys) {
  write_list(out, key, keys, [&](const StickyKey& one) { out << to_string(one); });
}
void write(YAML::Emitter& out, const char* key, const std::map<std::string, std::string>& pools, FixedPools) {
  if (!pools.empty()) put(out, key, pools);
}
void write(YAML::Emitter& out, const char* key, const std::vector<std::pair<std::string, Share>>& split,
           Shares) {
  out << Key << key << YAML::Value << BeginMap;
  for (const auto& [pool, share] : split) put(out, pool.c_str(), format_share(share));
  out << EndMap;
}
void write(YAML::Emitter& out, const char* key, std::uint64_t period_micros, Rate) {
  put(out, key, rate_text(period_micros));
}
void write(YAML::Emitter& out, const char* key, const StickySpec& sticky, RateKey) {
  put(out, key, to_string(sticky.keys.front()));
}
void write(YAML::Emitter& out, const char* key, const auto& spec, ExpectedStatus kind) {
  put(out, key, status_range(spec.expect_low, spec.expect_high, kind.always_range));
}
void write(YAML::Emitter& out, const char* key, const RetrySpec& retries, RetryCauses) {
  out << Key << key << YAML::Value << Flow << BeginSeq;
  if (retries.on_connect) out << "connect";
  if (retries.on_reset) out << "reset";
  if (retries.on_timeout) out << "timeout";
  for (int status : retries.on_status) out << status;
  out << EndSeq;
}
void write(YAML::Emitter& out, const char* key, const std::vector<GrpcStatus>& statuses, GrpcStatuses) {
  if (statuses.empty()) return;
  write_list(out, key, statuses, [&](GrpcStatus status) {
    out << std::string(kGrpcStatusNames[static_cast<std::size_t>(status)]);
  });
}
void write(YAML::Emitter& out, const char* key,
           const std::vector<std::pair<std::string, std::string>>& headers, HeaderMatches) {
  if (headers.empty()) return;
  out << Key << key << YAML::Value << BeginMap;
  for (const auto& [name, value] : headers) out << Key << name << YAML::Value << YAML::DoubleQuoted << value;
  out << EndMap;
}
void write(YAML::Emitter& out, const char* key, const ProtocolSet& protocols, Protocols) {
  out << Key << key << YAML::Value << Flow << BeginSeq;
  if (protocols.h2) out << "h2";
  if (protocols.h1) out << "h1";
  out << EndSeq;
}
void write(YAML::Emitter& out, const char* key, const std::vector<std::string>& methods, Methods) {
  if (!methods.empty()) out << Key << key << YAML::Value << Flow << methods;
}

void write(YAML::Emitter& out, const char* key, const std::vector<std::string>& prefixes, Prefixes) {
  write_list(out, key, prefixes, [&](const std::string& one) { out << YAML::DoubleQuoted << one; });
}
void write(YAML::Emitter& out, const char* key, const std::vector<int>& statuses, MissingStatuses) {
  write_list(out, key, statuses, [&](int status) { out << status; });
}
void write(YAML::Emitter& out, const char* key, const std::string& url, SecretUrl) {
  if (!url.empty()) put(out, key, shown_secret_url(url));
}
void write(YAML::Emitter& out, const char* key,
           const std::vector<std::pair<std::string, std::string>>& headers, SecretHeaders) {
  if (headers.empty()) return;
  out << Key << key << YAML::Value << BeginMap;
  for (const auto& [name, value] : headers)
    out << Key << name << YAML::Value << YAML::DoubleQuoted << std::string(kHiddenValue);
  out << EndMap;
}
void write(YAML::Emitter& out, const char* key, const std::vector<NoticeKind>& kinds, NoticeKinds) {
  if (kinds.empty()) return;
  write_list(out, key, kinds, [&](NoticeKind kind) {
    for (const auto& known : kNoticeKinds)
      if (known.meaning == kind) out << std::string(known.word);
  });
}
void write(YAML::Emitter& out, const char* key, const std::vector<std::string>& patterns, Patterns) {
  if (patterns.empty()) return;
  write_list(out, key, patterns, [&](const std::string& one) { out << YAML::DoubleQuoted << one; });
}

// ---- structs, and several of them ----

template <HasFields T>
void write(YAML::Emitter& out, const char* key, const T& thing, Plain);
template <class T>
void write(YAML::Emitter& out, const char* key, const std::optional<T>& thing, Plain);
template <class T>
void write(YAML::Emitter& out, const char* key, const std::vector<T>& things, ListOf);
template <class T>
void write(YAML::Emitter& out, const char* key, const std::vector<T>& things, LinesOf);
template <class T>
void write(YAML::Emitter& out, const char* key, const std::vector<T>& things, Named);
void write(YAML::Emitter& out, const char* key, const AccessLogSpec& access_log, Plain);
void write(YAML::Emitter& out, const char* key, const TracingSpec& tracing, Plain);
void write(YAML::Emitter& out, const char* key, const IssuedCookie& cookie, Plain);
void write(YAML::Emitter& out, const char* key, const ReachSpec& reach, Plain);

// The visitor of fields(): writes each key.
class Writer {
 public:
  explicit Writer(YAML::Emitter& out) : out_(out) {}
  template <class T, class Kind = Plain>
  void operator()(const char* key, const T& value, const Kind& kind = {}, bool = false) {
    write(out_, key, value, kind);
  }

 private:
  YAML::Emitter& out_;
};

// Writes one key of a gate or a verify check, which are written in the order of their kind.
template <class Thing>
class OneKey {
 public:
  OneKey(YAML::Emitter& out, const Thing& thing, std::string_view wanted)
      : out_(out), thing_(thing), wanted_(wanted) {}
  template <class T, class Kind = Plain>
  void operator()(const char* key, const T& value, const Kind& kind = {}, bool = false) {
    if (key == wanted_) write(out_, key, value, kind);
  }
  void operator()(const char* key, const std::optional<double>& limit, GateLimit) {
    if (key != wanted_ || !limit) return;
    if (!thing_.prometheus.empty()) return put(out_, key, plain(*limit));
    if (!is_latency(thing_)) return put(out_, key, fraction_as_percent(*limit));
    put(out_, key, format_duration(milliseconds(static_cast<std::int64_t>(*limit * 1000 + 0.5))));
  }

 private:
  YAML::Emitter& out_;
  const Thing& thing_;
  std::string_view wanted_;
};

template <class T>
void write_fields(YAML::Emitter& out, const T& thing) {
  if constexpr (requires { kind_of(thing); }) {
    for (const auto key : kind_of(thing).keys) {
      OneKey<T> one(out, thing, key);
      T::fields(thing, one);
    }
  } else {
    Writer writer(out);
    T::fields(thing, writer);
  }
}

template <class T>
void write_map(YAML::Emitter& out, const T& thing) {
  out << BeginMap;
  write_fields(out, thing);
  out << EndMap;
}

template <HasFields T>
void write(YAML::Emitter& out, const char* key, const T& thing, Plain) {
  out << Key << key << YAML::Value;
  write_map(out, thing);
}

template <class T>
void write(YAML::Emitter& out, const char* key, const std::optional<T>& thing, Plain) {
  if (thing) write(out, key, *thing, Plain{});
}

template <class T>
void write(YAML::Emitter& out, const char* key, const std::vector<T>& things, ListOf kind) {
  if (things.empty() && kind.not_empty) return;  // so it was not there
  out << Key << key << YAML::Value << BeginSeq;
  for (const auto& thing : things) write_map(out, thing);
  out << EndSeq;
}

template <class T>
void write(YAML::Emitter& out, const char* key, const std::vector<T>& things, LinesOf) {
  if (things.empty()) return;
  out << Key << key << YAML::Value << BeginSeq;
  for (const auto& thing : things) {
    out << Flow;
    write_map(out, thing);
  }
  out << EndSeq;
}

template <class T>
void write(YAML::Emitter& out, const char* key, const std::vector<T>& things, Named) {
  out << Key << key << YAML::Value << BeginMap;
  for (const auto& thing : things) {
    out << Key << thing.name << YAML::Value;
    write_map(out, thing);
  }
  out << EndMap;
}

void write(YAML::Emitter& out, const char* key, const AccessLogSpec& access_log, Plain) {
  if (access_log.path.empty()) return put(out, key, "off");
  write<AccessLogSpec>(out, key, access_log, Plain{});
}
void write(YAML::Emitter& out, const char* key, const TracingSpec& tracing, Plain) {
  if (!tracing.on()) return put(out, key, "off");
  write<TracingSpec>(out, key, tracing, Plain{});
}
void write(YAML::Emitter& out, const char* key, const IssuedCookie& cookie, Plain) {
  if (!cookie.name.empty()) write<IssuedCookie>(out, key, cookie, Plain{});
}
void write(YAML::Emitter& out, const char* key, const ReachSpec& reach, Plain) {
  if (!reach.user.empty()) write<ReachSpec>(out, key, reach, Plain{});
}

template <class T>
std::string yaml_of(const T& thing) {
  YAML::Emitter out;
  write_map(out, thing);
  return std::string(out.c_str()) + "\n";
}

}  // namespace

std::string to_string(const StickyKey& key) {
  switch (key.from) {
    case StickyKey::From::header:
      return "header:" + key.name;
    case StickyKey::From::cookie:
      return "cookie:" + key.name;
    case StickyKey::From::query:
      return "query:" + key.name;
    case StickyKey::From::ip:
      return "ip";
  }
  return {};
}

std::string to_yaml(const Spec& spec) { return yaml_of(spec); }
std::string to_yaml(const PlanSpec& plan) { return yaml_of(plan); }

}  // namespace sluice::config
