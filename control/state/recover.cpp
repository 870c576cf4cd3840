#include "control/state/recover.hpp"

#include <boost/json/serialize.hpp>

#include "control/state/read_json.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;

constexpr std::string_view kAnyHeader = "sluice journal ";

bool read_checkpoint(std::string_view payload, Recovered& out) {
  const json::value value = parse_json(payload);
  const auto* checkpoint = field(value, "checkpoint");
  if (!checkpoint) return false;
  auto state = state_from_json(*checkpoint, out.unrestored);
  if (!state) return false;
  out.base = std::move(*state);
  return true;
}

bool read_edit(std::string_view payload, Recovered& out) {
  auto edit = past_edit_from_json(parse_json(payload));
  const std::uint64_t before = out.edits.empty() ? out.base.generation : out.edits.back().generation;
  if (!edit || edit->generation <= before) return false;
  out.edits.push_back(std::move(*edit));
  return true;
}

}  // namespace

boost::system::result<Recovered, JournalFault> recover(std::string_view file) {
  if (!file.starts_with(kJournalHeader)) {
    if (!file.starts_with(kAnyHeader)) return JournalFault{"it does not begin as a journal does"};
    return JournalFault{"it was written by another version of sluice", true};
  }
  const Records records = records_in(file.substr(kJournalHeader.size()));
  Recovered out;
  out.ending = records.ending;
  if (records.payloads.empty() || !read_checkpoint(records.payloads.front(), out))
    return JournalFault{"its checkpoint is damaged"};
  for (std::size_t i = 1; i < records.payloads.size(); ++i) {
    if (read_edit(records.payloads[i], out)) continue;
    out.ending = Ending::damaged;
    break;
  }
  out.state = state_after(out.base, out.edits, out.unrestored);
  // Generation 0 is the checkpoint of a journal's first day; without the edit behind it, it is an empty
  // table.
  if (out.state.generation == 0) return JournalFault{"it holds no published generation"};
  return out;
}

std::string checkpoint_record(const State& base) {
  return framed(json::serialize(json::object{{"checkpoint", to_json(base)}}));
}

std::string edit_record(const PastEdit& edit) { return framed(to_text(edit)); }

}  // namespace sluice::state
