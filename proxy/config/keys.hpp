// From YAML to a spec, key by key as its fields() names them. Every struct that has fields() is read by
// read_keys(); the overloads of read() below are those that allow a short form, or check what concerns
// several keys. Internal to the loader; each fills its struct as far as the value is right and complains
// about the rest.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/spec.hpp"
#include "proxy/config/yaml_value.hpp"

namespace sluice::config {

// What stood in a map, for checks that concern several keys.
class KeysRead {
 public:
  struct Entry {
    std::string_view word;
    YamlValue value;
    bool understood;  // nothing was wrong with it
  };

  // Null when the key is not there.
  const YamlValue* find(std::string_view word) const {
    const Entry* const found = entry(word);
    return found ? &found->value : nullptr;
  }
  // What is missing there is no news: it was wrong, or misspelt.
  bool complained_about(const std::string& word) const { return unread_.contains(word); }
  bool understood(std::string_view word) const {
    const Entry* const found = entry(word);
    return found && found->understood;
  }
  void add(std::string_view word, const YamlValue& value, bool understood) {
    all_.push_back({word, value, understood});
  }
  void complained_about(std::set<std::string> words) { unread_ = std::move(words); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

 private:
  const Entry* entry(std::string_view word) const {
    for (const auto& one : all_)
      if (one.word == word) return &one;
    return nullptr;
  }

  std::vector<Entry> all_;  // each key once
  std::set<std::string> unread_;
};

// Structs with a short form, or with checks of their own.
void read(const YamlValue& value, Spec& spec, Plain = {});
void read(const YamlValue& value, CertificateSpec& certificate, Plain = {});
void read(const YamlValue& value, ListenerTls& tls, Plain = {});
void read(const YamlValue& value, AcmeSpec& acme, Plain = {});
void read(const YamlValue& value, AdminSpec& admin, Plain = {});
void read(const YamlValue& value, RoleSpec& role, Plain = {});
void read(const YamlValue& value, AccessLogSpec& access_log, Plain = {});
void read(const YamlValue& value, ResolveSpec& resolve, Plain = {});
void read(const YamlValue& value, BackendSpec& backend, Plain = {});
void read(const YamlValue& value, PoolTls& tls, Plain = {});
void read(const YamlValue& value, IssuedCookie& cookie, Plain = {});
void read(const YamlValue& value, HealthCheckSpec& check, Plain = {});
void read(const YamlValue& value, RateLimitSpec& limit, Plain = {});
void read(const YamlValue& value, RouteSpec& route, Plain = {});
void read(const YamlValue& value, GateSpec& gate, Plain = {});
void read(const YamlValue& value, StepSpec& step, Plain = {});
void read(const YamlValue& value, VerifySpec& verify, Plain = {});
void read(const YamlValue& value, NotifySpec& target, Plain = {});
void read(const YamlValue& value, TracingSpec& tracing, Plain = {});

// Values with a grammar of their own.
void read(const YamlValue& value, std::uint32_t& workers, Workers);
void read(const YamlValue& value, std::uint32_t& mode, SocketMode);
void read(const YamlValue& value, UpgradeSpec& upgrade, TunnelSpread);
void read(const YamlValue& value, std::vector<std::string>& servers, NameServers);
void read(const YamlValue& value, std::vector<std::string>& domains, Domains);
void read(const YamlValue& value, std::map<std::string, std::string>& pools, FixedPools);
void read(const YamlValue& value, std::vector<Network>& networks, Networks);
void read(const YamlValue& value, std::vector<std::pair<std::string, Share>>& split, Shares);
void read(const YamlValue& value, std::vector<StickyKey>& keys, StickyKeys);
void read(const YamlValue& value, StickySpec& key, RateKey);
void read(const YamlValue& value, std::uint64_t& period_micros, Rate);
void read(const YamlValue& value, RetrySpec& retries, RetryCauses);
void read(const YamlValue& value, std::vector<GrpcStatus>& statuses, GrpcStatuses);
void read(const YamlValue& value, std::vector<std::pair<std::string, std::string>>& headers, HeaderMatches);
void read(const YamlValue& value, std::vector<std::string>& methods, Methods);
void read(const YamlValue& value, std::vector<std::string>& prefixes, Prefixes);
void read(const YamlValue& value, std::vector<int>& statuses, MissingStatuses);
void read(const YamlValue& value, ProtocolSet& protocols, Protocols);
inline void read(const YamlValue&, std::optional<double>&, GateLimit) {}  // when the gate's kind is known
void read(const YamlValue& value, std::string& url, SecretUrl);
void read(const YamlValue& value, std::vector<std::pair<std::string, std::string>>& headers, SecretHeaders);
void read(const YamlValue& value, std::vector<NoticeKind>& kinds, NoticeKinds);
void read(const YamlValue& value, std::vector<std::string>& patterns, Patterns);
bool read_status_range(const YamlValue& value, int& low, int& high);

// Single values.
inline void read(const YamlValue& value, bool& into, Plain) { value.flag(into); }
inline void read(const YamlValue& value, bool& into, ForServices) { value.flag(into); }
void read(const YamlValue& value, std::string& into, Text kind);
void read(const YamlValue& value, std::string& into, MaybeEmpty kind);
inline void read(const YamlValue& value, std::string& into, File) { value.readable_file(into); }
inline void read(const YamlValue& value, std::string& into, FileName) { value.file_name(into); }
inline void read(const YamlValue& value, std::string& into, OneOf kind) { value.one_of(into, kind.words); }
inline void read(const YamlValue& value, milliseconds& into, Duration kind) {
  value.duration(into, kind.least);
}
void read(const YamlValue& value, milliseconds& into, WholeSeconds);
inline void read(const YamlValue& value, Share& into, Percent) { value.share(into); }
void read(const YamlValue& value, double& into, Fraction);
inline void read(const YamlValue& value, Address& into, Bind) { value.address(into, 0); }
inline void read(const YamlValue& value, Address& into, Origin) { value.origin(into); }
inline void read(const YamlValue& value, Address& into, SrvName) { value.srv_name(into); }
void read(const YamlValue& value, std::uint64_t& into, Size kind);
void read(const YamlValue& value, std::uint32_t& into, Size kind);

template <class T>
void read(const YamlValue& value, T& into, Whole kind) {
  value.whole(into, kind.low, kind.high);
}
template <class T>
void read(const YamlValue& value, std::optional<T>& into, Whole kind) {
  T number{};
  if (value.whole(number, kind.low, kind.high)) into = number;
}
template <class T>
void read(const YamlValue& value, T& into, const Choice<T>& kind) {
  value.choice(into, kind.words);
}
template <class T>
void read(const YamlValue& value, T& into, ExpectedStatus) {
  read_status_range(value, into.expect_low, into.expect_high);
}

// Structs, and several of them.
template <class T>
KeysRead read_keys(const YamlValue& value, T& thing);

template <HasFields T>
void read(const YamlValue& value, T& into, Plain = {}) {
  read_keys(value, into);
}
template <class T>
void read(const YamlValue& value, std::optional<T>& into, Plain) {
  read(value, into.emplace());
}
template <class T>
void read(const YamlValue& value, std::vector<T>& into, ListOf kind) {
  value.each(kind.element, [&](const YamlValue& element) { read(element, into.emplace_back()); });
  if (kind.not_empty && value.is_list() && into.empty())
    value.complain(value.name() + " is empty, " + kind.not_empty);
}
template <class T>
void read(const YamlValue& value, std::vector<T>& into, LinesOf kind) {
  read(value, into, ListOf{kind.element});
}
template <class T>
void read(const YamlValue& value, std::vector<T>& into, Named kind) {
  value.pairs(kind.kind, [&](const std::string& name, const YamlValue& one) {
    if (const Invalid invalid = name_error(name))
      one.complaints().add(one.key_place(), invalid->what, invalid->suggestion);
    T& thing = into.emplace_back();
    thing.name = name;
    read(one, thing);
  });
}

// The visitor of fields() that reads the one key that is `wanted`.
class KeyReader {
 public:
  KeyReader(std::string_view wanted, const YamlValue& value, KeysRead& read)
      : wanted_(wanted), value_(value), read_(read) {}

  template <class T, class Kind = Plain>
  void operator()(const char* word, T& into, const Kind& kind = {}, bool = false) {
    if (word != wanted_) return;
    const std::size_t before = value_.complaints().size();
    read(value_, into, kind);
    read_.add(word, value_, value_.complaints().size() == before);
    found_ = true;
  }
  bool found() const { return found_; }

 private:
  std::string_view wanted_;
  const YamlValue& value_;
  KeysRead& read_;
  bool found_ = false;
};

// The visitor that notes the words.
struct KeyWords {
  template <class T, class Kind = Plain>
  void operator()(const char* word, T&, const Kind& = {}, bool required = false) {
    if (required || !only_required) words.emplace_back(word);
  }
  bool only_required;
  std::vector<std::string> words;
};

template <class T>
class KeysOf final : public KnownKeys {
 public:
  KeysOf(T& thing, KeysRead& read) : thing_(thing), read_(read) {}
  bool read(const std::string& word, const YamlValue& value) override {
    KeyReader reader(word, value, read_);
    T::fields(thing_, reader);
    return reader.found();
  }
  std::vector<std::string> words() const override { return collected(false); }
  std::vector<std::string> required() const override { return collected(true); }

 private:
  std::vector<std::string> collected(bool only_required) const {
    KeyWords all{only_required, {}};
    T::fields(thing_, all);
    return std::move(all.words);
  }

  T& thing_;
  KeysRead& read_;
};

template <class T>
KeysRead read_keys(const YamlValue& value, T& thing) {
  KeysRead read;
  KeysOf<T> known(thing, read);
  if constexpr (requires { thing.place; }) thing.place = value.key_place();
  if constexpr (requires { thing.places; })
    read.complained_about(value.keys(known, &thing.places));
  else
    read.complained_about(value.keys(known));
  return read;
}

}  // namespace sluice::config
