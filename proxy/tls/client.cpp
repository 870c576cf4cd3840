#include "proxy/tls/client.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "proxy/tls/certificate.hpp"
#include "proxy/tls/names.hpp"

namespace sluice::tls {
namespace {

int slot_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// Ours from here on when 1 is returned.
int on_session(SSL* ssl, SSL_SESSION* session) {
  auto* slot = static_cast<SessionSlot*>(SSL_get_ex_data(ssl, slot_index()));
  if (!slot) return 0;
  slot->session.reset(session);
  return 1;
}

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::string trust(SSL_CTX* ctx, const std::string& ca) {
  if (ca.empty())
    return SSL_CTX_set_default_verify_paths(ctx) == 1 ? "" : "the system's CA certificates: " + take_error();
  return SSL_CTX_load_verify_file(ctx, ca.c_str()) == 1
             ? ""
             : "the file " + ca + " cannot be used: " + take_error();
}

std::string come_as(SSL_CTX* ctx, const ClientOptions& options) {
  if (options.cert.empty()) return "";
  const Certificate own = load_certificate({options.cert, options.key, ""});
  if (own.wrong != Certificate::Part::none)
    return "the file " + (own.wrong == Certificate::Part::cert ? options.cert : options.key) +
           " cannot be used: " + own.error;
  if (SSL_CTX_use_certificate(ctx, own.leaf.get()) != 1 || SSL_CTX_use_PrivateKey(ctx, own.key.get()) != 1)
    return "the certificate " + options.cert + " cannot be used: " + take_error();
  for (const auto& link : own.chain) SSL_CTX_add1_chain_cert(ctx, link.get());
  return "";
}

}  // namespace

std::shared_ptr<const ClientContext> ClientContext::make(const ClientOptions& options, std::string& error) {
  auto made = std::make_shared<ClientContext>();
  made->server_name_ = options.server_name;
  made->protocols_ = options.protocols;
  made->ctx_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const ctx = made->ctx_.get();
  if (!ctx) return error = take_error(), nullptr;
  error = trust(ctx, options.ca);
  if (error.empty()) error = come_as(ctx, options);
  if (!error.empty()) return nullptr;
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(
      ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, kReadAhead);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, on_session);
  ERR_clear_error();
  return made;
}

SslPtr ClientContext::session_for(const std::string& address) const {
  SslPtr ssl(SSL_new(ctx_.get()));
  if (!ssl) return nullptr;
  const std::string host(server_name_.empty() ? bare_host(address) : std::string_view(server_name_));
  X509_VERIFY_PARAM* const verify = SSL_get0_param(ssl.get());
  const bool set = is_address(host) ? X509_VERIFY_PARAM_set1_ip_asc(verify, host.c_str()) == 1
                                    : X509_VERIFY_PARAM_set1_host(verify, host.c_str(), 0) == 1 &&
                                          SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  if (!set) return nullptr;
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::unique_ptr<Channel> ClientContext::connect(int fd, const std::string& address, SessionSlot* slot) const {
  SslPtr ssl = session_for(address);
  if (!ssl) return nullptr;
  if (!protocols_.empty())
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(protocols_.data()),
                        static_cast<unsigned>(protocols_.size()));
  if (slot) {
    SSL_set_ex_data(ssl.get(), slot_index(), slot);
    if (slot->session) SSL_set_session(ssl.get(), slot->session.get());
  }
  return std::make_unique<Channel>(std::move(ssl), fd);
}

}  // namespace sluice::tls
