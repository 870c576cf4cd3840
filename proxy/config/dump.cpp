#include "proxy/config/dump.hpp"

#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>

#include "proxy/base/origin.hpp"

namespace sluice::config {
namespace {

using YAML::BeginMap;
using YAML::BeginSeq;
using YAML::EndMap;
using YAML::EndSeq;
using YAML::Flow;
using YAML::Key;

template <class T>
void put(YAML::Emitter& out, const char* key, const T& value) {
  out << Key << key << YAML::Value << value;
}
void put(YAML::Emitter& out, const char* key, milliseconds value) { put(out, key, format_duration(value)); }
void put(YAML::Emitter& out, const char* key, const Address& value) { put(out, key, value.text); }

// An empty text is left out: it means "not there" for all that can be empty.
void put_if(YAML::Emitter& out, const char* key, const std::string& value) {
  if (!value.empty()) put(out, key, value);
}

void begin_map(YAML::Emitter& out, const std::string& key) { out << Key << key << YAML::Value << BeginMap; }
void begin_list(YAML::Emitter& out, const char* key) { out << Key << key << YAML::Value << BeginSeq; }

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

// ---- listeners, admin ----

void emit(YAML::Emitter& out, const ListenerTls& tls) {
  begin_map(out, "tls");
  begin_list(out, "certificates");
  for (const auto& certificate : tls.certificates) {
    out << BeginMap;
    put(out, "cert", certificate.cert);
    put(out, "key", certificate.key);
    put_if(out, "ocsp", certificate.ocsp);
    out << EndMap;
  }
  out << EndSeq;
  put_if(out, "client_ca", tls.client_ca);
  put(out, "client_auth", tls.client_auth);
  put(out, "handshake_timeout", tls.handshake_timeout);
  put(out, "check_host", tls.check_host);
  out << Key << "min_version" << YAML::Value << YAML::DoubleQuoted << tls.min_version << EndMap;
}

void emit(YAML::Emitter& out, const ListenerSpec& listener) {
  out << BeginMap;
  put(out, "name", listener.name);
  put(out, "bind", listener.bind);
  if (listener.tls) emit(out, *listener.tls);
  if (!listener.pools.empty()) put(out, "pools", listener.pools);
  put(out, "header_timeout", listener.header_timeout);
  put(out, "body_timeout", listener.body_timeout);
  put(out, "idle_timeout", listener.idle_timeout);
  put(out, "max_connections", listener.max_connections);
  put(out, "max_connections_per_client", listener.max_connections_per_client);
  put(out, "max_requests", listener.max_requests);
  put(out, "max_header_bytes", listener.max_header_bytes);
  put(out, "max_target", listener.max_target);
  put(out, "max_headers", listener.max_headers);
  put(out, "max_body", listener.max_body);
  put(out, "min_body_rate", listener.min_body_rate);
  put(out, "proxy_protocol", listener.proxy_protocol);
  out << Key << "trusted_proxies" << YAML::Value << Flow << BeginSeq;
  for (const auto& network : listener.trusted_proxies) out << YAML::DoubleQuoted << network.text;
  out << EndSeq;
  out << EndMap;
}

std::string word_of(Role role) {
  return role == Role::viewer ? "viewer" : role == Role::operate ? "operator" : "admin";
}

void emit(YAML::Emitter& out, const AdminSpec& admin) {
  begin_map(out, "admin");
  put(out, "socket", admin.socket);
  out << Key << "socket_mode" << YAML::Value << YAML::DoubleQuoted << octal(admin.socket_mode);
  put_if(out, "socket_group", admin.socket_group);
  if (!admin.roles.empty()) out << Key << "roles" << YAML::Value << BeginSeq;
  for (const auto& role : admin.roles) {
    out << YAML::Flow << BeginMap;
    put(out, "role", word_of(role.role));
    put_if(out, "user", role.user);
    put_if(out, "group", role.group);
    out << EndMap;
  }
  if (!admin.roles.empty()) out << EndSeq;
  if (admin.http) {
    begin_map(out, "http");
    put(out, "bind", admin.http->bind);
    put_if(out, "token_file", admin.http->token_file);
    out << EndMap;
  }
  if (admin.compat) {
    begin_map(out, "compat");
    put(out, "bind", admin.compat->bind);
    put(out, "service", admin.compat->service);
    put_if(out, "token_file", admin.compat->token_file);
    out << EndMap;
  }
  out << EndMap;
}

// ---- services ----

const char* text_of(ProxyVersion version) {
  switch (version) {
    case ProxyVersion::off:
      return "off";
    case ProxyVersion::v1:
      return "v1";
    case ProxyVersion::v2:
      return "v2";
  }
  return "";
}

void emit(YAML::Emitter& out, const PoolSpec& pool) {
  begin_map(out, pool.name);
  begin_list(out, "backends");
  for (const auto& backend : pool.backends) {
    out << BeginMap;
    put(out, "name", backend.name);
    if (is_srv(backend.address.text))
      put(out, "srv", backend.address.host);
    else
      put(out, "address", backend.address);
    if (backend.every_address) put(out, "resolve", "all");
    put(out, "weight", backend.weight);
    if (backend.max_in_flight) put(out, "max_in_flight", *backend.max_in_flight);
    out << EndMap;
  }
  out << EndSeq;
  put(out, "max_in_flight", pool.max_in_flight);
  if (pool.tls) {
    begin_map(out, "tls");
    put_if(out, "ca", pool.tls->ca);
    put_if(out, "server_name", pool.tls->server_name);
    put_if(out, "cert", pool.tls->cert);
    put_if(out, "key", pool.tls->key);
    out << EndMap;
  }
  put(out, "proxy_protocol", text_of(pool.proxy_protocol));
  out << EndMap;
}

const char* text_of(Balance balance) {
  switch (balance) {
    case Balance::round_robin:
      return "round_robin";
    case Balance::least_requests:
      return "least_requests";
    case Balance::hash:
      return "hash";
  }
  return "";
}

void emit(YAML::Emitter& out, const IssuedCookie& cookie) {
  begin_map(out, "issue_cookie");
  put(out, "name", cookie.name);
  put(out, "max_age", cookie.max_age);
  put_if(out, "domain", cookie.domain);
  put(out, "path", cookie.path);
  out << EndMap;
}

void emit(YAML::Emitter& out, const StickySpec& sticky) {
  begin_map(out, "sticky");
  out << Key << "keys" << YAML::Value << Flow << BeginSeq;
  for (const auto& key : sticky.keys) out << to_string(key);
  out << EndSeq;
  if (!sticky.issue_cookie.name.empty()) emit(out, sticky.issue_cookie);
  put(out, "salt", sticky.salt);
  out << EndMap;
}

void emit(YAML::Emitter& out, const HealthCheckSpec& check) {
  begin_map(out, "health_check");
  put(out, "path", check.path);
  put(out, "interval", check.interval);
  put(out, "timeout", check.timeout);
  put(out, "rise", check.rise);
  put(out, "fall", check.fall);
  put(out, "expect", std::to_string(check.expect_low) + "-" + std::to_string(check.expect_high));
  put_if(out, "host", check.host);
  out << EndMap;
}

void emit(YAML::Emitter& out, const RetrySpec& retries) {
  begin_map(out, "retries");
  put(out, "attempts", retries.attempts);
  out << Key << "on" << YAML::Value << Flow << BeginSeq;
  if (retries.on_connect) out << "connect";
  if (retries.on_reset) out << "reset";
  if (retries.on_timeout) out << "timeout";
  for (int status : retries.on_status) out << status;
  out << EndSeq;
  put(out, "budget", fraction_as_percent(retries.budget));
  put(out, "rescue", retries.rescue_stable ? "stable" : "none");
  out << EndMap;
}

void emit(YAML::Emitter& out, const OutlierSpec& outlier) {
  begin_map(out, "outlier");
  put(out, "consecutive_errors", outlier.consecutive_errors);
  put(out, "ejection", outlier.ejection);
  put(out, "min_available", outlier.min_available);
  out << EndMap;
}

void emit(YAML::Emitter& out, const TimeoutSpec& timeouts) {
  begin_map(out, "timeouts");
  put(out, "connect", timeouts.connect);
  put(out, "response", timeouts.response);
  put(out, "idle", timeouts.idle);
  put(out, "tunnel", timeouts.tunnel);
  out << EndMap;
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

void emit(YAML::Emitter& out, const RateLimitSpec& limit) {
  begin_map(out, "rate_limit");
  put(out, "rate", rate_text(limit.period_micros));
  put(out, "burst", limit.burst);
  put(out, "key", to_string(limit.key.keys.front()));
  out << EndMap;
}

void emit(YAML::Emitter& out, const ServiceSpec& service) {
  begin_map(out, service.name);
  begin_map(out, "pools");
  for (const auto& pool : service.pools) emit(out, pool);
  out << EndMap;
  begin_map(out, "split");
  for (const auto& [pool, share] : service.split) put(out, pool.c_str(), format_share(share));
  out << EndMap;
  put(out, "stable", service.stable);
  if (service.sticky) emit(out, *service.sticky);
  put(out, "balance", text_of(service.balance));
  if (service.health_check) emit(out, *service.health_check);
  emit(out, service.outlier);
  emit(out, service.retries);
  emit(out, service.timeouts);
  begin_map(out, "limits");
  put(out, "in_flight", service.limits.in_flight);
  put(out, "queue", service.limits.queue);
  put(out, "queue_time", service.limits.queue_time);
  put(out, "body", service.limits.body);
  out << EndMap;
  if (service.rate_limit) emit(out, *service.rate_limit);
  put(out, "slow_start", service.slow_start);
  put(out, "retain", service.retain);
  if (!service.retain_hook.empty()) put(out, "retain_hook", service.retain_hook);
  put(out, "debug_headers", service.debug_headers);
  out << EndMap;
}

// ---- routes, plans ----

void emit(YAML::Emitter& out, const RouteSpec& route) {
  out << BeginMap;
  put_if(out, "host", route.host);
  put(out, "path", route.path);
  put(out, "strip_prefix", route.strip_prefix);
  if (!route.headers.empty()) {
    begin_map(out, "headers");
    for (const auto& [name, value] : route.headers)
      out << Key << name << YAML::Value << YAML::DoubleQuoted << value;
    out << EndMap;
  }
  if (!route.methods.empty()) out << Key << "methods" << YAML::Value << Flow << route.methods;
  put(out, "service", route.service);
  out << EndMap;
}

void put_limit(YAML::Emitter& out, const char* key, const GateSpec& gate,
               const std::optional<double>& limit) {
  if (!limit) return;
  if (!gate.prometheus.empty()) return put(out, key, plain(*limit));
  if (!gate.metric.starts_with('p')) return put(out, key, fraction_as_percent(*limit));
  put(out, key, milliseconds(static_cast<std::int64_t>(*limit * 1000 + 0.5)));
}

void emit(YAML::Emitter& out, const GateSpec& gate) {
  out << BeginMap;
  put_if(out, "name", gate.name);
  put_if(out, "metric", gate.metric);
  if (gate.against_stable) put(out, "against", "stable");
  put_if(out, "prometheus", gate.prometheus);
  put_if(out, "query", gate.query);
  put_if(out, "exec", gate.exec);
  put_if(out, "http", gate.http);
  put_limit(out, "max", gate, gate.max);
  put_limit(out, "warn", gate, gate.warn);
  put_limit(out, "max_increase", gate, gate.max_increase);
  if (!gate.prometheus.empty()) put(out, "on_empty", gate.on_empty);
  if (!gate.prometheus.empty()) put(out, "min_age", gate.min_age);
  if (gate.metric.empty()) put(out, "timeout", gate.timeout);
  put_if(out, "ca", gate.reach.ca);
  if (!gate.reach.user.empty()) {
    begin_map(out, "basic_auth");
    put(out, "user", gate.reach.user);
    put(out, "password_file", gate.reach.password_file);
    out << EndMap;
  }
  put_if(out, "bearer_file", gate.reach.bearer_file);
  out << EndMap;
}

std::string status_range(int low, int high) {
  return low == high ? std::to_string(low) : std::to_string(low) + "-" + std::to_string(high);
}

void emit(YAML::Emitter& out, const VerifySpec& verify) {
  out << BeginMap;
  if (!verify.exec.empty()) {
    put(out, "exec", verify.exec);
    put(out, "timeout", verify.timeout);
    out << EndMap;
    return;
  }
  put(out, "method", verify.method);
  put(out, "path", verify.path);
  put(out, "expect", status_range(verify.expect_low, verify.expect_high));
  put_if(out, "body", verify.body);
  put(out, "within", verify.within);
  put_if(out, "host", verify.host);
  out << EndMap;
}

void emit_keys(YAML::Emitter& out, const PlanSpec& plan) {
  begin_list(out, "steps");
  for (const auto& step : plan.steps) {
    out << BeginMap;
    put(out, "share", format_share(step.share));
    put(out, "hold", step.hold);
    put(out, "approve", step.approve);
    if (step.mirror > 0) put(out, "mirror", format_share(step.mirror));
    out << EndMap;
  }
  out << EndSeq;
  put(out, "min_requests", plan.min_requests);
  begin_list(out, "gates");
  for (const auto& gate : plan.gates) emit(out, gate);
  out << EndSeq;
  begin_list(out, "verify");
  for (const auto& verify : plan.verify) emit(out, verify);
  out << EndSeq;
  put(out, "retain", plan.retain);
}

void emit(YAML::Emitter& out, const PlanSpec& plan) {
  begin_map(out, plan.name);
  emit_keys(out, plan);
  out << EndMap;
}

template <class Things>
void emit_list(YAML::Emitter& out, const char* key, const Things& things) {
  begin_list(out, key);
  for (const auto& thing : things) emit(out, thing);
  out << EndSeq;
}

template <class Things>
void emit_map(YAML::Emitter& out, const char* key, const Things& things) {
  begin_map(out, key);
  for (const auto& thing : things) emit(out, thing);
  out << EndMap;
}

void emit(YAML::Emitter& out, const ResolveSpec& resolve) {
  begin_map(out, "resolve");
  put(out, "min", resolve.min);
  put(out, "max", resolve.max);
  out << Key << "servers" << YAML::Value << Flow << BeginSeq;
  for (const auto& server : resolve.servers) out << YAML::DoubleQuoted << server;
  out << EndSeq << EndMap;
}

void emit(YAML::Emitter& out, const AccessLogSpec& access_log) {
  if (access_log.path.empty()) return put(out, "access_log", "off");
  begin_map(out, "access_log");
  put(out, "path", access_log.path);
  put(out, "format", access_log.format);
  out << EndMap;
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

std::string to_yaml(const Spec& spec) {
  YAML::Emitter out;
  out << BeginMap;
  emit_list(out, "listeners", spec.listeners);
  emit(out, spec.admin);
  put(out, "state_dir", spec.state_dir);
  put(out, "workers", spec.workers == 0 ? "auto" : std::to_string(spec.workers));
  emit(out, spec.access_log);
  emit(out, spec.resolve);
  put(out, "lame_duck", spec.lame_duck);
  put(out, "shutdown_timeout", spec.shutdown_timeout);
  emit_map(out, "services", spec.services);
  emit_list(out, "routes", spec.routes);
  emit_map(out, "plans", spec.plans);
  out << EndMap;
  return std::string(out.c_str()) + "\n";
}

std::string to_yaml(const PlanSpec& plan) {
  YAML::Emitter out;
  out << BeginMap;
  emit_keys(out, plan);
  out << EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace sluice::config
