#include "control/state/recover.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/state/read_json.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;

constexpr std::string_view kAnyHeader = "sluice journal ";

// What operators write (a reason, a name) need not be UTF-8; it must not make the journal unreadable.
json::value parsed(std::string_view payload) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  json::error_code error;
  json::value value = json::parse(payload, error, {}, options);
  return error ? json::value() : value;
}

bool read_checkpoint(std::string_view payload, Recovered& out) {
  const json::value value = parsed(payload);
  const auto* checkpoint = field(value, "checkpoint");
  if (!checkpoint) return false;
  auto state = state_from_json(*checkpoint, out.set_aside);
  if (!state) return false;
  out.base = out.state = std::move(*state);
  return true;
}

bool read_edit(std::string_view payload, Recovered& out) {
  auto edit = edit_from_json(parsed(payload), out.set_aside);
  if (!edit || edit->generation <= out.state.generation) return false;
  apply_edit(out.state, *edit);
  out.edits.push_back(std::move(*edit));
  return true;
}

std::string framed(const json::object& object) { return state::framed(json::serialize(object)); }

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
  // Generation 0 is the checkpoint of a journal's first day; without the edit behind it, it is an empty
  // table.
  if (out.state.generation == 0) return JournalFault{"it holds no published generation"};
  return out;
}

std::string checkpoint_record(const State& base) {
  return framed(json::object{{"checkpoint", to_json(base)}});
}

std::string edit_record(const Edit& edit) { return framed(to_json(edit)); }

}  // namespace sluice::state
