// What is going on with a service, for whoever has ten seconds: one word, one sentence, how it goes, and what
// it waits for. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace sluice::protocol {

struct ServiceStatus;

struct Headline {
  unsigned rank = 0;  // of several services the lowest comes first; below 5 somebody should look
  std::string tone;   // "bad", "warn", "move", "good", "calm"
  std::string word;   // "holding", "rolled back"
  std::string text;   // "25 % of the requests go to green"
  std::string how;    // "Going well: 2 of 3 gates pass, 1 without proof yet"
  std::string waits;  // "2 min 12 s, 380 more requests to green"; empty when it waits for nothing

  static void fields(auto& self, auto& visit) {
    visit("rank", self.rank);
    visit("tone", self.tone);
    visit("word", self.word);
    visit("text", self.text);
    visit("how", self.how);
    visit.some("waits", self.waits);
  }
};

// `ended_ago`: of its last rollout, which is no news after an hour; nothing while one is active.
Headline headline_of(const ServiceStatus& service, std::optional<std::chrono::milliseconds> ended_ago);

}  // namespace sluice::protocol
