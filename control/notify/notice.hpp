// What the daemon tells targets of notices: one thing that happened. Pure values.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/notify_spec.hpp"

namespace sluice::notify {

using config::NoticeKind;

// What it does not have is empty.
struct Notice {
  NoticeKind kind = NoticeKind::rolled_back;
  std::int64_t time = 0;              // Unix milliseconds
  std::vector<std::string> services;  // empty: of the whole daemon
  std::string pool, backend;
  std::uint64_t generation = 0;  // in force then
  std::string actor;             // by whom: "rollout", "uid 1000 pid 4711"
  std::string reason;            // why, with its numbers
  std::string text;              // all of it as one sentence, without a dot
  std::string subject;           // how a list of several names it: "api/blue/web-1"
  std::string undo;              // the command that takes it back
  std::string next;              // the command that shows more
  boost::json::object detail;    // its numbers
};

inline constexpr std::size_t kKinds = std::size(config::kNoticeKinds);
using Counts = std::array<std::uint64_t, kKinds>;  // by NoticeKind

std::string_view word_of(NoticeKind kind);  // "backend_down"
std::string phrase_of(NoticeKind kind);     // "backend down"
std::uint64_t sum_of(const Counts& counts);

// Comes in numbers (a rack that is off, a pool that is drained): several are told in one message.
bool comes_in_numbers(NoticeKind kind);

// Whether `target` wants to be told of it.
bool is_for(const config::NotifySpec& target, const Notice& notice);

}  // namespace sluice::notify
