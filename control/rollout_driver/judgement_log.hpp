// G8: judgements.log, one JSON line for every judgement of every look. Control thread only.
#pragma once

#include <memory>
#include <string>

#include "control/rollout/judge.hpp"
#include "control/state/file.hpp"
#include "control/state/rollout.hpp"

namespace sluice::rollout_driver {

class JudgementLog {
 public:
  static constexpr std::size_t kMostBytes = 16 << 20;  // then it becomes judgements.log.1

  // `path` is opened at the first line.
  JudgementLog(state::FileSystem& files, std::string path) : files_(&files), path_(std::move(path)) {}

  state::Error write(const std::string& service, const state::Rollout& rollout, std::int64_t time,
                     const std::vector<rollout::Judgement>& judgements);
  void reopen() { file_.reset(); }  // after rotation: the next line opens the file anew

 private:
  state::Error open();

  state::FileSystem* files_;           // never null; constant
  std::string path_;                   // constant
  std::unique_ptr<state::File> file_;  // null until the first line
  std::size_t written_ = 0;            // since it was opened
};

}  // namespace sluice::rollout_driver
