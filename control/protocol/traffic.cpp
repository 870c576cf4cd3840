#include "control/protocol/traffic.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "control/protocol/shift.hpp"

namespace sluice::protocol {

namespace json = boost::json;

namespace {

Problem unknown_field(std::string_view name, std::span<const std::string> known) {
  auto problem = malformed("unknown field " + quoted(name), std::string(name));
  problem.suggestion = did_you_mean(name, known);
  return problem;
}

std::optional<Problem> read_share(const json::value& value, std::string_view name, Share& share) {
  std::string why;
  const auto read = share_from(value, why);
  if (!read) return malformed("the field '" + std::string(name) + "' is wrong: " + why, std::string(name));
  share = *read;
  return std::nullopt;
}

std::optional<Problem> read_text(const json::value& value, std::string_view name, std::string& text) {
  if (!value.is_string())
    return malformed("the field '" + std::string(name) + "' must be a string", std::string(name));
  text = value.get_string();
  return std::nullopt;
}

}  // namespace

json::object to_json(const SetFlag& flag) {
  json::object out{{"enabled_for", format_share(flag.share)}};
  if (!flag.service.empty()) out["service"] = flag.service;
  if (!flag.config) return out;
  json::error_code failed;
  out["config"] = flag.config->empty() ? json::value(nullptr) : json::parse(*flag.config, failed);
  return out;
}

std::optional<Problem> read(const json::value& body, SetFlag& flag) {
  static const Strings kKnown = {"service", "enabled_for", "config"};
  if (!body.is_object() || !body.get_object().contains("enabled_for"))
    return malformed("the field 'enabled_for' is missing, like {\"enabled_for\":\"10%\"}", "enabled_for");
  for (const auto& [name, value] : body.get_object()) {
    std::optional<Problem> problem;
    if (name == "service")
      problem = read_text(value, name, flag.service);
    else if (name == "enabled_for")
      problem = read_share(value, name, flag.share);
    else if (name == "config")
      flag.config = value.is_null() ? std::string() : json::serialize(value);
    else
      problem = unknown_field(name, kKnown);
    if (problem) return problem;
  }
  return std::nullopt;
}

json::object to_json(const SetMirror& mirror) {
  json::object out{{"to", mirror.to}, {"share", format_share(mirror.share)}};
  if (mirror.safe_only) out["safe_only"] = true;
  return out;
}

std::optional<Problem> read(const json::value& body, SetMirror& mirror) {
  static const Strings kKnown = {"to", "share", "safe_only"};
  if (!body.is_object())
    return malformed("the body must be an object, like {\"to\":\"green\",\"share\":\"10%\"}");
  for (const auto& [name, value] : body.get_object()) {
    std::optional<Problem> problem;
    if (name == "to")
      problem = read_text(value, name, mirror.to);
    else if (name == "share")
      problem = read_share(value, name, mirror.share);
    else if (name == "safe_only" && value.is_bool())
      mirror.safe_only = value.get_bool();
    else if (name == "safe_only")
      problem = malformed("the field 'safe_only' must be true or false", "safe_only");
    else
      problem = unknown_field(name, kKnown);
    if (problem) return problem;
  }
  if (mirror.to.empty()) return malformed("the field 'to' is missing: the pool to mirror to", "to");
  return std::nullopt;
}

json::object to_json(const PreviewToken& token) {
  PreviewToken whole = token;
  whole.header = "X-Sluice-Preview: " + token.token;
  whole.cookie = "sluice_preview=" + token.token;
  return answer_json(whole);
}

}  // namespace sluice::protocol
