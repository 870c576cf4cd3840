// X5: every wait ends after its default (README's table), and not half a second before. Time is the test's.
// And X7: the defaults of what is counted.
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>

#include "world.hpp"

namespace sluice::worker {
namespace {

// A listening socket whose backlog is full: who connects waits.
class FullBacklog {
 public:
  FullBacklog() {
    fd_ = bound();
    ::listen(fd_, 0);
    for (int& each : waiting_) {
      each = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(each, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    }
  }
  FullBacklog(const FullBacklog&) = delete;
  ~FullBacklog() {
    ::close(fd_);
    for (const int each : waiting_) ::close(each);
  }
  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  int bound() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    socklen_t size = sizeof address_;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address_), &size);
    return fd;
  }
  sockaddr_in address_{};
  int fd_ = -1;
  int waiting_[8];
};

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

class DefaultWaits : public OneOrigin {
 protected:
  void SetUp() override {
    const config::ListenerSpec listener;
    world.info->spec.header_timeout = listener.header_timeout;
    world.info->spec.body_timeout = listener.body_timeout;
    world.info->spec.idle_timeout = listener.idle_timeout;
    world.info->spec.min_body_rate = listener.min_body_rate;
    OneOrigin::SetUp();
  }
  // `happened` does in the second around `limit`, counted from here.
  template <class Happened>
  void takes(std::chrono::milliseconds limit, Happened happened) {
    // By small steps: an idle client's buffers are given back on the way, and that begins its limit anew.
    const auto step = std::max<std::chrono::milliseconds>(100ms, limit / 600);
    for (auto passed = 0ms; passed < limit - 500ms; passed += step) {
      world.settle();
      world.skip(std::min(step, limit - 500ms - passed));
    }
    world.settle();
    EXPECT_FALSE(happened()) << "too early";
    world.skip(1s);
    EXPECT_TRUE(world.until(happened)) << "not in time";
  }
  static auto got(const Peer& client, std::string_view text) {
    return [&client, text] { return client.got.find(text) != std::string::npos; };
  }
};

TEST_F(DefaultWaits, X5_a_head_10_s) {
  Peer& client = world.client();
  client.send("GET / HTTP/1.1\r\nHo");
  takes(10s, got(client, "HTTP/1.1 408"));
}

TEST_F(DefaultWaits, X5_between_two_pieces_of_a_body_30_s) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
  asked(0, "abc");
  takes(30s, got(client, "HTTP/1.1 408"));
}

TEST_F(DefaultWaits, X5_a_client_that_does_not_read_30_s) {
  Peer& client = world.client();
  client.reading = false;
  client.send(kGet);
  asked(0, "GET").send("HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n" + std::string(64 << 20, 'x'));
  world.stall((*origin)[0]);
  takes(30s, [this] { return world.idle(); });
}

TEST_F(DefaultWaits, X5_a_client_between_two_requests_75_s) {
  Peer& client = world.client();
  client.send(kGet);
  asked(0, "GET").send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  answered(client, "\r\n\r\nok");
  takes(75s, [&client] { return client.eof; });
}

TEST_F(DefaultWaits, X5_an_answer_60_s) {
  Peer& client = world.client();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  asked(0, "POST");
  takes(60s, got(client, "HTTP/1.1 504"));
}

TEST_F(DefaultWaits, X5_between_two_pieces_of_an_answer_60_s) {
  Peer& client = world.client();
  client.send(kGet);
  Peer& backend = asked(0, "GET");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  answered(client, "abc");
  takes(60s, [&client] { return client.ended(); });
}

TEST_F(DefaultWaits, X5_an_idle_connection_to_a_backend_60_s) {
  Peer& client = world.client();
  client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  asked(0, "GET").send(kOk);
  answered(client, "\r\n\r\nok");
  takes(60s, [this] { return (*origin)[0].eof; });
}

TEST_F(DefaultWaits, X7_for_a_place_of_the_service_5_s) {
  world.spec.limits.in_flight = 1;
  world.publish();
  world.client().send(kGet);
  asked(0, "GET");
  Peer& second = world.client();
  second.send(kGet);
  EXPECT_TRUE(world.until([this] { return world.live->waiting.load() == 1; }));
  takes(5s, got(second, "HTTP/1.1 503"));
}

TEST_F(DefaultWaits, X7_for_a_place_on_a_backend_5_s) {
  world.pools[0].backends[0].max_in_flight = 1;
  world.publish();
  world.client().send(kGet);
  asked(0, "GET");
  Peer& second = world.client();
  second.send(kGet);
  EXPECT_TRUE(world.until([this] { return world.live->waiting_for_backend.load() == 1; }));
  takes(5s, got(second, "X-Sluice-Error: overload"));
}

TEST_F(DefaultWaits, X5_a_connect_1_s) {
  const FullBacklog full;
  world.pools[0].backends[0].endpoints[0].port = full.port();
  world.publish();
  Peer& client = world.client();
  client.send(kGet);
  takes(1s, got(client, "X-Sluice-Error: connect"));
}

TEST_F(DefaultWaits, X5_a_tunnel_1_h) {
  Peer& client = world.client();
  client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  asked(0, "GET").send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  answered(client, "HTTP/1.1 101");
  takes(1h, [&client] { return client.ended(); });
}

TEST_F(DefaultWaits, X5_a_handshake_10_s) {
  world.info->tls = server_context();
  world.info->spec.tls = config::ListenerTls();
  Peer& client = world.client();
  takes(10s, [&client] { return client.ended(); });
}

TEST_F(DefaultWaits, X7_10000_requests_at_a_time_and_1000_that_wait) {
  const auto asks = [this]() -> Peer& {
    Peer& client = world.client();
    client.send(kGet);
    world.settle();
    return client;
  };
  world.live->in_flight += 9'999;
  asks();
  asked(0, "GET");
  EXPECT_EQ(world.live->waiting.load(), 0u) << "the 10,000th goes on";
  world.live->waiting += 999;
  Peer& last = asks();
  EXPECT_EQ(world.live->waiting.load(), 1000u) << "the next one waits";
  EXPECT_EQ(last.got, "");
  EXPECT_THAT(asks().got, HasSubstr("X-Sluice-Error: overload")) << "one more is refused";
  world.live->in_flight -= 9'999;
  world.live->waiting -= 999;
}

}  // namespace
}  // namespace sluice::worker
