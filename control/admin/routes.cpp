#include "control/admin/routes.hpp"

#include <algorithm>
#include <optional>

#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

namespace {

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
std::optional<protocol::PathNames> fit(std::string_view pattern, const std::vector<std::string>& path) {
  const auto wanted = cut(pattern, '/');
  if (wanted.size() != path.size()) return std::nullopt;
  protocol::PathNames names;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && !path[i].empty())
      names.emplace_back(wanted[i].substr(1, wanted[i].size() - 2), path[i]);
    else if (wanted[i] != path[i])
      return std::nullopt;
  }
  return names;
}

// HEAD is GET without the body, which the server leaves out.
bool same_method(std::string_view known, std::string_view method) {
  return known == method || (known == "GET" && method == "HEAD");
}

std::optional<protocol::Problem> unknown_parameter(const std::vector<std::string>& known,
                                                   const std::vector<std::string>& query) {
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
  for (const auto& endpoint : endpoints()) {
    const auto& route = endpoint.route;
    auto names = fit(route.path, parts);
    if (!names) continue;
    if (same_method(route.method, method)) {
      if (auto problem = unknown_parameter(endpoint.parameters, query)) return Mismatch{*problem, {}};
      return Match{&endpoint, std::move(*names)};
    }
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!allow.empty()) return not_allowed(method, path, std::move(allow));
  return Mismatch{protocol::not_found("there is no " + quoted(path), "GET /v1/endpoints lists what there is"),
                  {}};
}

bool is_public(std::string_view path) {
  constexpr std::string_view kPublic[] = {"/",      "/page.css", "/page.js", "/v1/endpoints",
                                          "/livez", "/readyz",   "/metrics"};
  return std::ranges::find(kPublic, path) != std::end(kPublic);
}

std::string endpoint_list() {
  std::string out;
  for (const auto& [route, parameters, while_starting, answer] : endpoints())
    out += std::string(route.method) + std::string(7 - route.method.size(), ' ') + std::string(route.path) +
           "\n";
  return out;
}

}  // namespace sluice::admin
