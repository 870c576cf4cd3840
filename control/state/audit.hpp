// T4: audit.log, one JSON line for every attempt to change something, refused ones included. Control thread
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

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

// The line, with its newline. Control characters are escaped and what is not UTF-8 is replaced, so that
// nothing in it can forge a second line or steer a terminal.
std::string audit_line(const Attempt& attempt);

class AuditLog {
 public:
  // `path` is opened at the first line.
  AuditLog(FileSystem& files, std::string path) : files_(&files), path_(std::move(path)) {}

  Error write(const Attempt& attempt);
  void reopen() { file_.reset(); }  // after rotation: the next line opens the file anew

 private:
  FileSystem* files_;           // never null; constant
  std::string path_;            // constant
  std::unique_ptr<File> file_;  // null until the first line
};

}  // namespace sluice::state
