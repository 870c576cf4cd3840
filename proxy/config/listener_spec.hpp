// Where clients come in, as configured. Plain structs; every default and every key stands here once
// (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/network.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/acme_spec.hpp"
#include "proxy/config/kinds.hpp"

namespace sluice::config {

using sluice::Address;
using sluice::Network;

struct CertificateSpec {
  std::string cert, key, ocsp;
  // What the files held when they were read: a new certificate under an old name is a change.
  std::string digest;
  std::vector<std::string> names;
  std::int64_t not_after = 0;  // seconds since 1970
  bool operator==(const CertificateSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("cert", self.cert, File{}, kRequired);
    visit("key", self.key, File{}, kRequired);
    visit("ocsp", self.ocsp, File{});
  }
};

struct ListenerTls {
  static constexpr std::string_view kClientAuth[] = {"require", "optional"};
  static constexpr std::string_view kVersions[] = {"1.2", "1.3"};

  std::vector<CertificateSpec> certificates;  // one of them, or acme
  std::optional<AcmeSpec> acme;
  std::string client_ca;                // empty: clients show no certificate
  std::string client_auth = "require";  // with client_ca: or optional
  std::string min_version = "1.2";
  milliseconds handshake_timeout = 10s;
  bool check_host = true;  // 421 for a Host that the connection's certificate does not cover
  std::string ca_digest;   // of client_ca when it was read
  Place place;
  bool operator==(const ListenerTls&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("certificates", self.certificates, ListOf{"a certificate", "TLS needs at least one"});
    visit("acme", self.acme);
    visit("client_ca", self.client_ca, File{});
    visit("client_auth", self.client_auth, OneOf{kClientAuth});
    visit("handshake_timeout", self.handshake_timeout, Duration{});
    visit("check_host", self.check_host);
    visit("min_version", self.min_version, OneOf{kVersions, true});
  }
};

// What clients may speak here: behind TLS they choose by ALPN, in clear by their first bytes (RFC 9113 3).
struct ProtocolSet {
  bool h2 = true, h1 = true;
  bool operator==(const ProtocolSet&) const = default;
};

// Of one HTTP/2 connection.
struct Http2Spec {
  std::uint32_t max_streams = 100;            // at once
  std::uint32_t max_header_list = 32 * 1024;  // bytes of a head as RFC 9113 6.5.2 counts them
  std::uint32_t window = 64 * 1024;           // bytes of a request's body that may wait here
  bool operator==(const Http2Spec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("max_streams", self.max_streams, Whole{1, 1000});
    visit("max_header_list", self.max_header_list, Size{1024, 256 * 1024});
    visit("window", self.window, Size{16 * 1024, 16 * 1024 * 1024});
  }
};

// Of a request's head: the defaults, and the most that can be asked for.
constexpr std::uint32_t kMostHeaderBytes = 32 * 1024, kMostTarget = 8 * 1024, kMostHeaders = 100;
constexpr std::uint32_t kMostConnections = 10'000'000;

// As many fields as a listener has keys.
struct ListenerSpec {
  std::string name;
  Address bind;
  std::optional<ListenerTls> tls;
  ProtocolSet protocols;
  Http2Spec http2;
  std::map<std::string, std::string> pools;  // service -> pool that every request arriving here goes to (S8)
  milliseconds header_timeout = 10s;         // from the first byte of a head to its end
  milliseconds body_timeout = 30s;           // between two pieces of a request's body
  // A kept-alive client without a request: more than a balancer in front keeps it (60 s).
  milliseconds idle_timeout = 75s;
  std::uint32_t max_connections = 0;  // 0: what RLIMIT_NOFILE allows
  // From one client address (IPv6: one /64); 0: no limit, for behind a NAT or a load balancer many users are
  // one.
  std::uint32_t max_connections_per_client = 0;
  std::uint32_t max_requests = 0;  // per connection, then `Connection: close`; 0: no limit
  std::uint32_t max_header_bytes = kMostHeaderBytes, max_target = kMostTarget, max_headers = kMostHeaders;
  std::uint64_t max_body = 0;  // bytes of a request's body; 0: no limit but the service's
  // Bytes of a body that must come per second of waiting for it, after body_timeout's worth of patience; 0:
  // none.
  std::uint32_t min_body_rate = 100;
  bool proxy_protocol = false;           // every connection begins with a PROXY header, v1 or v2
  std::vector<Network> trusted_proxies;  // whose PROXY headers and X-Forwarded-* are believed
  Places places;
  Place place;
  bool operator==(const ListenerSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("name", self.name, Text{name_error}, kRequired);
    visit("bind", self.bind, Bind{}, kRequired);
    visit("tls", self.tls);
    visit("protocols", self.protocols, Protocols{});
    visit("http2", self.http2);
    visit("pools", self.pools, FixedPools{});
    visit("header_timeout", self.header_timeout, Duration{});
    visit("body_timeout", self.body_timeout, Duration{});
    visit("idle_timeout", self.idle_timeout, Duration{});
    visit("max_connections", self.max_connections, Whole{0, kMostConnections});
    visit("max_connections_per_client", self.max_connections_per_client, Whole{0, kMostConnections});
    visit("max_requests", self.max_requests, Whole{0, kMostConnections});
    visit("max_header_bytes", self.max_header_bytes, Size{1024, kMostHeaderBytes});
    visit("max_target", self.max_target, Size{64, kMostTarget});
    visit("max_headers", self.max_headers, Whole{1, kMostHeaders});
    visit("max_body", self.max_body, Size{});
    visit("min_body_rate", self.min_body_rate, Whole{0, kMostConnections});
    visit("proxy_protocol", self.proxy_protocol);
    visit("trusted_proxies", self.trusted_proxies, Networks{});
  }
};

}  // namespace sluice::config
