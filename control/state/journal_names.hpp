// The files of a state folder.
#pragma once

namespace sluice::state {

inline constexpr char kJournal[] = "journal";
inline constexpr char kPrevious[] = "journal.prev";     // what was there before the last rewrite
inline constexpr char kTemporary[] = "journal.tmp";     // a rewrite on its way
inline constexpr char kDamaged[] = "journal.corrupt-";  // and a number from 1
inline constexpr char kLockFile[] = "lock";

}  // namespace sluice::state
