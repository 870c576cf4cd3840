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

#include "proxy/base/log_format.hpp"
#include "proxy/observe/access_record.hpp"
#include "proxy/observe/record_ring.hpp"

namespace sluice::observe {

// One writer (a worker), one reader (the log thread).
class AccessRing {
 public:
  explicit AccessRing(std::size_t capacity = 1u << 20);  // bytes; a power of two
  // False when there is no room: the record is dropped and counted.
  bool push(const AccessRecord& record);
  // Appends what is there to `out` as lines. Log thread only. Returns how many.
  std::size_t drain(const LogFormat& format, std::string& out);
  std::uint64_t dropped() const { return ring_.dropped(); }

 private:
  RecordRing<AccessRecord, AccessNumbers> ring_;
};

class AccessLog {
 public:
  explicit AccessLog(std::size_t workers);
  ~AccessLog();  // writes what is left

  // Opens `path` for appending; "-" is standard output, empty is off. The text of the error, or empty.
  // Control thread.
  std::string open(const std::string& path, LogFormat format = {});
  // The same path again, for logrotate; standard output stays as it is. Control thread.
  void reopen();
  bool on() const { return on_.load(std::memory_order_relaxed); }
  AccessRing& ring(std::size_t worker) { return *rings_[worker]; }
  std::uint64_t dropped() const;  // for want of room in a ring, or of a reader

 private:
  // Where lines go, and how. Closed when neither control nor the log thread has it any more, so that a reader
  // of a pipe who does not read holds up nobody but the log.
  struct Sink {
    ~Sink();
    int fd = -1;
    bool file = true;  // not a pipe, socket or terminal: a write does not wait for a reader
    std::string path;
    LogFormat format;
  };

  void run();
  std::shared_ptr<const Sink> sink() const;
  void write_out(const Sink& sink, std::string_view lines);
  bool wait_for_reader(const Sink& sink) const;

  std::vector<std::unique_ptr<AccessRing>> rings_;
  std::atomic<bool> on_{false};
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> unwritten_{0};  // lines
  mutable std::mutex sink_mutex_;            // control opens, the log thread writes
  std::shared_ptr<const Sink> sink_;         // under sink_mutex_; null: off
  bool failing_ = false;                     // log thread only
  std::thread thread_;
};

}  // namespace sluice::observe
