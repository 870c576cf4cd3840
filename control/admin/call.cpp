#include "control/admin/call.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>

#include "control/protocol/parameters.hpp"
#include "control/protocol/write.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

namespace json = boost::json;
using protocol::malformed;

Reply json_reply(const json::value& document) {
  Reply reply;
  reply.body = protocol::write(document) + "\n";
  return reply;
}

Reply text_reply(std::string text) {
  Reply reply;
  reply.content_type = "text/plain; charset=utf-8";
  reply.body = std::move(text);
  return reply;
}

Reply problem_reply(const protocol::Problem& problem) {
  auto reply = json_reply(to_json(problem));
  reply.status = problem.status;
  reply.content_type = "application/problem+json";
  return reply;
}

Result<std::optional<std::uint64_t>> last_event_of(const Call& call) {
  if (call.last_event_id.empty()) return std::optional<std::uint64_t>();
  std::uint64_t id = 0;
  const auto* end = call.last_event_id.data() + call.last_event_id.size();
  const auto [stop, error] = std::from_chars(call.last_event_id.data(), end, id);
  if (error != std::errc() || stop != end)
    return malformed("Last-Event-ID must be a number", "Last-Event-ID");
  return std::optional(id);
}

Result<json::value> body_of(const Call& call) {
  if (call.body.find_first_not_of(" \t\r\n") == std::string::npos) return json::value(nullptr);
  json::error_code failed;
  auto value = json::parse(call.body, failed);
  if (failed) return malformed("the body is no JSON: " + failed.message());
  return value;
}

namespace {

// RFC 9110 13.1.1: a list of entity tags or "*"; ours is one number in quotes.
Result<std::optional<std::uint64_t>> generation_of(const std::string& if_match) {
  std::string_view text = if_match;
  if (text.empty() || text == "*") return std::optional<std::uint64_t>();
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::uint64_t generation = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), generation);
  if (error != std::errc() || end != text.data() + text.size())
    return malformed("If-Match must be a generation, like \"7\"", "If-Match");
  return std::optional(generation);
}

Result<std::uint64_t> step_of(const std::string& text) {
  std::uint64_t step = 0;
  if (text.empty()) return Result<std::uint64_t>(boost::system::in_place_value, 0u);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || end != text.data() + text.size())
    return malformed("the parameter 'step' must be a generation, like 7", "step");
  return Result<std::uint64_t>(boost::system::in_place_value, step);
}

// It becomes a line of the journal and of a table.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

}  // namespace

Result<change::Invocation> invocation_of(const Call& call) {
  constexpr std::size_t kLongestReason = 1000;
  change::Invocation invocation;
  invocation.actor = call.actor;
  std::string reason = call.reason, step_text;
  protocol::ParameterReader parameters(call.query);
  parameters("dry_run", invocation.options.dry_run);
  parameters("force", invocation.options.force);
  parameters("reason", reason);
  parameters("step", step_text);
  if (parameters.problem) return *parameters.problem;
  const auto generation = generation_of(call.if_match);
  if (!generation) return generation.error();
  const auto step = step_of(step_text);
  if (!step) return step.error();
  invocation.options.reason = one_line(std::move(reason));
  invocation.options.if_generation = *generation;
  invocation.options.step = *step;
  if (invocation.options.reason.size() > kLongestReason)
    return malformed("the reason has " + std::to_string(invocation.options.reason.size()) +
                         " bytes, at most " + std::to_string(kLongestReason) + " are kept",
                     "reason");
  return invocation;
}

}  // namespace sluice::admin
