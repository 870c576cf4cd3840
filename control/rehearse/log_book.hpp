// What is kept of access logs for a rehearsal: of each request when it ended, where it was, and how. Sixteen
// bytes a request, in the order of their ends. Reads files.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/protocol/problem.hpp"
#include "control/rehearse/log_line.hpp"

namespace sluice::rehearse {

template <class T>
using Result = boost::system::result<T, protocol::Problem>;

struct Seen {
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;
  static constexpr std::uint16_t kNoTime = UINT16_MAX;

  std::int64_t ended_micros = 0;
  std::uint32_t slot = kNoSlot;    // of its client's address (S4)
  std::uint16_t bucket = kNoTime;  // of observe::HistogramLayout
  std::uint8_t pool = 0;           // index into LogBook::pools
  bool counted : 1 = true, error : 1 = false, safe : 1 = false;
};
static_assert(sizeof(Seen) == 16);

struct LogBook {
  std::vector<Seen> requests;
  struct Pool {
    std::string name;  // empty: the log does not say
    std::uint64_t requests = 0, counted = 0, errors = 0;
  };
  std::vector<Pool> pools;            // in the order of their first requests
  std::vector<std::string> services;  // whose lines were read
  std::vector<std::string> kinds;     // of the files
  std::uint64_t lines = 0, unread = 0;
  std::string example;        // of a line that could not be read, "FILE:12: ..."
  std::uint64_t other = 0;    // lines of other services
  std::uint64_t clients = 0;  // by the slots of their addresses
  bool times_known = false;   // of a request at least

  // Fewer than these are proxies, or a test: by them no share can be met.
  static constexpr std::uint64_t kFewClients = 200;
  bool by_client() const { return clients >= kFewClients; }
};

struct Reading {
  std::vector<std::string> files;
  std::optional<LogFormat> format;  // of sluiced's template
  std::string service;              // only its lines; empty: all
  std::string salt;                 // of the slots
};
// A problem when a file cannot be read, or no line of it.
Result<LogBook> read_logs(const Reading& reading);

}  // namespace sluice::rehearse
