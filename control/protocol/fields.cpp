#include "control/protocol/fields.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <limits>

#include "proxy/base/tunnel_pace.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

namespace json = boost::json;

std::optional<Websockets> parse_websockets(std::string_view text) {
  if (text == "wait") return Websockets{};
  if (text == "now") return Websockets{Websockets::Kind::now};
  if (const auto pace = parse_pace(text))
    return Websockets{Websockets::Kind::paced, Websockets().window, *pace};
  constexpr std::string_view kSpread = "spread:";
  if (!text.starts_with(kSpread)) return std::nullopt;
  const auto window = parse_duration(text.substr(kSpread.size()));
  if (!window) return std::nullopt;
  return Websockets{Websockets::Kind::spread, *window};
}

std::string to_string(const Websockets& policy) {
  switch (policy.kind) {
    case Websockets::Kind::wait:
      return "wait";
    case Websockets::Kind::spread:
      return "spread:" + format_duration(policy.window);
    case Websockets::Kind::now:
      return "now";
    case Websockets::Kind::paced:
      return pace_text(policy.rate);
  }
  return "wait";
}

std::optional<Condition> parse_condition(std::string_view text) {
  if (text == "healthy") return Condition::healthy;
  if (text == "drained") return Condition::drained;
  return std::nullopt;
}

std::string to_string(Condition condition) {
  switch (condition) {
    case Condition::healthy:
      return "healthy";
    case Condition::drained:
      return "drained";
  }
  return "healthy";
}

void Writer::operator()(std::string_view name, const std::string& value) {
  if (!value.empty()) out[name] = value;
}
void Writer::operator()(std::string_view name, bool value) {
  if (value) out[name] = value;
}
void Writer::operator()(std::string_view name, std::uint32_t value) { out[name] = value; }
void Writer::operator()(std::string_view name, std::uint64_t value) { out[name] = value; }
void Writer::operator()(std::string_view name, const Websockets& value) {
  if (value != Websockets{}) out[name] = to_string(value);
}
void Writer::operator()(std::string_view name, const Strings& value) {
  if (!value.empty()) out[name] = json::array(value.begin(), value.end());
}
void Writer::operator()(std::string_view name, const StringPairs& value) {
  if (value.empty()) return;
  json::object object;
  for (const auto& [key, text] : value) object[key] = text;
  out[name] = std::move(object);
}
void Writer::operator()(std::string_view name, milliseconds value) { out[name] = format_duration(value); }

const json::value* Reader::find(std::string_view name) {
  known(name);
  return in_.if_contains(name);
}

void Reader::complain(std::string_view name, std::string_view accepted) {
  if (problem_) return;
  problem_ =
      malformed("the field '" + std::string(name) + "' must be " + std::string(accepted), std::string(name));
}

void Reader::operator()(std::string_view name, std::string& value) {
  const auto* found = find(name);
  if (!found) return;
  if (!found->is_string()) return complain(name, "a string");
  value = found->get_string();
}

void Reader::operator()(std::string_view name, bool& value) {
  const auto* found = find(name);
  if (!found) return;
  if (!found->is_bool()) return complain(name, "true or false");
  value = found->get_bool();
}

void Reader::operator()(std::string_view name, std::uint64_t& value) {
  const auto* found = find(name);
  if (!found) return;
  json::error_code failed;
  const auto number = found->to_number<std::uint64_t>(failed);
  if (failed || found->is_double()) return complain(name, "a whole number of at least 0, like 5");
  value = number;
}

void Reader::operator()(std::string_view name, std::uint32_t& value) {
  std::uint64_t wide = value;
  (*this)(name, wide);
  if (wide > std::numeric_limits<std::uint32_t>::max()) return complain(name, "a whole number below 2^32");
  value = static_cast<std::uint32_t>(wide);
}

void Reader::operator()(std::string_view name, Websockets& value) {
  const auto* found = find(name);
  if (!found) return;
  const auto policy = found->is_string() ? parse_websockets(found->get_string()) : std::nullopt;
  if (!policy) return complain(name, "\"wait\", \"spread:60s\", \"paced:20/s\" or \"now\"");
  value = *policy;
}

void Reader::operator()(std::string_view name, Strings& value) {
  const auto* found = find(name);
  if (!found) return;
  if (!found->is_array()) return complain(name, "a list of strings");
  value.clear();
  for (const auto& item : found->get_array()) {
    if (!item.is_string()) return complain(name, "a list of strings");
    value.emplace_back(item.get_string());
  }
}

void Reader::operator()(std::string_view name, StringPairs& value) {
  const auto* found = find(name);
  if (!found) return;
  if (!found->is_object()) return complain(name, "an object of strings");
  value.clear();
  for (const auto& [key, item] : found->get_object()) {
    if (!item.is_string()) return complain(name, "an object of strings");
    value.emplace_back(key, item.get_string());
  }
}

void Reader::operator()(std::string_view name, milliseconds& value) {
  const auto* found = find(name);
  if (!found) return;
  if (!found->is_string()) return complain(name, "a duration like \"30s\"");
  const auto parsed = parse_duration(std::string_view(found->get_string()));
  if (!parsed) return complain(name, "a duration like \"30s\": " + parsed.error().text());
  value = *parsed;
}

std::optional<Problem> Reader::finish() {
  if (problem_) return problem_;
  for (const auto& [key, value] : in_) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    auto problem = malformed("unknown field " + quoted(key), key);
    problem.suggestion = did_you_mean(key, known_);
    return problem;
  }
  return std::nullopt;
}

}  // namespace sluice::protocol
