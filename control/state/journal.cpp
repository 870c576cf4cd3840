#include "control/state/journal.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "control/state/journal_names.hpp"
#include "control/state/recover.hpp"

namespace sluice::state {

Journal::Journal(FileSystem& files, std::string folder, const JournalLimits& limits,
                 std::unique_ptr<Lock> lock)
    : files_(&files), folder_(std::move(folder)), limits_(limits), lock_(std::move(lock)) {}

Error Journal::append(const Edit& edit) {
  assert(edit.generation > history_.state().generation);
  if (file_state_ != FileState::clean) return append_anew(edit);
  PastEdit past = recorded(edit);
  if (Error error = append_to_file(past)) return error;
  history_.record(edit, std::move(past));
  compact_if_large();
  return {};
}

void Journal::keep(const Edit& edit) {
  history_.record(edit, recorded(edit));
  file_state_ = FileState::behind;
}

Error Journal::flush() {
  if (file_state_ == FileState::clean || history_.empty()) return {};
  return rewrite(path(kPrevious));
}

// After a failed write or sync nobody knows what the disk holds, and asking again does not help (the kernel
// may have dropped the pages that it could not write): the next attempt is a new file.
Error Journal::append_to_file(const PastEdit& edit) {
  const std::string bytes = edit_record(edit);
  file_state_ = FileState::suspect;
  if (Error error = file_->append(bytes)) return error;
  if (Error error = file_->sync()) return error;
  file_state_ = FileState::clean;
  size_ += bytes.size();
  return {};
}

Error Journal::append_anew(const Edit& edit) {
  PastEdit past = recorded(edit);
  if (Error error = rewrite(path(kPrevious), &past)) return error;
  history_.record(edit, std::move(past));
  return {};
}

// Until the names change, a failure leaves the file in use as it is.
Error Journal::rewrite(const std::string& keep_old_as, const PastEdit* last) {
  const std::string bytes = content(last);
  auto file = write_temporary(bytes);
  if (!file) return file.error();
  if (file_state_ == FileState::clean) file_state_ = FileState::suspect;
  if (Error error = put_in_place(keep_old_as)) return error;
  file_ = std::move(*file);
  size_ = bytes.size();
  file_state_ = FileState::clean;
  compact_above_ = std::max(limits_.largest_file, 2 * size_);
  compact_after_ =
      std::max(limits_.most_edits, history_.edits().size() + (last ? 1 : 0) + limits_.kept_edits);
  return {};
}

Io<std::unique_ptr<File>> Journal::write_temporary(const std::string& content) {
  auto file = files_->create(path(kTemporary));
  if (!file) return file;
  Error error = (*file)->append(content);
  if (!error) error = (*file)->sync();
  if (!error) return file;
  files_->remove(path(kTemporary));  // a full disk needs the room
  return error;
}

Error Journal::put_in_place(const std::string& keep_old_as) {
  Error error = files_->rename(path(kJournal), keep_old_as);
  if (error && error.code() != ENOENT) return error;
  if (Error not_renamed = files_->rename(path(kTemporary), path(kJournal))) return not_renamed;
  return files_->sync_folder(folder_);
}

void Journal::compact_if_large() {
  if (size_ <= compact_above_ && history_.edits().size() <= compact_after_) return;
  history_.forget(history_.edits().size() - edits_to_keep());
  if (!rewrite(path(kPrevious))) return;
  compact_above_ = size_ + limits_.largest_file / 4;  // what is there stays good; try again later
  compact_after_ = history_.edits().size() + limits_.kept_edits / 2;
}

std::size_t Journal::edits_to_keep() const {
  const auto edits = history_.edits();
  std::size_t kept = 0, bytes = 0;
  while (kept < std::min(limits_.kept_edits, edits.size())) {
    bytes += edit_record(edits[edits.size() - 1 - kept]).size();
    if (bytes > limits_.kept_bytes) break;
    ++kept;
  }
  return kept;
}

std::string Journal::content(const PastEdit* last) const {
  std::string bytes(kJournalHeader);
  bytes += checkpoint_record(history_.base());
  for (const auto& edit : history_.edits()) bytes += edit_record(edit);
  if (last) bytes += edit_record(*last);
  return bytes;
}

}  // namespace sluice::state
