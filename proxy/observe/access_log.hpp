// The access log: workers copy a record into a ring of their own, one thread formats and writes. Nothing here
// blocks a worker; a ring that is full drops the line and counts it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::observe {

struct AccessRecord {
  std::int64_t wall_micros = 0;  // when the request's head was complete, Unix time
  std::uint64_t generation = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  // bodies
  std::uint32_t duration_micros = 0;
  std::uint32_t upstream_micros = 0;  // from the last attempt's start to its answer's head
  std::uint16_t status = 0;           // sent to the client; 0: none, it left
  std::uint16_t attempts = 0;
  std::string_view request_id, client, method, host, path, service, pool, backend, sticky, error;
};

// One writer (a worker), one reader (the log thread).
class AccessRing {
 public:
  explicit AccessRing(std::size_t capacity = 1u << 20);  // bytes; a power of two
  // False when there is no room: the record is dropped and counted.
  bool push(const AccessRecord& record);
  // Appends what is there to `out` as JSON lines. Log thread only. Returns how many.
  std::size_t drain(std::string& out);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Packed;
  std::vector<char> bytes_;
  alignas(64) std::atomic<std::uint64_t> head_{0};  // writer's
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // reader's
  std::atomic<std::uint64_t> dropped_{0};
};

// One JSON object and a newline, as CONTRACT's access log says.
void append_json_line(const AccessRecord& record, std::string& out);

class AccessLog {
 public:
  explicit AccessLog(std::size_t workers);
  ~AccessLog();  // writes what is left

  // Opens `path` for appending (empty: off). The text of the error, or empty. Control thread.
  std::string open(const std::string& path);
  void reopen();  // the same path again, for logrotate. Control thread.
  bool on() const { return on_.load(std::memory_order_relaxed); }
  AccessRing& ring(std::size_t worker) { return *rings_[worker]; }
  std::uint64_t dropped() const;

 private:
  void run();
  void write_out(const std::string& lines);

  std::vector<std::unique_ptr<AccessRing>> rings_;
  std::atomic<bool> on_{false};
  std::atomic<bool> stop_{false};
  std::mutex file_mutex_;  // control opens, the log thread writes
  std::string path_;       // under file_mutex_
  int fd_ = -1;            // under file_mutex_
  std::thread thread_;
};

}  // namespace sluice::observe
