// What somebody who was not there has to know of a rollout first: what broke, whom it hit, why it went back,
// how long users were exposed, how long the way back took. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/protocol/answer.hpp"
#include "control/report/story.hpp"
#include "control/state/rollout.hpp"

namespace sluice::report {

struct Summary {
  std::string headline;    // "api: green went back to blue at step 2 of 3 (25 %)"
  std::string outcome;     // "went back", "was aborted", "is through", "is under way", "was taken back later"
  std::string what_broke;  // empty when nothing did; a sentence, as all of these
  std::string whom_it_hit;
  std::string why_back;  // empty unless it went back
  std::string exposure;
  std::string way_back;  // empty unless it went back
  // The numbers behind the sentences; of all steps in which users got the new pool.
  std::uint64_t requests = 0, errors = 0, rescued = 0, seen_by_clients = 0;
  Share most_share = 0;  // of the users or requests
  std::int64_t exposed_ms = 0;
  std::optional<double> back_ms;

  static void fields(auto& self, auto& visit) {
    visit("headline", self.headline);
    visit("outcome", self.outcome);
    visit("what_broke", self.what_broke);
    visit("whom_it_hit", self.whom_it_hit);
    visit("why_back", self.why_back);
    visit("exposure", self.exposure);
    visit("way_back", self.way_back);
    visit("requests", self.requests);
    visit("errors", self.errors);
    visit("rescued", self.rescued);
    visit("seen_by_clients", self.seen_by_clients);
    visit("most_share", protocol::as<protocol::Percentage>(self.most_share));
    visit("exposed_ms", self.exposed_ms);
    visit.or_null("back_ms", self.back_ms);
  }
};

// `rollout` is the story's; `now`: Unix milliseconds, of a rollout that is under way.
Summary summary_of(const Story& story, const state::Rollout& rollout, std::int64_t now);

// Who began it, and why: of the change that is the rollout's generation. Null when it is not kept.
const Change* begin_of(const Story& story);
// The change by which it was taken back, while it was active or afterwards; null when it was not.
const Change* end_of(const Story& story, const state::Rollout& rollout);

std::string clock_text(std::int64_t unix_milliseconds);                 // "2026-11-28 14:02:11 UTC"
std::string span_text(std::int64_t milliseconds);                       // "3 min 12 s", "4.2 s", "350 ms"
std::string value_text(double value, const std::string& unit);          // "1.25 %", "250 ms", "3.2"
std::string share_text(Share share);                                    // "25 %"
std::string count_text(std::uint64_t count, const std::string& thing);  // "1,234 requests"

}  // namespace sluice::report
