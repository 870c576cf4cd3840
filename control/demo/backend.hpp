// The demo's tiny backends and its own traffic. Threads of their own; nothing of the proxy is used but its
// HTTP/2 codec, so that what the newcomer sees is the proxy's doing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace sluice::demo {

// Answers every request with its name; `/health` with 200. A part of the others fails, with 500 unless told.
class TinyBackend {
 public:
  // Listens on a free port of 127.0.0.1. Throws boost::system::system_error when it cannot.
  TinyBackend(std::string pool, std::string name, double fail, bool speaks_h2);
  ~TinyBackend();
  std::uint16_t port() const { return port_; }
  // From now on `part` of the requests (0 to 1) get `status`. Any thread.
  void fail(double part, int status);

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
  // Answers so far; those of 500 and above, or none at all, are failures. Any thread.
  std::uint64_t answers() const { return answers_; }
  std::uint64_t failures() const { return failures_; }

 private:
  void run(std::uint16_t port, double rate);
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> answers_{0}, failures_{0};
  std::thread thread_;
};

}  // namespace sluice::demo
