// One message to a target, and its two forms (control/notify/NOTICES.md). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/notify/notice.hpp"

namespace sluice::notify {

struct Message {
  static constexpr std::size_t kMostListed = 50;  // of a group; beyond that they are counted

  enum class Kind : std::uint8_t {
    notices,  // one, or several of one kind
    more,     // how many were not told one by one
    test,
  };
  Kind kind = Kind::notices;
  std::vector<Notice> notices;  // of Kind::notices: at least one
  Counts counts{};              // of Kind::notices and Kind::more
  std::int64_t time = 0;        // Unix milliseconds, of the first
  std::uint64_t count() const { return sum_of(counts); }
  // One more of the kind that it has.
  void add(Notice notice);
};
Message message_of(Notice notice);

// "backend_down", "more", "test".
std::string_view event_of(const Message& message);
// What it says as one sentence, without a dot.
std::string sentence_of(const Message& message);

// The body of a POST. `host` is this machine's name. What is not UTF-8, or would steer a terminal, is
// replaced.
std::string body_of(const Message& message, config::NoticeFormat format, const std::string& host);

// As Slack wants text to be written: & < and > are its own.
std::string slack_escaped(std::string_view text);

}  // namespace sluice::notify
