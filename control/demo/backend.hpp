// The demo's tiny backends and its own traffic. Threads of their own; nothing of the proxy is used but its
// HTTP/2 codec, so that what the newcomer sees is the proxy's doing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace sluice::demo {

// Answers every request with its name; `/health` with 200. `fail` of the others get 500.
class TinyBackend {
 public:
  // Listens on a free port of 127.0.0.1. Throws boost::system::system_error when it cannot.
  TinyBackend(std::string pool, std::string name, double fail, bool speaks_h2);
  ~TinyBackend();
  std::uint16_t port() const { return port_; }

 private:
  struct Server;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Sends `rate` requests a second to 127.0.0.1:`port`, each with one of a thousand users' X-User-Id.
class Traffic {
 public:
  Traffic(std::uint16_t port, double rate);
  ~Traffic();

 private:
  void run(std::uint16_t port, double rate);
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sluice::demo
