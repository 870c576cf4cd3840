// Where clients and operators come in: listeners, the admin socket, the access log.
#include <charconv>
#include <optional>

#include "proxy/base/log_format.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/config/readers.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::config {
namespace {

// What is in the files, or what is wrong with them.
void learn(CertificateSpec& certificate, const std::optional<Value>& cert, const std::optional<Value>& key,
           const std::optional<Value>& ocsp) {
  using Part = tls::Certificate::Part;
  const tls::Certificate loaded =
      tls::load_certificate({certificate.cert, certificate.key, certificate.ocsp});
  certificate.digest = loaded.digest;
  certificate.names = loaded.names;
  certificate.not_after = loaded.not_after;
  if (loaded.wrong == Part::cert) cert->unusable(certificate.cert, loaded.error);
  if (loaded.wrong == Part::key) key->unusable(certificate.key, loaded.error);
  if (loaded.wrong == Part::ocsp) ocsp->unusable(certificate.ocsp, loaded.error);
}

void read_ca(const Value& value, std::string& ca, std::string& digest) {
  if (!value.readable_file(ca)) return;
  const std::string why = tls::check_ca_file(ca, digest);
  if (!why.empty()) value.unusable(ca, why);
}

void read_certificate(const Value& value, ListenerTls& listener) {
  CertificateSpec certificate;
  std::optional<Value> cert, key, ocsp;
  value.keys({
      {"cert", [&](const Value& v) { cert = v, v.readable_file(certificate.cert); }, kRequired},
      {"key", [&](const Value& v) { key = v, v.readable_file(certificate.key); }, kRequired},
      {"ocsp", [&](const Value& v) { ocsp = v, v.readable_file(certificate.ocsp); }},
  });
  if (!certificate.cert.empty() && !certificate.key.empty()) learn(certificate, cert, key, ocsp);
  listener.certificates.push_back(std::move(certificate));
}

void read_listener_tls(const Value& value, ListenerTls& tls) {
  tls.place = value.key_place();
  value.keys({
      {"certificates",
       [&](const Value& v) {
         v.each("a certificate", [&](const Value& element) { read_certificate(element, tls); });
         if (v.is_list() && tls.certificates.empty())
           v.complain("'certificates' is empty, TLS needs at least one");
       },
       kRequired},
      {"client_ca", [&](const Value& v) { read_ca(v, tls.client_ca, tls.ca_digest); }},
      {"client_auth",
       [&](const Value& v) {
         v.choice<std::string>(tls.client_auth, {{"require", "require"}, {"optional", "optional"}});
       }},
      {"handshake_timeout", [&](const Value& v) { v.duration(tls.handshake_timeout); }},
      {"check_host", [&](const Value& v) { v.flag(tls.check_host); }},
      {"min_version",
       [&](const Value& v) {
         v.choice<std::string>(tls.min_version, {{"1.2", "1.2"}, {"1.3", "1.3"}});
       }},
  });
}

// service -> pool, with the place of either.
void read_fixed_pools(const Value& value, ListenerSpec& listener) {
  value.pairs("the pool for service", [&](const std::string& service, const Value& pool) {
    std::string name;
    if (!pool.text(name)) return;
    listener.pools[service] = name;
    listener.places.keys["pools/" + service] = pool.key_place();
    listener.places.values["pools/" + service] = pool.place();
  });
}

void read_networks(const Value& value, std::vector<Network>& networks) {
  value.each("a network", [&](const Value& element) {
    std::string text;
    if (!element.text(text)) return;
    auto network = parse_network(text);
    if (!network) return element.complain(network.error());
    networks.push_back(std::move(*network));
  });
}

void read_socket_mode(const Value& value, std::uint32_t& mode) {
  std::string text;
  if (!value.text(text)) return;
  std::uint32_t bits = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), bits, 8);
  const bool octal = failure == std::errc() && end == text.data() + text.size();
  if (octal && bits <= 0777 && (text.size() == 3 || text.size() == 4)) {
    mode = bits;
    return;
  }
  value.complain("'socket_mode' must be permission bits in octal, such as \"0660\", not " + quoted(text));
}

Wrong socket_path_error(std::string_view path) {
  constexpr std::size_t kLongest = 107;  // sun_path of unix(7) without its final zero
  if (path.size() <= kLongest) return std::nullopt;
  return ValueError{quoted(path) + " is too long for a unix socket, at most 107 bytes", ""};
}

void read_admin_http(const Value& value, AdminHttpSpec& http) {
  value.keys({
      {"bind", [&](const Value& v) { v.address(http.bind, 0), http.place = v.place(); }, kRequired},
      {"token_file", [&](const Value& v) { v.readable_file(http.token_file); }},
  });
}

void read_compat(const Value& value, CompatSpec& compat) {
  compat.place = value.key_place();
  value.keys(
      {
          {"bind", [&](const Value& v) { v.address(compat.bind, 0); }, kRequired},
          {"service", [&](const Value& v) { v.text(compat.service); }, kRequired},
          {"token_file", [&](const Value& v) { v.readable_file(compat.token_file); }},
      },
      &compat.places);
}

void read_size(const Value& value, std::uint32_t& into, std::uint32_t least, std::uint32_t most) {
  std::uint64_t size = 0;
  if (!value.size(size)) return;
  if (size < least || size > most)
    return value.complain(value.name() + " must be from " + std::to_string(least) + " to " +
                          std::to_string(most) + " bytes");
  into = static_cast<std::uint32_t>(size);
}

}  // namespace

void read_listener(const Value& value, ListenerSpec& listener) {
  constexpr std::uint32_t kMostConnections = 10'000'000;
  listener.place = value.place();
  value.keys(
      {
          {"name", [&](const Value& v) { v.checked(listener.name, name_error); }, kRequired},
          {"bind", [&](const Value& v) { v.address(listener.bind, 0); }, kRequired},
          {"tls", [&](const Value& v) { read_listener_tls(v, listener.tls.emplace()); }},
          {"pools", [&](const Value& v) { read_fixed_pools(v, listener); }},
          {"header_timeout", [&](const Value& v) { v.duration(listener.header_timeout); }},
          {"body_timeout", [&](const Value& v) { v.duration(listener.body_timeout); }},
          {"idle_timeout", [&](const Value& v) { v.duration(listener.idle_timeout); }},
          {"max_connections",
           [&](const Value& v) { v.whole(listener.max_connections, 0, kMostConnections); }},
          {"max_connections_per_client",
           [&](const Value& v) { v.whole(listener.max_connections_per_client, 0, kMostConnections); }},
          {"max_requests", [&](const Value& v) { v.whole(listener.max_requests, 0, kMostConnections); }},
          {"max_header_bytes",
           [&](const Value& v) { read_size(v, listener.max_header_bytes, 1024, kMostHeaderBytes); }},
          {"max_target", [&](const Value& v) { read_size(v, listener.max_target, 64, kMostTarget); }},
          {"max_headers", [&](const Value& v) { v.whole(listener.max_headers, 1, kMostHeaders); }},
          {"max_body", [&](const Value& v) { v.size(listener.max_body); }},
          {"proxy_protocol", [&](const Value& v) { v.flag(listener.proxy_protocol); }},
          {"trusted_proxies", [&](const Value& v) { read_networks(v, listener.trusted_proxies); }},
          {"min_body_rate", [&](const Value& v) { v.whole(listener.min_body_rate, 0, kMostConnections); }},
      },
      &listener.places);
}

void read_admin(const Value& value, AdminSpec& admin) {
  value.keys({
      {"socket", [&](const Value& v) { v.checked(admin.socket, socket_path_error); }},
      {"socket_mode", [&](const Value& v) { read_socket_mode(v, admin.socket_mode); }},
      {"socket_group",
       [&](const Value& v) { admin.gid = read_account(v, admin.socket_group, Account::group); }},
      {"roles", [&](const Value& v) { read_roles(v, admin.roles); }},
      {"http", [&](const Value& v) { read_admin_http(v, admin.http.emplace()); }},
      {"compat", [&](const Value& v) { read_compat(v, admin.compat.emplace()); }},
  });
}

void read_access_log(const Value& value, AccessLogSpec& access_log) {
  if (value.is_map()) {
    value.keys({
        {"path", [&](const Value& v) { v.text(access_log.path); }, kRequired},
        {"format",
         [&](const Value& v) {
           std::string format;
           if (!v.text(format)) return;
           if (const auto parsed = parse_log_format(format); !parsed) return v.complain(parsed.error());
           access_log.format = format;
         }},
    });
    return;
  }
  if (value.says_off()) {
    access_log.path.clear();
    return;
  }
  std::string word;
  if (value.is_scalar()) value.maybe_empty(word);
  const std::vector<std::string> words = {"off"};
  value.complain("'access_log' must be off or a map such as {path: /var/log/sluice/access.log, format: json}",
                 word.starts_with('/') ? "{path: " + word + "}" : suggest(word, words));
}

}  // namespace sluice::config
