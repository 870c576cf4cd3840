#include "control/nginx/import.hpp"

#include <algorithm>

#include "control/nginx/server.hpp"
#include "control/nginx/upstream.hpp"
#include "control/nginx/variables.hpp"

namespace sluice::nginx {

namespace {

// Of the process, of files and logs: nothing that a route or a pool could say.
bool is_of_no_concern(const Directive& line) {
  constexpr std::string_view kNames[] = {"user",
                                         "pid",
                                         "events",
                                         "error_log",
                                         "access_log",
                                         "log_format",
                                         "sendfile",
                                         "tcp_nopush",
                                         "tcp_nodelay",
                                         "types",
                                         "default_type",
                                         "types_hash_max_size",
                                         "load_module",
                                         "worker_processes",
                                         "worker_rlimit_nofile",
                                         "worker_connections",
                                         "server_tokens",
                                         "daemon",
                                         "keepalive_requests",
                                         "server_names_hash_bucket_size",
                                         "map_hash_bucket_size",
                                         "proxy_http_version"};
  return std::find(std::begin(kNames), std::end(kNames), line.name.text) != std::end(kNames) ||
         (line.is("include") && line.argument(0).ends_with("mime.types"));
}

// The connection header of a WebSocket proxy, in every guide: Sluice does that by itself.
bool is_upgrade_map(const Directive& line) { return line.is("map") && line.argument(0) == "$http_upgrade"; }

struct Http {
  std::vector<Upstream> upstreams;
  Variables variables;
  std::vector<const Directive*> servers;
  Settings settings;
};

// The http block, or a file that one would include.
void read_http(const std::vector<Directive>& lines, Http& http, Model& model) {
  for (const auto& line : lines) {
    if (line.is("http"))
      read_http(line.block, http, model);
    else if (line.is("upstream"))
      http.upstreams.push_back(read_upstream(line, model));
    else if (line.is("split_clients"))
      read_split_clients(line, http.variables, model);
    else if (line.is("map") && !is_upgrade_map(line))
      read_map(line, http.variables, model);
    else if (line.is("server"))
      http.servers.push_back(&line);
    else if (line.is("include") && !is_of_no_concern(line))
      model.note(line.line(),
                 "include " + line.argument(0) + " is not read; nginx -T prints all files as one");
    else if (!read_setting(line, http.settings) && !is_of_no_concern(line) && !is_upgrade_map(line))
      model.note(line.line(), line.name.text + " is not translated");
  }
}

std::optional<SyntaxError> duplicate(const Http& http) {
  for (std::size_t i = 0; i < http.upstreams.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (http.upstreams[i].name == http.upstreams[j].name)
        return SyntaxError{{http.upstreams[i].line, 1},
                           "duplicate upstream " + quoted(http.upstreams[i].name) + ", it stands in line " +
                               std::to_string(http.upstreams[j].line) + " already"};
  return std::nullopt;
}

// Upstreams that nothing in the file leads to are services all the same; one may be all there is.
void add_the_rest(Http& http, Model& model) {
  for (auto& upstream : http.upstreams) {
    if (upstream.used || model.service(name_of(upstream.name))) continue;
    model.services.push_back(service_of(upstream, model));
    const auto& name = model.services.back().name;
    if (model.routes.empty())
      model.routes.push_back({{}, "/", false, {}, {}, {}, name});
    else
      model.note(
          upstream.line,
          "upstream " + upstream.name +
              ": nothing in this file leads to it; add a route, such as {path: /..., service: " + name + "}");
  }
}

}  // namespace

boost::system::result<Imported, SyntaxError> import_text(std::string_view text, const std::string& name) {
  auto lines = parse(text);
  if (!lines) return lines.error();
  Model model;
  Http http;
  read_http(*lines, http, model);
  if (auto error = duplicate(http)) return *error;
  Servers servers(http.upstreams, http.variables, model);
  for (const auto* server : http.servers) servers.add(*server, http.settings);
  servers.finish();
  add_the_rest(http, model);
  if (model.services.empty())
    return SyntaxError{{1, 1}, "there is no upstream block and no proxy_pass that can be translated"};
  std::stable_sort(model.notes.begin(), model.notes.end(),
                   [](const Note& a, const Note& b) { return a.line < b.line; });
  return Imported{to_yaml(model, name), model.notes};
}

}  // namespace sluice::nginx
