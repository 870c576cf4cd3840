#include "control/admin/routes.hpp"

#include <algorithm>
#include <optional>

#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

using config::Role;

namespace {

// What every change takes.
#define SLUICE_CHANGE "dry_run force reason step"

struct Row {
  std::string_view method, pattern;
  Endpoint endpoint;
  std::string_view query;  // names, blanks between them
  Role needs = Role::operate;
};

constexpr Row kRows[] = {
    {"GET", "/", Endpoint::root, "", Role::none},
    {"GET", "/livez", Endpoint::livez, "", Role::none},
    {"GET", "/readyz", Endpoint::readyz, "", Role::none},
    {"GET", "/metrics", Endpoint::metrics, "", Role::none},
    {"GET", "/v1/status", Endpoint::status, "service", Role::viewer},
    {"GET", "/v1/history", Endpoint::history, "service limit", Role::viewer},
    {"GET", "/v1/events", Endpoint::events, "follow service", Role::viewer},
    {"GET", "/v1/config", Endpoint::config, "format", Role::viewer},
    {"GET", "/v1/wait", Endpoint::wait, "for target timeout", Role::viewer},
    {"POST", "/v1/explain", Endpoint::explain, "", Role::viewer},
    {"PUT", "/v1/services/{service}/split", Endpoint::split, "rest confirm_within " SLUICE_CHANGE},
    {"GET", "/v1/services/{service}/rollout", Endpoint::rollout_get, "", Role::viewer},
    {"POST", "/v1/services/{service}/rollout", Endpoint::rollout_start, SLUICE_CHANGE},
    {"POST", "/v1/rollout", Endpoint::rollout_start, SLUICE_CHANGE},
    {"PATCH", "/v1/services/{service}/rollout", Endpoint::rollout_act, SLUICE_CHANGE},
    {"POST", "/v1/confirm", Endpoint::confirm, SLUICE_CHANGE},
    {"POST", "/v1/cutover", Endpoint::cutover, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/rollback", Endpoint::rollback_service, SLUICE_CHANGE},
    {"POST", "/v1/rollback", Endpoint::rollback, SLUICE_CHANGE},
    {"POST", "/v1/undo", Endpoint::undo, SLUICE_CHANGE},
    {"POST", "/v1/redo", Endpoint::redo, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pools/{pool}/drain", Endpoint::drain, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pools/{pool}/ready", Endpoint::ready, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pools/{pool}/maint", Endpoint::maint, SLUICE_CHANGE},
    {"PUT", "/v1/services/{service}/pools/{pool}/backends/{backend}", Endpoint::put_backend, SLUICE_CHANGE,
     Role::admin},
    {"PATCH", "/v1/services/{service}/pools/{pool}/backends/{backend}", Endpoint::patch_backend,
     SLUICE_CHANGE},
    {"DELETE", "/v1/services/{service}/pools/{pool}/backends/{backend}", Endpoint::delete_backend,
     "timeout websockets " SLUICE_CHANGE, Role::admin},
    {"POST", "/v1/services/{service}/pools/{pool}/backends/{backend}/drain", Endpoint::drain, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pools/{pool}/backends/{backend}/ready", Endpoint::ready, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pools/{pool}/backends/{backend}/maint", Endpoint::maint, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pause", Endpoint::pause, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/resume", Endpoint::resume, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/stop", Endpoint::stop, SLUICE_CHANGE},
    {"PUT", "/v1/services/{service}/mirror", Endpoint::put_mirror, SLUICE_CHANGE},
    {"DELETE", "/v1/services/{service}/mirror", Endpoint::delete_mirror, SLUICE_CHANGE},
    {"POST", "/v1/services/{service}/pools/{pool}/preview", Endpoint::preview, "reason"},
    {"GET", "/v1/flags", Endpoint::flags, "", Role::viewer},
    {"GET", "/v1/flags/{flag}", Endpoint::flag, "", Role::viewer},
    {"PUT", "/v1/flags/{flag}", Endpoint::put_flag, SLUICE_CHANGE},
    {"DELETE", "/v1/flags/{flag}", Endpoint::delete_flag, "service " SLUICE_CHANGE},
    {"POST", "/v1/reload", Endpoint::reload, SLUICE_CHANGE, Role::admin},
};
#undef SLUICE_CHANGE

std::vector<std::string_view> cut(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// The names in the path where the pattern has {..}; nothing when it does not fit.
std::optional<std::vector<std::string>> fit(std::string_view pattern, const std::vector<std::string>& path) {
  const auto wanted = cut(pattern, '/');
  if (wanted.size() != path.size()) return std::nullopt;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && !path[i].empty())
      names.push_back(path[i]);
    else if (wanted[i] != path[i])
      return std::nullopt;
  }
  return names;
}

// HEAD is GET without the body, which the server leaves out.
bool same_method(std::string_view row, std::string_view method) {
  return row == method || (row == "GET" && method == "HEAD");
}

std::optional<protocol::Problem> unknown_parameter(const Row& row, const std::vector<std::string>& query) {
  std::vector<std::string> known;
  for (const auto name : cut(row.query, ' '))
    if (!name.empty()) known.emplace_back(name);
  for (const auto& name : query) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    auto problem = protocol::malformed("unknown parameter " + quoted(name), name);
    problem.suggestion = protocol::did_you_mean(name, known);
    return problem;
  }
  return std::nullopt;
}

Mismatch not_allowed(std::string_view method, std::string_view path, std::string allow) {
  protocol::Problem problem{405,
                            protocol::Exit::usage,
                            "method not allowed",
                            std::string(path) + " does not take " + quoted(method),
                            {},
                            "it takes " + allow};
  return {std::move(problem), std::move(allow)};
}

}  // namespace

boost::system::result<Match, Mismatch> match(std::string_view method, std::string_view path,
                                             const std::vector<std::string>& query) {
  std::vector<std::string> parts;
  for (const auto part : cut(path, '/')) {
    auto decoded = protocol::percent_decode(part);
    if (!decoded) return Mismatch{protocol::malformed("the path cannot be decoded: " + quoted(path)), {}};
    parts.push_back(std::move(*decoded));
  }
  std::string allow;
  for (const auto& row : kRows) {
    auto names = fit(row.pattern, parts);
    if (!names) continue;
    if (same_method(row.method, method)) {
      if (auto problem = unknown_parameter(row, query)) return Mismatch{*problem, {}};
      return Match{row.endpoint, std::move(*names), row.needs};
    }
    allow += (allow.empty() ? "" : ", ") + std::string(row.method);
  }
  if (!allow.empty()) return not_allowed(method, path, std::move(allow));
  return Mismatch{protocol::not_found("there is no " + quoted(path), "GET / lists what there is"), {}};
}

bool is_public(std::string_view path) {
  return path == "/" || path == "/livez" || path == "/readyz" || path == "/metrics";
}

std::string endpoint_list() {
  std::string out;
  for (const auto& row : kRows)
    out +=
        std::string(row.method) + std::string(7 - row.method.size(), ' ') + std::string(row.pattern) + "\n";
  return out;
}

}  // namespace sluice::admin
