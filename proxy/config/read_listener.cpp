// Where clients come in: certificates, fixed pools, trusted networks.
#include <algorithm>

#include "proxy/config/keys.hpp"
#include "proxy/config/secret_file.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::config {
namespace {

constexpr std::size_t kMostDomains = 100;  // of Let's Encrypt; servers of one's own take no more either

// What is in the files, or what is wrong with them.
void learn(const KeysRead& keys, CertificateSpec& certificate) {
  using Part = tls::Certificate::Part;
  const tls::Certificate loaded =
      tls::load_certificate({certificate.cert, certificate.key, certificate.ocsp});
  certificate.digest = loaded.digest;
  certificate.names = loaded.names;
  certificate.not_after = loaded.not_after;
  if (loaded.wrong == Part::cert) keys.find("cert")->unusable(certificate.cert, loaded.error);
  if (loaded.wrong == Part::key) keys.find("key")->unusable(certificate.key, loaded.error);
  if (loaded.wrong == Part::ocsp) keys.find("ocsp")->unusable(certificate.ocsp, loaded.error);
}

}  // namespace

void read(const YamlValue& value, CertificateSpec& certificate, Plain) {
  const KeysRead keys = read_keys(value, certificate);
  if (!certificate.cert.empty() && !certificate.key.empty()) learn(keys, certificate);
}

void read(const YamlValue& value, ListenerTls& tls, Plain) {
  const KeysRead keys = read_keys(value, tls);
  const auto is_there = [&keys](const char* key) { return keys.find(key) || keys.complained_about(key); };
  if (value.is_map() && !is_there("certificates") && !is_there("acme"))
    value.complaints().add(value.key_place(), value.name() + " needs the key 'certificates' or 'acme'");
  if (tls.client_ca.empty()) return;
  const std::string why = tls::check_ca_file(tls.client_ca, tls.ca_digest);
  if (!why.empty()) keys.find("client_ca")->unusable(tls.client_ca, why);
}

void read(const YamlValue& value, AcmeSpec& acme, Plain) {
  const KeysRead keys = read_keys(value, acme);
  if (const auto* ca = keys.find("ca"); ca && !acme.ca.empty()) {
    std::string digest;
    const std::string why = tls::check_ca_file(acme.ca, digest);
    if (!why.empty()) ca->unusable(acme.ca, why);
    if (acme.directory.starts_with("http://"))
      ca->complain("'ca' has a meaning only with a directory of https://");
  }
  const auto* eab = keys.find("eab");
  if (!eab || !acme.eab || acme.eab->hmac_file.empty()) return;
  std::string why;
  read_secret(acme.eab->hmac_file, SecretKind::token, why);
  if (!why.empty()) eab->complain("the file " + quoted(acme.eab->hmac_file) + " " + why);
}

// Each once, in the order written.
void read(const YamlValue& value, std::vector<std::string>& domains, Domains) {
  value.each("a domain", [&](const YamlValue& element) {
    std::string name;
    if (!element.checked(name, domain_error)) return;
    if (std::ranges::find(domains, name) != domains.end())
      return element.complain(quoted(name) + " stands in 'domains' already");
    domains.push_back(std::move(name));
  });
  if (value.is_list() && value.empty())
    value.complain("'domains' is empty, name what the certificate is for");
  if (domains.size() > kMostDomains)
    value.complain("'domains' has " + std::to_string(domains.size()) + " names, a certificate can have " +
                   std::to_string(kMostDomains) +
                   "; divide them among listeners, or order the rest elsewhere");
}

// service -> pool, with the place of either.
void read(const YamlValue& value, std::map<std::string, std::string>& pools, FixedPools) {
  value.pairs("the pool for service", [&](const std::string& service, const YamlValue& pool) {
    std::string name;
    if (!pool.text(name)) return;
    pools[service] = name;
    value.around()->keys.set("pools/" + service, pool.key_place());
    value.around()->values.set("pools/" + service, pool.place());
  });
}

void read(const YamlValue& value, ProtocolSet& protocols, Protocols) {
  static constexpr std::string_view kWords[] = {"h2", "h1"};
  ProtocolSet said{false, false};
  value.each("a protocol", [&](const YamlValue& element) {
    std::string word;
    if (!element.one_of(word, kWords)) return;
    (word == "h2" ? said.h2 : said.h1) = true;
  });
  if (said.h1 || said.h2) protocols = said;
  if (value.is_list() && value.empty()) value.complain("'protocols' must name h2, h1 or both");
}

void read(const YamlValue& value, std::vector<Network>& networks, Networks) {
  value.each("a network", [&](const YamlValue& element) {
    std::string text;
    if (!element.text(text)) return;
    auto network = parse_network(text);
    if (!network) return element.complain(network.error());
    networks.push_back(std::move(*network));
  });
}

}  // namespace sluice::config
