#include "control/state/journal_store.hpp"

namespace sluice::state {

void JournalStore::load(Done<Loaded> done) {
  auto opened = Journal::open(files_, folder_);
  if (!opened) return done({opened.error().message(), {}});
  journal_.emplace(std::move(opened->journal));
  done({{}, std::move(opened->warnings)});
}

const History& JournalStore::history() const {
  static const History kNothing;
  return journal_ ? journal_->history() : kNothing;
}

}  // namespace sluice::state
