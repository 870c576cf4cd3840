// What keeps the state over a restart (T1, C3, C7), as control sees it: nothing else in control knows where
// the state is. Every operation may take its time and says so with `done`, on the control thread; the journal
// is done before its function returns. Control thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/state/history.hpp"

namespace sluice::state {

class Store {
 public:
  struct Loaded {
    std::string error;                  // empty: history() is what was found
    std::vector<std::string> warnings;  // sentences for the log and `status`
  };
  template <class T>
  using Done = std::function<void(T)>;
  using Error = std::string;  // a text for the operator, or empty

  virtual ~Store() = default;

  // Reads what is kept. Requires: called once and before anything else; the others are called when it
  // succeeded.
  virtual void load(Done<Loaded> done) = 0;

  // C3: without an error the edit outlives kill -9 and is recorded in history(). With one nothing is
  // recorded; what is kept may hold the edit or not. Requires: a generation higher than the history's; no
  // other append or flush under way.
  virtual void append(Edit edit, Done<Error> done) = 0;
  // C7: the edit is published although append() refused it. Recorded in history() only: durable() is false
  // until an append() or flush() succeeds. Requires: as append().
  virtual void keep(const Edit& edit) = 0;
  // Keeps what keep() only recorded; to be tried now and then. Requires: as append().
  virtual void flush(Done<Error> done) = 0;

  // Another daemon was to take over and did not; it may have changed what is kept. This one goes on with what
  // it has.
  virtual void doubt() {}
  // What only one daemon can hold, for one that takes over; -1: nothing. Stays ours.
  virtual int lock_descriptor() const { return -1; }

  virtual bool durable() const = 0;
  virtual const History& history() const = 0;  // empty before load()
  // What an operator can do when append() failed: "make room in /var/lib/sluice".
  virtual std::string remedy() const = 0;
};

}  // namespace sluice::state
