// What a listener needs to speak TLS: its certificates by name, who may connect, how. Made by control, then
// constant; shared by the workers. The defaults are Mozilla's intermediate profile, version 5.7, without its
// finite-field Diffie-Hellman suites, which no client that speaks TLS 1.2 in earnest needs.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/tls/certificate.hpp"
#include "proxy/tls/channel.hpp"
#include "proxy/tls/tickets.hpp"

namespace sluice::tls {

// Proves to an ACME server that a name is ours (TLS-ALPN-01, RFC 8737): whoever asks for `name` by SNI and
// for kAcmeProtocol alone by ALPN is shown this certificate, and the connection ends with the handshake.
struct ChallengeCertificate {
  std::string name;  // in lower case
  X509Ptr certificate;
  KeyPtr key;
};
inline constexpr std::string_view kAcmeProtocol = "acme-tls/1";

struct ServerOptions {
  std::string listener;  // its tickets are good here only
  std::vector<CertificateFiles> certificates;
  // Ordered by this process. Where one of them and one of `certificates` cover a name, it is this one.
  std::vector<CertificateFiles> issued;
  // A certificate for them is ordered: while there is none a handshake fails instead of showing another's.
  std::vector<std::string> promised;
  std::vector<std::shared_ptr<const ChallengeCertificate>> challenges;
  std::string client_ca;                // empty: clients show no certificate
  bool client_certificate_must = true;  // with client_ca: without one there is no connection
  bool only_tls13 = false;
  bool h2 = false, http1 = true;  // what ALPN offers
  std::shared_ptr<TicketKeys> tickets;
};

class ServerContext {
 public:
  // Null with a sentence in `error`.
  static std::shared_ptr<const ServerContext> make(const ServerOptions& options, std::string& error);

  // The server's side of a connection; null when memory is short. The context must outlive it. Any thread.
  std::unique_ptr<Channel> accept(int fd) const;

  // Of the group of an SSL_CTX of ours.
  static bool group_covers(const void* group, std::string_view host);

 private:
  // The certificates of one name, at most one of each kind of key, and the SSL_CTX that serves them. None at
  // all while the first one is ordered.
  struct Group {
    std::vector<const Certificate*> certificates;
    CtxPtr ctx;
  };
  std::string load(const ServerOptions& options);
  void gather(std::string_view pattern);
  std::string set_up(SSL_CTX* ctx, const ServerOptions& options, const Group& group);
  SSL_CTX* find(std::string_view name) const;
  bool is_promised(std::string_view name) const;
  const ChallengeCertificate* challenge_for(std::string_view name) const;

  static int on_client_hello(SSL* ssl, int* alert, void* self);
  static int on_server_name(SSL* ssl, int* alert, void* self);
  static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                     const unsigned char* offered, unsigned offered_size, void* self);
  static int on_status(SSL* ssl, void* self);

  std::vector<Certificate> certificates_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::map<std::string, Group*, std::less<>> by_pattern_;
  std::shared_ptr<TicketKeys> tickets_;
  std::vector<std::string_view> protocols_;  // in ALPN's words, the one that we like most first
  std::vector<std::string> promised_;        // in lower case
  std::vector<std::shared_ptr<const ChallengeCertificate>> challenges_;
};

// Whether a certificate that this connection may have been shown covers `authority` (a Host field). Worker.
bool covers_host(const Channel& channel, std::string_view authority);

// What a backend is told of the client's certificate: a field's name, a literal, and its value.
struct IdentityField {
  std::string_view name;
  std::string value;
};
// Client-Cert (RFC 9440), X-Client-Cert-Subject (RFC 2253) and X-Client-Cert-Fingerprint (SHA-256, hex).
// Empty when the client showed no certificate.
std::vector<IdentityField> identity_fields(const Channel& channel);

}  // namespace sluice::tls
