// T4: audit.log, one JSON line for every attempt to change something, refused ones included; each carries the
// hash of the line before it (control/audit/AUDIT.md). Control thread only.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control/audit/chain.hpp"
#include "control/state/edit.hpp"
#include "control/state/file.hpp"

namespace sluice::state {

struct Attempt {
  std::int64_t time = 0;  // Unix milliseconds
  Actor actor;
  std::string verb;
  std::string before, after;     // texts_between; empty when it was refused
  std::uint64_t generation = 0;  // in force afterwards
  std::string reason;            // the operator's
  std::string result;            // "done", "unchanged", "refused: ..."
};

// The line, without what the chain adds to it. What is not UTF-8 is replaced, and control characters are
// escaped by JSON, so that nothing in it can forge a second line or steer a terminal.
boost::json::object audit_line(const Attempt& attempt);

// Of two processes with one log, while one takes the other's place, either goes on behind what the other
// wrote: what is the last line stands in a file beside the log (its name with `.head` for `.log`), which one
// has at a time.
class AuditLog {
 public:
  // `path` is opened at the first line.
  AuditLog(FileSystem& files, std::string path);

  Error write(const Attempt& attempt);
  // At a start, before the first line: looks at what is there, and when it is not as it was left, writes a
  // line that says so, which is the sentence that it gives; empty: all is as it was left. `start` is who,
  // when and in which generation.
  Io<std::string> go_on(Attempt start);
  void reopen() { file_.reset(); }  // after rotation: the next line opens the file anew
  // Another process writes as well, and rotates: each line opens the file anew.
  void share() { shared_ = true; }

  const std::string& path() const { return path_; }
  // The last line as far as this process knows.
  const std::optional<audit::Place>& place() const { return place_; }
  // Likewise, as it is on the disk.
  std::optional<audit::Place> look();

 private:
  Error open();
  std::optional<audit::Place> place_in_force(SharedFile* head);
  // What brings the file and `place` together when they are not: a line that tells it, or none.
  Io<std::string> reconciled(std::optional<audit::Place>& place, std::uint64_t size, const Attempt& by,
                             std::string* told);

  FileSystem* files_;           // never null; constant
  std::string path_, head_;     // constant
  std::unique_ptr<File> file_;  // null until the first line
  std::optional<audit::Place> place_;
  bool shared_ = false;
};

}  // namespace sluice::state
