// A service, its pools and their backends.
#include <algorithm>
#include <optional>

#include "proxy/base/origin.hpp"
#include "proxy/config/readers.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::config {
namespace {

constexpr std::uint32_t kHeaviest = 1000;
constexpr std::uint32_t kMostAtOnce = 10'000'000;

// A socket may be called by its path.
Wrong backend_name_error(std::string_view text) {
  return is_unix(text) && parse_origin(text) ? std::nullopt : name_error(text);
}

// "127.0.0.1:9001" or {name: api-2, address: "127.0.0.1:9002", weight: 2} or {srv:
// "_http._tcp.web.internal"}.
void read_backend(const Value& value, BackendSpec& backend) {
  backend.place = value.place();
  if (value.is_scalar()) {
    if (value.origin(backend.address)) backend.name = backend.address.text;
    backend.every_address = is_srv(backend.address.text);
    return;
  }
  if (!value.is_map()) {
    value.complain(
        "a backend must be an address such as 127.0.0.1:9001, or a map of name, address and weight");
    return;
  }
  std::optional<Value> address, srv, resolve;
  Places places;
  value.keys(
      {
          {"name", [&](const Value& v) { v.checked(backend.name, backend_name_error); }},
          {"address", [&](const Value& v) { address = v, v.origin(backend.address); }},
          {"srv", [&](const Value& v) { srv = v, v.srv_name(backend.address); }},
          {"resolve",
           [&](const Value& v) {
             resolve = v;
             v.choice<bool>(backend.every_address, {{"first", false}, {"all", true}});
           }},
          {"weight", [&](const Value& v) { v.whole(backend.weight, 0, kHeaviest); }},
          {"max_in_flight",
           [&](const Value& v) {
             std::uint32_t limit = 0;
             if (v.whole(limit, 0, kMostAtOnce)) backend.max_in_flight = limit;
           }},
      },
      &places);
  const bool said = places.unread.contains("address") || places.unread.contains("srv");
  if (!address && !srv && !said)
    value.complaints().add(value.key_place(), value.name() + " needs the key 'address' or 'srv'");
  if (address && srv) srv->complain("a backend has an 'address' or 'srv', not both");
  const bool by_srv = is_srv(backend.address.text);
  if (by_srv && resolve && !backend.every_address)
    resolve->complain("SRV records give every address, 'resolve' cannot be first");
  if (is_unix(backend.address.text) && backend.every_address)
    resolve->complain("a unix socket is one address, there is nothing to resolve");
  backend.every_address = backend.every_address || by_srv;
  if (backend.name.empty()) backend.name = srv ? backend.address.host : backend.address.text;
}

void read_pool_tls(const Value& value, PoolTls& pool) {
  pool.place = value.key_place();
  std::optional<Value> ca, cert, key;
  value.keys({
      {"ca", [&](const Value& v) { ca = v, v.readable_file(pool.ca); }},
      {"server_name", [&](const Value& v) { v.text(pool.server_name); }},
      {"cert", [&](const Value& v) { cert = v, v.readable_file(pool.cert); }},
      {"key", [&](const Value& v) { key = v, v.readable_file(pool.key); }},
  });
  if (cert.has_value() != key.has_value())
    value.complain(std::string(cert ? "'cert' needs its 'key'" : "'key' needs its 'cert'"));
  if (!pool.ca.empty())
    if (const std::string why = tls::check_ca_file(pool.ca, pool.digest); !why.empty())
      ca->unusable(pool.ca, why);
  if (pool.cert.empty() || pool.key.empty()) return;
  const tls::Certificate own = tls::load_certificate({pool.cert, pool.key, ""});
  pool.digest += own.digest;
  if (own.wrong == tls::Certificate::Part::cert) cert->unusable(pool.cert, own.error);
  if (own.wrong == tls::Certificate::Part::key) key->unusable(pool.key, own.error);
}

void read_pool(const Value& value, PoolSpec& pool) {
  value.keys({
      {"backends",
       [&](const Value& v) {
         v.each("a backend",
                [&](const Value& element) { read_backend(element, pool.backends.emplace_back()); });
       },
       kRequired},
      {"max_in_flight", [&](const Value& v) { v.whole(pool.max_in_flight, 0, kMostAtOnce); }},
      {"tls", [&](const Value& v) { read_pool_tls(v, pool.tls.emplace()); }},
      {"proxy_protocol",
       [&](const Value& v) {
         if (v.says_off()) return;
         v.choice<ProxyVersion>(
             pool.proxy_protocol,
             {{"off", ProxyVersion::off}, {"v1", ProxyVersion::v1}, {"v2", ProxyVersion::v2}});
       }},
  });
}

// As written; complete() puts it in the order of the pools.
void read_split(const Value& value, ServiceSpec& service) {
  value.pairs("the share of", [&](const std::string& pool, const Value& v) {
    service.places.keys["split/" + pool] = v.key_place();
    Share share = 0;
    v.share(share);
    service.split.emplace_back(pool, share);
  });
}

}  // namespace

void read_pools(const Value& value, std::vector<PoolSpec>& pools) {
  value.pairs("pool", [&](const std::string& name, const Value& v) {
    if (const Wrong wrong = name_error(name))
      v.complaints().add(v.key_place(), wrong->what, wrong->suggestion);
    PoolSpec& pool = pools.emplace_back();
    pool.name = name;
    pool.place = v.key_place();
    read_pool(v, pool);
  });
}

void read_service(const Value& value, ServiceSpec& service) {
  service.place = value.key_place();
  value.keys(
      {
          {"pools", [&](const Value& v) { read_pools(v, service.pools); }, kRequired},
          {"split", [&](const Value& v) { read_split(v, service); }},
          {"stable", [&](const Value& v) { v.text(service.stable); }},
          {"sticky", [&](const Value& v) { read_sticky(v, service.sticky.emplace(), service.places); }},
          {"balance",
           [&](const Value& v) {
             v.choice<Balance>(service.balance, {{"round_robin", Balance::round_robin},
                                                 {"least_requests", Balance::least_requests},
                                                 {"hash", Balance::hash}});
           }},
          {"health_check", [&](const Value& v) { read_health_check(v, service.health_check.emplace()); }},
          {"outlier", [&](const Value& v) { read_outlier(v, service.outlier); }},
          {"retries", [&](const Value& v) { read_retries(v, service.retries, service.places); }},
          {"timeouts", [&](const Value& v) { read_timeouts(v, service.timeouts); }},
          {"limits", [&](const Value& v) { read_limits(v, service.limits); }},
          {"rate_limit", [&](const Value& v) { read_rate_limit(v, service.rate_limit.emplace()); }},
          {"slow_start", [&](const Value& v) { v.duration(service.slow_start, 0ms); }},
          {"retain", [&](const Value& v) { v.duration(service.retain, 0ms); }},
          {"retain_hook", [&](const Value& v) { v.text(service.retain_hook); }},
          {"debug_headers", [&](const Value& v) { v.flag(service.debug_headers); }},
      },
      &service.places);
}

void read_timeouts(const Value& value, TimeoutSpec& timeouts) {
  value.keys({
      {"connect", [&](const Value& v) { v.duration(timeouts.connect); }},
      {"response", [&](const Value& v) { v.duration(timeouts.response); }},
      {"idle", [&](const Value& v) { v.duration(timeouts.idle); }},
      {"tunnel", [&](const Value& v) { v.duration(timeouts.tunnel); }},
  });
}

void read_limits(const Value& value, LimitSpec& limits) {
  value.keys({
      {"in_flight", [&](const Value& v) { v.whole(limits.in_flight, 1, kMostAtOnce); }},
      {"queue", [&](const Value& v) { v.whole(limits.queue, 0, kMostAtOnce); }},
      {"queue_time", [&](const Value& v) { v.duration(limits.queue_time); }},
      {"body", [&](const Value& v) { v.size(limits.body); }},
  });
}

}  // namespace sluice::config
