#include "control/change/knowledge.hpp"

#include <boost/json/serialize.hpp>
#include <cstdint>

#include "control/state/read_json.hpp"

namespace sluice::change {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kVersion = 1;  // of all parts

}  // namespace

std::string knowledge_text(json::object parts) {
  parts["version"] = kVersion;
  return json::serialize(parts);
}

KnowledgeParts::KnowledgeParts(std::string_view text) {
  json::value read = state::parse_json(text);
  const auto version = state::number_field<std::uint64_t>(read, "version");
  if (!version)
    error_ = "it cannot be read";
  else if (*version != kVersion)
    error_ =
        "it is of form " + std::to_string(*version) + ", this program reads form " + std::to_string(kVersion);
  else
    parts_ = std::move(read);
}

const json::value& KnowledgeParts::operator[](std::string_view name) const {
  static const json::value kNothing;
  const auto* found = state::field(parts_, name);
  return found ? *found : kNothing;
}

}  // namespace sluice::change
