#include "proxy/tls/server.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>

#include "proxy/tls/names.hpp"

namespace sluice::tls {
namespace {

// https://ssl-config.mozilla.org/guidelines/5.7.json, intermediate.
constexpr const char* kSuites13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kSuites12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCurves = "X25519:prime256v1:secp384r1";
// Without SHA-1 and SHA-224, which OpenSSL would still sign with.
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512";
constexpr std::string_view kHttp2("\x02h2", 3), kHttp11("\x08http/1.1", 9), kHttp10("\x08http/1.0", 9);

int kind_of(const Certificate& certificate) { return EVP_PKEY_get_base_id(certificate.key.get()); }

// The certificates of the group that an SSL_CTX serves.
int group_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool use(SSL_CTX* ctx, const Certificate& certificate) {
  if (SSL_CTX_use_certificate(ctx, certificate.leaf.get()) != 1) return false;
  if (SSL_CTX_use_PrivateKey(ctx, certificate.key.get()) != 1) return false;
  for (const auto& link : certificate.chain)
    if (SSL_CTX_add1_chain_cert(ctx, link.get()) != 1) return false;
  return true;
}

// Set on an SSL whose client asks for a proof (RFC 8737), by on_client_hello().
int proof_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool asks_for_proof(SSL* ssl) {
  const unsigned char* at = nullptr;
  std::size_t size = 0;
  constexpr std::string_view kOnlyAcme(
      "\x00\x0b\x0a"
      "acme-tls/1",
      13);  // the list's and the name's length
  return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &at, &size) ==
             1 &&
         std::string_view(reinterpret_cast<const char*>(at), size) == kOnlyAcme;
}

// What is shown and what is asked is the challenge's alone: no certificate is asked of the client, and so
// nothing of this session may ever be resumed, least of all where one is.
bool show_proof(SSL* ssl, const ChallengeCertificate& proof) {
  SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
  SSL_set_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_num_tickets(ssl, 0);
  SSL_certs_clear(ssl);
  return SSL_use_certificate(ssl, proof.certificate.get()) == 1 &&
         SSL_use_PrivateKey(ssl, proof.key.get()) == 1;
}

bool offers(std::string_view list, std::string_view wanted) {
  for (std::size_t at = 0; at < list.size(); at += 1 + static_cast<unsigned char>(list[at]))
    if (list.substr(at, wanted.size()) == wanted) return true;
  return false;
}

}  // namespace

std::shared_ptr<const ServerContext> ServerContext::make(const ServerOptions& options, std::string& error) {
  auto made = std::make_shared<ServerContext>();
  made->tickets_ = options.tickets;
  made->challenges_ = options.challenges;
  for (const auto& name : options.promised) made->promised_.push_back(lower(name));
  if (options.h2) made->protocols_.push_back(kHttp2);
  if (options.http1) made->protocols_.insert(made->protocols_.end(), {kHttp11, kHttp10});
  error = made->load(options);
  for (auto& group : made->groups_) {
    if (!error.empty()) break;
    group->ctx.reset(SSL_CTX_new(TLS_server_method()));
    error = group->ctx ? made->set_up(group->ctx.get(), options, *group) : take_error();
  }
  if (error.empty()) return made;
  error = "listener " + options.listener + ": " + error;
  return nullptr;
}

// The first group, that of the first configured certificate, is for clients that name no host or an unknown
// one.
std::string ServerContext::load(const ServerOptions& options) {
  for (const auto* list : {&options.issued, &options.certificates})
    for (const auto& files : *list) {
      Certificate loaded = load_certificate(files);
      if (loaded.wrong != Certificate::Part::none) {
        const auto& file = loaded.wrong == Certificate::Part::cert  ? files.cert
                           : loaded.wrong == Certificate::Part::key ? files.key
                                                                    : files.ocsp;
        return "the file " + file + " cannot be used: " + loaded.error;
      }
      certificates_.push_back(std::move(loaded));
    }
  const auto configured = certificates_.begin() + static_cast<std::ptrdiff_t>(options.issued.size());
  std::for_each(configured, certificates_.end(), [this](const Certificate& one) {
    for (const auto& name : one.names) gather(name);
  });
  std::for_each(certificates_.begin(), configured, [this](const Certificate& one) {
    for (const auto& name : one.names) gather(name);
  });
  if (groups_.empty()) groups_.push_back(std::make_unique<Group>());
  return {};
}

// Of every kind of key the first certificate with exactly this pattern, else the first that covers it.
void ServerContext::gather(std::string_view pattern) {
  if (by_pattern_.contains(pattern)) return;
  std::vector<const Certificate*> chosen;
  const auto choose = [&chosen](const Certificate& one) {
    for (const auto* other : chosen)
      if (kind_of(*other) == kind_of(one)) return;
    chosen.push_back(&one);
  };
  for (const auto& one : certificates_)
    if (std::find(one.names.begin(), one.names.end(), pattern) != one.names.end()) choose(one);
  for (const auto& one : certificates_)
    for (const auto& name : one.names)
      if (covers(name, pattern)) choose(one);
  for (auto& group : groups_)
    if (group->certificates == chosen) {
      by_pattern_.emplace(pattern, group.get());
      return;
    }
  groups_.push_back(std::make_unique<Group>());
  groups_.back()->certificates = std::move(chosen);
  by_pattern_.emplace(pattern, groups_.back().get());
}

std::string ServerContext::set_up(SSL_CTX* ctx, const ServerOptions& options, const Group& group) {
  for (const auto* certificate : group.certificates)
    if (!use(ctx, *certificate)) return "a certificate cannot be used: " + take_error();
  SSL_CTX_set_min_proto_version(ctx, options.only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // Mozilla lets the client choose, for the sake of those without AES instructions; testssl.sh wants our
  // order. This is both: our order, but ChaCha20 for who puts it first.
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(
      ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, kReadAhead);
  if (SSL_CTX_set_ciphersuites(ctx, kSuites13) != 1 || SSL_CTX_set_cipher_list(ctx, kSuites12) != 1 ||
      SSL_CTX_set1_groups_list(ctx, kCurves) != 1 || SSL_CTX_set1_sigalgs_list(ctx, kSignatures) != 1)
    return "the cipher suites are refused: " + take_error();
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 1);  // OpenSSL's two cost 7 % of a handshake; each resumption brings a new one
  SSL_CTX_set_timeout(ctx, std::chrono::seconds(kTicketLife).count());
  tickets_->serve(ctx);
  SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
  SSL_CTX_set_tlsext_servername_arg(ctx, this);
  if (!challenges_.empty()) SSL_CTX_set_client_hello_cb(ctx, on_client_hello, this);
  SSL_CTX_set_alpn_select_cb(ctx, on_alpn, this);
  SSL_CTX_set_tlsext_status_cb(ctx, on_status);
  SSL_CTX_set_tlsext_status_arg(ctx, this);
  SSL_CTX_set_ex_data(ctx, group_index(), const_cast<Group*>(&group));

  // A session is resumed only where the same is asked of the client: else one listener's ticket would get
  // past another's question for a certificate.
  std::string ca_digest;
  if (!options.client_ca.empty()) {
    const std::string why = check_ca_file(options.client_ca, ca_digest);
    if (!why.empty() || SSL_CTX_load_verify_file(ctx, options.client_ca.c_str()) != 1)
      return "the file " + options.client_ca + " cannot be used: " + (why.empty() ? take_error() : why);
    SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(options.client_ca.c_str()));
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (options.client_certificate_must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        nullptr);
  }
  const std::string mark =
      digest_of({options.listener, ca_digest, options.client_certificate_must ? "1" : ""});
  SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const unsigned char*>(mark.data()),
                                 SSL_MAX_SID_CTX_LENGTH);
  ERR_clear_error();
  return "";
}

std::unique_ptr<Channel> ServerContext::accept(int fd) const {
  SslPtr ssl(SSL_new(groups_.front()->ctx.get()));
  if (!ssl) return nullptr;
  SSL_set_accept_state(ssl.get());
  return std::make_unique<Channel>(std::move(ssl), fd);
}

SSL_CTX* ServerContext::find(std::string_view name) const {
  const std::string wanted = lower(name);
  auto found = by_pattern_.find(wanted);
  if (found == by_pattern_.end() && wanted.find('.') != std::string::npos)
    found = by_pattern_.find("*" + wanted.substr(wanted.find('.')));
  return found == by_pattern_.end() ? nullptr : found->second->ctx.get();
}

// --- what OpenSSL asks during a handshake. Worker.

// Before SNI and ALPN are looked at, while both can still decide. Only set while there is something to prove.
int ServerContext::on_client_hello(SSL* ssl, int*, void*) {
  if (asks_for_proof(ssl)) SSL_set_ex_data(ssl, proof_index(), ssl);
  return SSL_CLIENT_HELLO_SUCCESS;
}

// An unknown name gets the first certificate, as with nginx and HAProxy; its requests get 421. One that a
// certificate is ordered for gets none until that is there.
int ServerContext::on_server_name(SSL* ssl, int* alert, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  const auto& context = *static_cast<const ServerContext*>(self);
  if (SSL_get_ex_data(ssl, proof_index())) {
    const ChallengeCertificate* proof = context.challenge_for(name);
    if (proof && show_proof(ssl, *proof)) return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  SSL_CTX* ctx = context.find(name);
  if (ctx) {
    SSL_set_SSL_CTX(ssl, ctx);
    return SSL_TLSEXT_ERR_OK;
  }
  if (!context.is_promised(name)) return SSL_TLSEXT_ERR_NOACK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool ServerContext::is_promised(std::string_view name) const {
  return std::find(promised_.begin(), promised_.end(), lower(bare_host(name))) != promised_.end();
}

const ChallengeCertificate* ServerContext::challenge_for(std::string_view name) const {
  const std::string wanted = lower(bare_host(name));
  for (const auto& one : challenges_)
    if (one->name == wanted) return one.get();
  return nullptr;
}

// RFC 7301 3.2: a client that names its protocols and not ours is told so.
int ServerContext::on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* size,
                           const unsigned char* offered, unsigned offered_size, void* self) {
  if (SSL_get_ex_data(ssl, proof_index())) {
    *chosen = reinterpret_cast<const unsigned char*>(kAcmeProtocol.data());
    *size = static_cast<unsigned char>(kAcmeProtocol.size());
    return SSL_TLSEXT_ERR_OK;
  }
  const std::string_view list(reinterpret_cast<const char*>(offered), offered_size);
  for (const std::string_view ours : static_cast<const ServerContext*>(self)->protocols_) {
    if (!offers(list, ours)) continue;
    *chosen = reinterpret_cast<const unsigned char*>(ours.data()) + 1;
    *size = static_cast<unsigned char>(ours.size() - 1);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int ServerContext::on_status(SSL* ssl, void* self) {
  const X509* shown = SSL_get_certificate(ssl);
  for (const auto& certificate : static_cast<const ServerContext*>(self)->certificates_) {
    if (!shown || certificate.staple.empty() || X509_cmp(certificate.leaf.get(), shown) != 0) continue;
    const std::string& staple = certificate.staple;
    void* copy = OPENSSL_memdup(staple.data(), staple.size());
    if (!copy) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(staple.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

bool covers_host(const Channel& channel, std::string_view authority) {
  return ServerContext::group_covers(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(channel.ssl()), group_index()),
                                     bare_host(authority));
}

bool ServerContext::group_covers(const void* group, std::string_view host) {
  for (const auto* certificate : static_cast<const Group*>(group)->certificates)
    for (const auto& name : certificate->names)
      if (covers(name, host)) return true;
  return false;
}

}  // namespace sluice::tls
