// Journal::open: which of the copies in the folder the daemon goes on with.
#include <cerrno>

#include "control/state/journal.hpp"
#include "control/state/journal_names.hpp"
#include "control/state/recover.hpp"

namespace sluice::state {

// One copy of the journal: not there, unreadable (why), or recovered.
struct JournalCopy {
  std::string name;
  bool there = false;
  std::string why;
  std::optional<Recovered> recovered;
  std::size_t size = 0;

  bool sound() const { return recovered && recovered->ending != Ending::damaged; }
};

struct JournalOpener {
  FileSystem& files;
  const std::string& folder;
  const JournalLimits& limits;
  std::vector<std::string> warnings;

  Io<OpenedJournal> open();
  Io<JournalCopy> read(const char* name);
  Io<JournalCopy> best_of(JournalCopy main);
  Error adopt(Journal& journal, JournalCopy copy, const JournalCopy& main);
  void warn_of(const JournalCopy& used, const JournalCopy& main);
  std::string name_for_damaged();
  std::string path(const std::string& name) const { return folder + "/" + name; }
};

Io<OpenedJournal> Journal::open(FileSystem& files, const std::string& folder, const JournalLimits& limits) {
  return JournalOpener{files, folder, limits, {}}.open();
}

Io<OpenedJournal> JournalOpener::open() {
  if (Error error = files.make_folder(folder)) return error;
  auto lock = files.lock(path(kLockFile));
  if (!lock) return lock.error();
  auto main = read(kJournal);
  if (!main) return main.error();
  auto used = main->sound() ? main : best_of(*main);
  if (!used) return used.error();
  Journal journal(files, folder, limits, std::move(*lock));
  if (used->recovered) {
    warn_of(*used, *main);
    if (Error error = adopt(journal, std::move(*used), *main)) return error;
  }
  return OpenedJournal{std::move(journal), std::move(warnings)};
}

Io<JournalCopy> JournalOpener::read(const char* name) {
  JournalCopy copy;
  copy.name = name;
  const auto content = files.read(path(name));
  copy.there = content || content.error().code() != ENOENT;
  if (!content && copy.there && content.error().code() != EIO) return content.error();
  if (!content) {
    copy.why = content.error().message();
    return copy;
  }
  copy.size = content->size();
  auto recovered = recover(*content);
  if (recovered) {
    copy.recovered = std::move(*recovered);
    if (copy.recovered->ending == Ending::damaged)
      copy.why = "it is damaged behind generation " + std::to_string(copy.recovered->state.generation);
    return copy;
  }
  copy.why = recovered.error().why;
  if (recovered.error().other_version) return Error(0, path(name) + " cannot be read: " + copy.why);
  return copy;
}

// The journal is missing or damaged: the copy that reaches furthest. A temporary one counts only when the
// journal is missing, for then it was complete before the names changed. Nothing recovered when there is
// nothing at all.
Io<JournalCopy> JournalOpener::best_of(JournalCopy main) {
  auto previous = read(kPrevious);
  if (!previous) return previous.error();
  auto temporary = read(kTemporary);
  if (!temporary) return temporary.error();
  JournalCopy best = main;
  const auto consider = [&](JournalCopy& copy) {
    if (!copy.recovered) return;
    if (!best.recovered || copy.recovered->state.generation > best.recovered->state.generation) best = copy;
  };
  consider(*previous);
  if (!main.there && temporary->sound() && temporary->recovered->ending == Ending::clean)
    consider(*temporary);
  if (best.recovered || (!main.there && !previous->there)) return best;
  const JournalCopy& bad = main.there ? main : *previous;
  return Error(0, path(bad.name) + " cannot be read: " + bad.why +
                      "; there is no other copy that can. Restore " + path(kJournal) + ", or move it and " +
                      path(kPrevious) + " away to start from the configuration");
}

void JournalOpener::warn_of(const JournalCopy& used, const JournalCopy& main) {
  const std::string in_force =
      "generation " + std::to_string(used.recovered->state.generation) + " is in force";
  if (!main.sound())
    warnings.push_back(
        path(kJournal) +
        (main.there ? " is damaged (" + main.why + "), later changes are lost: " : " is missing: ") +
        (used.name == main.name ? "its sound part" : path(used.name)) + " is used, " + in_force);
  if (used.recovered->ending == Ending::torn)
    warnings.push_back(path(used.name) + " ends in an incomplete record, which is dropped: " + in_force);
  for (const auto& [service, why] : used.recovered->unrestored)
    warnings.push_back("service '" + service + "' cannot be restored (" + why +
                       "): its configuration counts");
}

// Goes on in the file if it is whole, else in a new file; a damaged file is kept for people to look at.
Error JournalOpener::adopt(Journal& journal, JournalCopy copy, const JournalCopy& main) {
  Recovered& recovered = *copy.recovered;
  const bool whole =
      copy.name == kJournal && recovered.ending == Ending::clean && recovered.unrestored.empty();
  journal.history_ =
      History(std::move(recovered.base), std::move(recovered.edits), std::move(recovered.state));
  if (!whole) return journal.rewrite(path(main.there && !main.sound() ? name_for_damaged() : kPrevious));
  auto file = files.open(path(kJournal));
  if (!file) return file.error();
  if (files.exists(path(kTemporary))) files.remove(path(kTemporary));
  journal.file_ = std::move(*file);
  journal.size_ = copy.size;
  journal.file_state_ = Journal::FileState::clean;
  return {};
}

std::string JournalOpener::name_for_damaged() {
  constexpr int kMost = 100;  // then the last one is overwritten
  int n = 1;
  while (n < kMost && files.exists(path(kDamaged + std::to_string(n)))) ++n;
  return kDamaged + std::to_string(n);
}

}  // namespace sluice::state
