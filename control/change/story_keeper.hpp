// Keeps the stories of rollouts in the state folder, for their reports: of a service the last twenty, each in
// a file of its own that is written anew at each change and every ten seconds while the rollout is active.
// What is lost of one is a gap in a report and nothing else: an error is a log line. Control thread only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/change/committer.hpp"
#include "control/change/in_force.hpp"
#include "control/change/recorder.hpp"
#include "control/protocol/report.hpp"
#include "control/report/document.hpp"
#include "control/report/witness.hpp"
#include "control/rollout/engine.hpp"

namespace sluice::change {

class StoryKeeper {
 public:
  static constexpr std::size_t kKept = 20;  // of a service

  // All of them outlive this.
  StoryKeeper(const InForce& in_force, const Committer& committer, Recorder& recorder,
              state::FileSystem& files)
      : in_force_(in_force), committer_(committer), recorder_(recorder), files_(files) {}

  // Forgets the stories of services that are gone. Requires: a state is in force.
  void open(const std::string& state_dir);
  void looked(const std::string& service, const state::Rollout& rollout, const rollout::Evidence& evidence);
  // `next` is about to be in force: what the pools did until now is of the steps that are.
  void about_to(const state::State& next);
  void changed(const state::Edit& edit, const std::string& actor, double took_ms);
  void tick();   // once a second
  void flush();  // all that is not written yet, for another process
  void stop();   // likewise; nothing is written from here on
  void leave();  // another process has them: nothing is written from here on

  Result<std::string> report(const protocol::GetReport& message) const;

 private:
  // Of an active rollout.
  struct Kept {
    report::Witness witness;
    io::Clock::time_point written{};
    bool dirty = false;
  };
  using Names = std::vector<std::pair<std::uint64_t, std::string>>;  // rollout's id, the file's name

  Kept& kept(const std::string& service, const state::Rollout& rollout);
  std::optional<report::Story> read(const std::string& service, std::uint64_t id) const;
  void write(Kept& kept);
  Names names_of(const std::string& service) const;  // the oldest first
  void forget_oldest(const std::string& service);
  void forget(const std::string& service);
  std::string path_of(const std::string& service, std::uint64_t id) const;
  std::optional<report::Story> story(const std::string& service, std::uint64_t id) const;
  Result<std::string> report_of_rollout(const protocol::GetReport& message) const;
  std::string report_of_span(const protocol::GetReport& message) const;

  const InForce& in_force_;
  const Committer& committer_;
  Recorder& recorder_;
  state::FileSystem& files_;
  std::string folder_;                  // empty before open()
  std::map<std::string, Kept> active_;  // by service
  bool failed_ = false;                 // it was told that a story cannot be written
  bool stopped_ = false;
};

}  // namespace sluice::change
