#include "control/protocol/change.hpp"

namespace sluice::protocol {

namespace json = boost::json;

json::object to_json(const Changed& changed) {
  json::object out{{"generation", changed.generation},
                   {"changed", changed.changed},
                   {"before", changed.before},
                   {"after", changed.after}};
  if (!changed.undo.empty()) out["undo"] = changed.undo;
  if (changed.dry_run) out["dry_run"] = true;
  if (!changed.durable) out["durable"] = false;
  out["took_ms"] = changed.took_ms;
  for (const auto& [key, value] : changed.more) out[key] = value;
  return out;
}

std::optional<Problem> read(const json::value& body, Changed& changed) {
  if (!body.is_object()) return internal("the daemon's answer is not a JSON object");
  for (const auto& [key, value] : body.get_object()) {
    json::error_code failed;
    if (key == "generation")
      changed.generation = value.to_number<std::uint64_t>(failed);
    else if (key == "changed" && value.is_bool())
      changed.changed = value.get_bool();
    else if (key == "dry_run" && value.is_bool())
      changed.dry_run = value.get_bool();
    else if (key == "durable" && value.is_bool())
      changed.durable = value.get_bool();
    else if (key == "before")
      changed.before = value;
    else if (key == "after")
      changed.after = value;
    else if (key == "undo" && value.is_string())
      changed.undo = value.get_string();
    else if (key == "took_ms")
      changed.took_ms = value.to_number<double>(failed);
    else
      changed.more[key] = value;
    if (failed) return internal("the daemon's answer has no number in '" + std::string(key) + "'");
  }
  return std::nullopt;
}

json::object to_json(const Drained& drained) { return answer_json(drained); }

}  // namespace sluice::protocol
