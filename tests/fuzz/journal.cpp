// T1: what a disk gives back. With 'F' as the first byte the lines behind it are framed as records, so that
// the checksums do not keep everything else from being reached.
#include <string>

#include "control/state/recover.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

std::string with_checksums(std::string_view lines) {
  std::string file(state::kJournalHeader);
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.size() >= 2 && line.front() == '{' && line.back() == '}') file += state::framed(line);
  }
  return file;
}

void check(std::string_view file) {
  const auto found = state::recover(file);
  if (!found) {
    require(!found.error().why.empty(), "a refusal says what is wrong");
    return;
  }
  for (const auto& service : found->state.services) {
    config::Share sum = 0;
    for (const auto& pool : service.pools) sum += pool.share;
    require(sum == config::kWhole, "T1: the shares that come back add up");
  }
  std::string anew(state::kJournalHeader);
  anew += state::checkpoint_record(found->base);
  for (const auto& edit : found->edits) anew += state::edit_record(edit);
  const auto again = state::recover(anew);
  require(again.has_value() && again->ending == state::Ending::clean, "T1: what we write we can read");
  require(again->base == found->base && again->edits == found->edits && again->state == found->state,
          "T1: and it is the same");
}

}  // namespace

void journal(std::string_view bytes) {
  if (!bytes.empty() && bytes.front() == 'F')
    check(with_checksums(bytes.substr(1)));
  else
    check(bytes);
}

}  // namespace sluice::fuzz
