// handshakes: connections over TLS 1.3 for one request each, --at-once at a time (threads that block). Each
// is a whole handshake, or with --resumed 1 one by the ticket of that thread's connection before.
//
//   handshakes --port N [--requests 1000] [--at-once 8] [--resumed 0] [--body 128]
//
// Prints one line of JSON: how many requests were answered with 200 and a body of so many bytes over a
// handshake of the wanted kind, and how many were not. A thread's first connection cannot be resumed and is
// not counted.
#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/numbers.hpp"
#include "bench/socket.hpp"

namespace {

using namespace sluice::bench;

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

struct Options {
  unsigned long port = 0, requests = 1000, at_once = 8, resumed = 0, body = 128;
};

struct Freer {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* tls) const { SSL_free(tls); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
template <class T>
using Owned = std::unique_ptr<T, Freer>;

int connect_blocking(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

// All that comes until the peer closes.
std::string read_all(SSL* tls) {
  std::string all;
  char buffer[16 * 1024];
  for (int got = 0; (got = SSL_read(tls, buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<std::size_t>(got));
  return all;
}

class Client {
 public:
  Client(const Options& options, SSL_CTX* context) : options_(options), context_(context) {}

  // One connection; whether all of it was right.
  bool ask() {
    const int fd = connect_blocking(static_cast<std::uint16_t>(options_.port));
    if (fd < 0) return false;
    const bool right = speak(fd);
    ::close(fd);
    return right;
  }

 private:
  bool speak(int fd) {
    const Owned<SSL> tls(SSL_new(context_));
    SSL_set_fd(tls.get(), fd);
    if (session_) SSL_set_session(tls.get(), session_.get());
    if (SSL_connect(tls.get()) != 1) return false;
    if ((SSL_session_reused(tls.get()) == 1) != (session_ != nullptr)) return false;
    SSL_write(tls.get(), kRequest.data(), static_cast<int>(kRequest.size()));
    const std::string answer = read_all(tls.get());
    SSL_set_shutdown(tls.get(),
                     SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // else its session may not be resumed
    if (options_.resumed != 0) session_.reset(SSL_get1_session(tls.get()));  // tickets came with the answer
    const std::size_t head = answer.find("\r\n\r\n");
    return answer.starts_with("HTTP/1.1 200 ") && answer.size() == head + 4 + options_.body;
  }

  const Options& options_;
  SSL_CTX* context_;
  Owned<SSL_SESSION> session_;  // of the connection before, when the next is to be resumed
};

struct Counts {
  std::atomic<unsigned long> begun = 0, done = 0, failed = 0;
};

void work(const Options& options, SSL_CTX* context, Counts& counts) {
  Client client(options, context);
  if (options.resumed != 0 && !client.ask()) ++counts.failed;
  while (counts.begun++ < options.requests) ++(client.ask() ? counts.done : counts.failed);
}

Owned<SSL_CTX> make_context() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

Options parse(int argc, char** argv) {
  Options options;
  read_numbers(argc, argv,
               {{"--port", options.port, true},
                {"--requests", options.requests},
                {"--at-once", options.at_once},
                {"--resumed", options.resumed},
                {"--body", options.body}},
               "handshakes --port N [--requests N] [--at-once N] [--resumed 0|1] [--body BYTES]");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  const Owned<SSL_CTX> context = make_context();
  Counts counts;
  {
    std::vector<std::jthread> threads;
    for (unsigned long i = 0; i < options.at_once; ++i)
      threads.emplace_back([&] { work(options, context.get(), counts); });
  }
  std::printf("{\"requests\": %lu, \"failed\": %lu}\n", counts.done.load(), counts.failed.load());
}
