// Writes the story of one rollout from what is seen of it: counters at every look, and the changes. What an
// earlier process counted in a step stays and is added to. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/report/story.hpp"
#include "control/rollout/judgement.hpp"
#include "control/state/rollout.hpp"

namespace sluice::report {

// At one moment. The counts are running ones, of this process.
struct Look {
  std::int64_t time = 0;
  Counted canary, stable;
  std::uint64_t all = 0;
  const std::vector<rollout::Judgement>* judgements = nullptr;  // null: there were none
};

class Witness {
 public:
  explicit Witness(Story story) : story_(std::move(story)) {}
  // Of a rollout that begins, or of which nothing was kept.
  static Story begun(const std::string& service, std::string keys, const state::Rollout& rollout);

  const Story& story() const { return story_; }
  // `next` is about to be in force, and with it another step: what comes from here on is of that.
  void expect(const state::Rollout& next, const Look& look);
  // The rollout has ended: what came until its end is of the last step.
  void settle(const Look& look);
  // `rollout` as it is now.
  void look(const state::Rollout& rollout, const Look& look);
  // A change put `rollout` in force: another step, its end, or nothing that is seen of it.
  void change(const state::Rollout& rollout, Change change);

 private:
  Step* left_step(const state::Rollout& rollout);
  Step& step_of(const state::Rollout& rollout);
  void count(Step& step, const Look& look);
  void add_judgement(Step& step, const rollout::Judgement& judgement, std::int64_t time);

  Story story_;
  // Of the step that is counted: where the counters stood, and what had been counted before.
  std::int64_t counted_from_ = -1;  // its `began`; -1: none
  Look base_;
  Counted canary_before_, stable_before_;
  std::uint64_t all_before_ = 0;
  std::uint64_t share_canary_ = 0, share_all_ = 0;  // at the last point of the share
};

}  // namespace sluice::report
