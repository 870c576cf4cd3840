// A service, its pools and their backends.
#include <string>

#include "proxy/base/origin.hpp"
#include "proxy/config/keys.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::config {

// "127.0.0.1:9001" or {name: api-2, address: "127.0.0.1:9002", weight: 2} or {srv:
// "_http._tcp.web.internal"}.
void read(const YamlValue& value, BackendSpec& backend, Plain) {
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
  const KeysRead keys = read_keys(value, backend);
  const YamlValue *address = keys.find("address"), *srv = keys.find("srv"), *resolve = keys.find("resolve");
  if (!address && !srv && !keys.complained_about("address") && !keys.complained_about("srv"))
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

void read(const YamlValue& value, PoolTls& pool, Plain) {
  const KeysRead keys = read_keys(value, pool);
  const YamlValue *ca = keys.find("ca"), *cert = keys.find("cert"), *key = keys.find("key");
  if ((cert != nullptr) != (key != nullptr))
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

// As written; complete() puts it in the order of the pools.
void read(const YamlValue& value, std::vector<std::pair<std::string, Share>>& split, Shares) {
  value.pairs("the share of", [&](const std::string& pool, const YamlValue& v) {
    value.around()->keys.set("split/" + pool, v.key_place());
    Share share = 0;
    v.share(share);
    split.emplace_back(pool, share);
  });
}

}  // namespace sluice::config
