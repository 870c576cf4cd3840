#include "control/protocol/problem.hpp"

#include <boost/json/value.hpp>
#include <utility>

#include "proxy/base/suggest.hpp"

namespace sluice::protocol {

namespace json = boost::json;

std::string_view name_of(Exit exit) {
  switch (exit) {
    case Exit::done:
      return "done";
    case Exit::internal:
      return "internal";
    case Exit::usage:
      return "usage";
    case Exit::unreachable:
      return "unreachable";
    case Exit::not_found:
      return "not_found";
    case Exit::conflict:
      return "conflict";
    case Exit::gate_failed:
      return "gate_failed";
    case Exit::timed_out:
      return "timed_out";
    case Exit::forced:
      return "forced";
    case Exit::refused:
      return "refused";
  }
  return "internal";
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  if (const auto meant = suggest(word, candidates); !meant.empty()) return "did you mean '" + meant + "'?";
  if (candidates.empty() || candidates.size() > 12) return {};
  return (candidates.size() == 1 ? "there is " : "there are ") + list_of(candidates);
}

Problem malformed(std::string detail, std::string field) {
  return {400, Exit::usage, "malformed request", std::move(detail), std::move(field), {}};
}
Problem not_found(std::string detail, std::string suggestion) {
  return {404, Exit::not_found, "not found", std::move(detail), {}, std::move(suggestion)};
}
Problem conflict(std::string detail, std::string suggestion) {
  return {409, Exit::conflict, "conflict", std::move(detail), {}, std::move(suggestion)};
}
Problem generation_moved(std::uint64_t expected, std::uint64_t actual) {
  return {412,
          Exit::conflict,
          "generation moved",
          "the generation is " + std::to_string(actual) + ", not " + std::to_string(expected) +
              "; nothing changed",
          {},
          "look at what changed: sluicectl history"};
}
Problem refused(std::string detail, std::string suggestion) {
  return {409, Exit::refused, "refused", std::move(detail), {}, std::move(suggestion)};
}
Problem forbidden(std::string detail, std::string suggestion) {
  return {403, Exit::refused, "forbidden", std::move(detail), {}, std::move(suggestion)};
}
Problem gate_failed(std::string detail, std::string suggestion) {
  return {409, Exit::gate_failed, "gate failed", std::move(detail), {}, std::move(suggestion)};
}
Problem invalid_config(std::string detail) {
  return {422, Exit::usage, "invalid configuration", std::move(detail), {}, {}};
}
Problem replaced() {
  return {503,        Exit::refused,
          "replaced", "another process has taken this daemon's place meanwhile; nothing changed",
          {},         "say it again, the new one hears it"};
}
Problem timed_out(std::string detail) {
  return {504, Exit::timed_out, "timed out", std::move(detail), {}, {}};
}
Problem internal(std::string detail) {
  return {500, Exit::internal, "internal error", std::move(detail), {}, {}};
}

json::object to_json(const Problem& problem) {
  json::object out{{"type", "urn:sluice:problem:" + std::string(name_of(problem.exit))},
                   {"title", problem.title},
                   {"detail", problem.detail}};
  if (problem.status) out["status"] = problem.status;
  if (!problem.field.empty()) out["field"] = problem.field;
  if (!problem.suggestion.empty()) out["suggestion"] = problem.suggestion;
  out["code"] = name_of(problem.exit);
  out["exit"] = static_cast<int>(problem.exit);
  return out;
}

namespace {

Exit exit_of_status(int status) {
  switch (status) {
    case 400:
    case 405:
    case 411:
    case 413:
    case 415:
    case 422:
    case 431:
      return Exit::usage;
    case 404:
      return Exit::not_found;
    case 409:
    case 412:
      return Exit::conflict;
    case 504:
      return Exit::timed_out;
    case 401:
    case 403:
    case 421:
    case 503:
      return Exit::refused;
    default:
      return Exit::internal;
  }
}

std::string text(const json::object& document, std::string_view key) {
  const auto* value = document.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Problem problem_from(const json::value& document, int status) {
  Problem problem{status, exit_of_status(status), {}, {}, {}, {}};
  if (const auto* object = document.if_object()) {
    problem.title = text(*object, "title");
    problem.detail = text(*object, "detail");
    problem.field = text(*object, "field");
    problem.suggestion = text(*object, "suggestion");
    const auto* exit = object->if_contains("exit");
    if (exit && exit->is_int64() && exit->get_int64() > 0 && exit->get_int64() <= 9)
      problem.exit = static_cast<Exit>(exit->get_int64());
  }
  if (problem.detail.empty()) problem.detail = "the daemon answered with status " + std::to_string(status);
  return problem;
}

}  // namespace sluice::protocol
