// A state store in memory: what it kept outlives it, it fails and hesitates when the test says so.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "control/state/store.hpp"

namespace sluice::state {

// The test's end of its stores.
struct StoreControls {
  History kept;            // what a restart finds
  std::string refusal;     // while not empty, nothing is kept and this is why
  std::string unreadable;  // what load() answers, if not empty
  bool hold = false;       // answers wait for answer()
  std::size_t appends = 0;
  std::vector<std::function<void()>> held;

  void answer() {
    for (auto& one : std::exchange(held, {})) one();
  }
};

class MemoryStore : public Store {
 public:
  explicit MemoryStore(StoreControls& controls) : controls_(controls) {}

  void load(Done<Loaded> done) override {
    history_ = controls_.kept;
    reply([this, done = std::move(done)] { done({controls_.unreadable, {}}); });
  }
  void append(Edit edit, Done<Error> done) override {
    ++controls_.appends;
    reply([this, edit = std::move(edit), done = std::move(done)] {
      if (!controls_.refusal.empty()) return done(controls_.refusal);
      history_.record(edit, recorded(edit));
      keep_all(done);
    });
  }
  void keep(const Edit& edit) override {
    history_.record(edit, recorded(edit));
    durable_ = false;
  }
  void flush(Done<Error> done) override {
    reply([this, done = std::move(done)] {
      controls_.refusal.empty() ? keep_all(done) : done(controls_.refusal);
    });
  }
  bool durable() const override { return durable_; }
  const History& history() const override { return history_; }
  std::string remedy() const override { return "mend the store"; }

 private:
  void reply(std::function<void()> answer) {
    controls_.hold ? controls_.held.push_back(std::move(answer)) : answer();
  }
  void keep_all(const Done<Error>& done) {
    controls_.kept = history_;
    durable_ = true;
    done({});
  }

  StoreControls& controls_;
  History history_;
  bool durable_ = true;
};

}  // namespace sluice::state
