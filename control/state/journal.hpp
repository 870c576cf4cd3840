// T1, C3, C7: what was published, kept over kill -9. Format and recovery: ../JOURNAL.md. Control thread only;
// appending blocks for one write and one fdatasync.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/state/file.hpp"
#include "control/state/history.hpp"
#include "control/state/recover.hpp"

namespace sluice::state {

struct OpenedJournal;

// When the file is rewritten, and how much of the history stays then.
struct JournalLimits {
  std::size_t largest_file = 4 << 20;
  std::size_t most_edits = 2000;
  std::size_t kept_edits = 1000;
  std::size_t kept_bytes = 2 << 20;
};

class Journal {
 public:
  // Takes the lock of `folder` (made if it is not there) and reads what it holds. An error when another
  // process has it, when it cannot be written, or when there are journals but none that can be read: never an
  // empty table instead. A torn tail, a damaged journal replaced by the previous one, and services left out
  // (T3) are warnings.
  static Io<OpenedJournal> open(FileSystem& files, const std::string& folder,
                                const JournalLimits& limits = {});

  // Puts the edit on the disk (C3). On an error the edit is not recorded, and the disk may hold it or not.
  // Requires: a generation higher than history().state().generation.
  Error append(const Edit& edit);

  // C7: the edit was published although append() refused it. Recorded here, not on the disk: durable() is
  // false until an append() or flush() succeeds. Requires: as append().
  void keep(const Edit& edit);
  // Writes the file anew if the disk may not hold exactly what was recorded; to be tried now and then after
  // an error.
  Error flush();
  bool durable() const { return file_state_ != FileState::behind; }
  // Another process may have written to the folder: what it holds is replaced with the next append.
  void doubt() {
    lock_->sign();
    if (file_state_ == FileState::clean) file_state_ = FileState::suspect;
  }
  int lock_descriptor() const { return lock_->descriptor(); }

  const History& history() const { return history_; }

 private:
  enum class FileState : std::uint8_t {
    clean,    // the file holds all that was recorded, and a record can be appended to it
    suspect,  // the file holds all that was recorded, but its end is not known: it is written anew before the
              // next append
    behind,   // something was recorded that the file may not hold: it is written anew as soon as that works
  };

  Journal(FileSystem& files, std::string folder, const JournalLimits& limits, std::unique_ptr<Lock> lock);
  friend struct JournalOpener;

  std::string path(const char* name) const { return folder_ + "/" + name; }
  Error append_to_file(const PastEdit& edit);
  Error append_anew(const Edit& edit);
  // Writes history and `last`, an edit that is not recorded yet (null: none), to a new file.
  Error rewrite(const std::string& keep_old_as, const PastEdit* last = nullptr);
  Io<std::unique_ptr<File>> write_temporary(const std::string& content);
  Error put_in_place(const std::string& keep_old_as);
  void compact_if_large();
  std::size_t edits_to_keep() const;
  std::string content(const PastEdit* last) const;

  FileSystem* files_;           // never null; constant
  std::string folder_;          // constant
  JournalLimits limits_;        // constant
  std::unique_ptr<Lock> lock_;  // constant
  std::unique_ptr<File> file_;  // null until the first append
  FileState file_state_ = FileState::suspect;
  std::size_t size_ = 0;  // of the file
  std::size_t compact_above_ = limits_.largest_file;
  std::size_t compact_after_ = limits_.most_edits;
  History history_;
};

struct OpenedJournal {
  Journal journal;
  std::vector<std::string> warnings;  // sentences for the log and `status`
};

}  // namespace sluice::state
