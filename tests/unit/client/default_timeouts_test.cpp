// X5 on the client's side: every wait ends after its default, and not half a second before. Time is the
// test's.
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>

#include "clients.hpp"

namespace sluice::client {
namespace {

// One certificate, signed by itself.
std::shared_ptr<const tls::ServerContext> server_context() {
  const tls::KeyPtr key(EVP_EC_gen("P-256"));
  const tls::X509Ptr cert(X509_new());
  X509_set_version(cert.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
  X509_set_pubkey(cert.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("x"), -1, -1, 0);
  X509_set_issuer_name(cert.get(), X509_get_subject_name(cert.get()));
  X509_sign(cert.get(), key.get(), EVP_sha256());

  char folder[] = "/tmp/sluice-test-XXXXXX";
  const std::string base = ::mkdtemp(folder);
  const tls::CertificateFiles files{base + "/cert.pem", base + "/key.pem", ""};
  FILE* file = std::fopen(files.cert.c_str(), "w");
  PEM_write_X509(file, cert.get());
  std::fclose(file);
  file = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);

  tls::ServerOptions options;
  options.listener = "web";
  options.certificates = {files};
  options.tickets = std::make_shared<tls::TicketKeys>(tls::TicketKeys::Clock::now());
  std::string error;
  auto context = tls::ServerContext::make(options, error);
  std::filesystem::remove_all(base);
  EXPECT_TRUE(context) << error;
  return context;
}

class DefaultTimeouts : public Clients {
 protected:
  DefaultTimeouts() { info->spec.min_body_rate = config::ListenerSpec().min_body_rate; }
  // Not half a second before `time`, and half a second after it.
  template <class Condition>
  void takes(std::chrono::milliseconds time, Condition happened) {
    settle();
    const std::chrono::milliseconds early = time - 500ms, step = 200ms;  // one timer may set the next
    for (auto passed = 0ms; passed < early; passed += step) skip(std::min(step, early - passed));
    EXPECT_FALSE(happened()) << "too early";
    skip(1s);
    EXPECT_TRUE(happened()) << "not in time";
  }
};

TEST_F(DefaultTimeouts, X5_a_head_10_s) {
  Peer& peer = client();
  peer.send("GET / HTTP/1.1\r\nHo");
  takes(10s, [&] { return peer.got.find("HTTP/1.1 408") != peer.got.npos; });
  EXPECT_TRUE(until([&] { return peer.eof; }));
}

TEST_F(DefaultTimeouts, X5_between_two_pieces_of_a_body_30_s) {
  client().send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  ASSERT_TRUE(until([&] { return seen.size() == 1 && seen[0].body == "abc"; }));
  takes(30s, [&] { return seen[0].end == BodyPiece::Kind::too_slow; });
}

TEST_F(DefaultTimeouts, X5_a_client_that_does_not_read_30_s) {
  answer_body = std::string(64 << 20, 'x');
  Peer& peer = client();
  peer.reading = false;
  peer.send(kGet);
  ASSERT_TRUE(until([&] { return seen.size() == 1; }));
  takes(30s, [&] { return !list.linked(); });
}

TEST_F(DefaultTimeouts, X5_a_client_between_two_requests_75_s) {
  Peer& peer = client();
  peer.send(kGet);
  ASSERT_TRUE(got(peer, "\r\n\r\nok"));
  takes(75s, [&] { return peer.eof; });
}

TEST_F(DefaultTimeouts, X5_a_client_that_says_nothing_10_s) {
  Peer& peer = client();
  takes(10s, [&] { return peer.eof; });
  EXPECT_EQ(peer.got, "");
}

TEST_F(DefaultTimeouts, X5_a_handshake_10_s) {
  info->tls = server_context();
  info->spec.tls = config::ListenerTls();
  Peer& peer = client();
  takes(10s, [&] { return peer.ended(); });
}

}  // namespace
}  // namespace sluice::client
