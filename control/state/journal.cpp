#include "control/state/journal.hpp"

#include <cassert>
#include <cerrno>

#include "control/state/journal_names.hpp"
#include "control/state/read_json.hpp"

namespace sluice::state {

Journal::Journal(FileSystem& files, std::string folder, const JournalLimits& limits,
                 std::unique_ptr<Lock> lock)
    : files_(&files), folder_(std::move(folder)), limits_(limits), lock_(std::move(lock)) {}

Error Journal::append(const Edit& edit) {
  assert(edit.generation > state_.generation);
  if (file_state_ != FileState::clean) return append_anew(edit);
  PastEdit past = recorded(edit);
  if (Error error = append_to_file(past)) return error;
  record(edit, std::move(past));
  compact_if_large();
  return {};
}

void Journal::keep(const Edit& edit) {
  assert(edit.generation > state_.generation);
  record(edit, recorded(edit));
  file_state_ = FileState::behind;
}

Error Journal::flush() {
  if (file_state_ == FileState::clean || empty()) return {};
  return rewrite(path(kPrevious));
}

std::optional<State> Journal::state_at(std::uint64_t generation) const {
  if (generation < oldest() || generation > state_.generation) return std::nullopt;
  std::vector<SetAside> ignored;
  State state = state_after(base_, edits_until(generation), ignored);
  state.generation = generation;
  return state;
}

std::optional<ServiceState> Journal::service_at(std::string_view name, std::uint64_t generation) const {
  if (generation < oldest() || generation > state_.generation) return std::nullopt;
  const auto edits = edits_until(generation);
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    if (std::find(edit->gone.begin(), edit->gone.end(), name) != edit->gone.end()) return std::nullopt;
    for (const auto& service : edit->services) {
      if (service.name != name) continue;
      auto read = service_from_json(parse_json(service.json));
      return read ? std::optional(std::move(*read)) : std::nullopt;
    }
  }
  const ServiceState* service = base_.service(name);
  return service ? std::optional(*service) : std::nullopt;
}

std::span<const PastEdit> Journal::edits_until(std::uint64_t generation) const {
  const auto end = std::find_if(edits_.begin(), edits_.end(),
                                [&](const PastEdit& edit) { return edit.generation > generation; });
  return {edits_.begin(), end};
}

void Journal::record(const Edit& edit, PastEdit past) {
  apply_edit(state_, edit);
  edits_.push_back(std::move(past));
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
  State before = state_;
  record(edit, recorded(edit));
  Error error = rewrite(path(kPrevious));
  if (error) {
    state_ = std::move(before);
    edits_.pop_back();
  }
  return error;
}

// Until the names change, a failure leaves the file in use as it is.
Error Journal::rewrite(const std::string& keep_old_as) {
  const std::string bytes = content();
  auto file = write_temporary(bytes);
  if (!file) return file.error();
  if (file_state_ == FileState::clean) file_state_ = FileState::suspect;
  if (Error error = put_in_place(keep_old_as)) return error;
  file_ = std::move(*file);
  size_ = bytes.size();
  file_state_ = FileState::clean;
  compact_above_ = std::max(limits_.largest_file, 2 * size_);
  compact_after_ = std::max(limits_.most_edits, edits_.size() + limits_.kept_edits);
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
  if (size_ <= compact_above_ && edits_.size() <= compact_after_) return;
  drop_old_edits();
  if (!rewrite(path(kPrevious))) return;
  compact_above_ = size_ + limits_.largest_file / 4;  // what is there stays good; try again later
  compact_after_ = edits_.size() + limits_.kept_edits / 2;
}

void Journal::drop_old_edits() {
  const std::size_t dropped = edits_.size() - edits_to_keep();
  std::vector<SetAside> ignored;
  base_ = state_after(base_, std::span(edits_).first(dropped), ignored);
  edits_.erase(edits_.begin(), edits_.begin() + static_cast<std::ptrdiff_t>(dropped));
}

std::size_t Journal::edits_to_keep() const {
  std::size_t kept = 0, bytes = 0;
  while (kept < std::min(limits_.kept_edits, edits_.size())) {
    bytes += edit_record(edits_[edits_.size() - 1 - kept]).size();
    if (bytes > limits_.kept_bytes) break;
    ++kept;
  }
  return kept;
}

std::string Journal::content() const {
  std::string bytes(kJournalHeader);
  bytes += checkpoint_record(base_);
  for (const auto& edit : edits_) bytes += edit_record(edit);
  return bytes;
}

}  // namespace sluice::state
