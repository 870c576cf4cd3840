// The state in the journal of a folder (journal.hpp). Control thread only; it blocks while it writes.
#pragma once

#include <optional>

#include "control/state/journal.hpp"
#include "control/state/store.hpp"

namespace sluice::state {

class JournalStore : public Store {
 public:
  // `files` outlive the store.
  JournalStore(FileSystem& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  void load(Done<Loaded> done) override;
  void append(Edit edit, Done<Error> done) override { done(journal_->append(edit).message()); }
  void keep(const Edit& edit) override { journal_->keep(edit); }
  void flush(Done<Error> done) override { done(journal_->flush().message()); }
  void doubt() override {
    if (journal_) journal_->doubt();
  }
  int lock_descriptor() const override { return journal_ ? journal_->lock_descriptor() : -1; }
  bool durable() const override { return !journal_ || journal_->durable(); }
  const History& history() const override;
  std::string remedy() const override { return "make room in " + folder_; }

 private:
  FileSystem& files_;
  std::string folder_;              // constant
  std::optional<Journal> journal_;  // since load()
};

}  // namespace sluice::state
