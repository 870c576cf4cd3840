#include "control/nginx/server.hpp"

#include <algorithm>

#include "proxy/base/url.hpp"

namespace sluice::nginx {

namespace {

template <std::size_t N>
bool one_of(std::string_view text, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), text) != std::end(words);
}

// What a reverse proxy's locations say and Sluice does by itself.
bool is_done_anyway(const Directive& line) {
  constexpr std::string_view kNames[] = {"proxy_http_version",
                                         "proxy_buffering",
                                         "proxy_request_buffering",
                                         "proxy_redirect",
                                         "access_log",
                                         "error_log",
                                         "proxy_send_timeout",
                                         "keepalive_requests",
                                         "charset",
                                         "proxy_buffer_size",
                                         "proxy_buffers",
                                         "proxy_busy_buffers_size",
                                         "tcp_nodelay",
                                         "index",
                                         "http2",
                                         "http2_max_concurrent_streams",
                                         "grpc_buffer_size",
                                         "grpc_send_timeout"};
  constexpr std::string_view kHeaders[] = {
      "host", "connection", "upgrade", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"};
  if (one_of(line.name.text, kNames)) return true;
  if (!line.is("proxy_set_header") && !line.is("grpc_set_header")) return false;
  std::string name = line.argument(0);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return one_of(name, kHeaders) &&
         (name != "host" || line.argument(1) == "$host" || line.argument(1) == "$http_host");
}

// What a route's path may be here.
bool is_path(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '?' && c != '#';
         });
}

// The pools' names: what is left of the upstreams' names without what they have in common.
std::vector<std::string> short_names(const std::vector<std::string>& names, std::string& common) {
  const auto is_cut = [](char c) { return c == '_' || c == '-' || c == '.'; };
  std::size_t same = 0;
  for (std::size_t i = 1;; ++i) {
    const bool all = std::all_of(names.begin(), names.end(), [&](const auto& name) {
      return name.size() > i && name.compare(0, i, names.front(), 0, i) == 0;
    });
    if (!all) break;
    if (is_cut(names.front()[i - 1])) same = i;
  }
  common = same > 1 ? names.front().substr(0, same - 1) : "";
  std::vector<std::string> out;
  for (const auto& name : names) out.push_back(name_of(name.substr(same)));
  return out;
}

int rank_of(const std::string& host) { return host.empty() ? 2 : host.starts_with("*.") ? 1 : 0; }

// A header's value comes without blanks around it, and with no control character but the tab.
bool can_arrive(std::string_view value) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (value.empty()) return true;
  return !blank(value.front()) && !blank(value.back()) &&
         std::none_of(value.begin(), value.end(), [](char c) {
           return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
         });
}

}  // namespace

bool read_setting(const Directive& line, Settings& settings) {
  const bool connect = line.is("proxy_connect_timeout") || line.is("grpc_connect_timeout");
  const bool response = line.is("proxy_read_timeout") || line.is("grpc_read_timeout");
  auto* wanted = connect                        ? &settings.connect
                 : response                     ? &settings.response
                 : line.is("keepalive_timeout") ? &settings.idle
                                                : nullptr;
  if (!wanted) return false;
  if (const auto time = time_of(line.argument(0)); time && time->count() > 0) *wanted = time;
  return true;
}

void Servers::add(const Directive& server, Settings around) {
  std::vector<std::string> hosts;
  std::vector<Route> routes;
  bool is_default = false, named = false;
  for (const auto& line : server.block) read_setting(line, around);
  for (const auto& line : server.block) {
    if (line.is("listen"))
      read_listen(line, around, is_default);
    else if (line.is("server_name"))
      hosts = hosts_of(line), named = true;
    else if (line.is("location"))
      read_location(line, around, routes);
    else if (!read_setting(line, around) && !is_done_anyway(line) && !line.is("ssl_certificate") &&
             !line.is("ssl_certificate_key"))
      model_.note(line.line(), "server: " + line.name.text + " is not translated");
  }
  if (routes_.empty() && of_first_.empty()) of_first_ = routes;
  if (is_default && of_default_.empty()) of_default_ = routes;
  if (!named || hosts.empty()) hosts = {""};
  for (const auto& host : hosts)
    for (auto route : routes) {
      route.host = host;
      routes_.push_back({std::move(route), rank_of(host)});
    }
}

void Servers::read_listen(const Directive& line, Settings& settings, bool& is_default) {
  const auto& text = line.argument(0);
  for (std::size_t i = 1; i < line.arguments.size(); ++i) {
    const auto& word = line.arguments[i].text;
    if (word == "default_server") is_default = true;
    if (word == "ssl" || word == "quic")
      return model_.note(line.line(), "listen " + text + " " + word + " is left out: TLS is not translated");
    if (word == "proxy_protocol")
      model_.note(line.line(), "listen " + text + ": proxy_protocol is not translated");
  }
  std::string bind = text.starts_with("*:") ? "0.0.0.0" + text.substr(1) : text;
  if (!bind.empty() && bind.find_first_not_of("0123456789") == std::string::npos) bind = "0.0.0.0:" + bind;
  const auto address = address_of(bind);
  if (!address)
    return model_.note(line.line(), "listen " + text + " is left out: listeners are HOST:PORT here");
  const auto known = std::find_if(model_.listeners.begin(), model_.listeners.end(),
                                  [&](const auto& one) { return one.bind == *address; });
  if (known == model_.listeners.end()) model_.listeners.push_back({*address, settings.idle});
}

std::vector<std::string> Servers::hosts_of(const Directive& line) {
  std::vector<std::string> hosts;
  const auto add = [&](const std::string& host) {
    const std::string name = host.starts_with("*.") ? host.substr(2) : host;
    if (parse_address(name + ":80"))
      hosts.push_back(host);
    else
      model_.note(line.line(), "server_name " + host + " is not translated, hosts are NAME or *.NAME here");
  };
  for (const auto& word : line.arguments) {
    if (word.text == "_" || word.text.empty() || word.text == "localhost") return {""};
    if (word.text.starts_with('.')) {
      add(word.text.substr(1));
      add("*" + word.text);
    } else {
      add(word.text);
    }
  }
  return hosts;
}

void Servers::read_location(const Directive& location, Settings around, std::vector<Route>& routes) {
  const auto& first = location.argument(0);
  const bool has_modifier = location.arguments.size() > 1;
  const auto& path = has_modifier ? location.argument(1) : first;
  if (has_modifier && first.starts_with('~'))
    return model_.note(location.line(),
                       "location " + first + " " + path + " is not translated, paths are prefixes here");
  if (!is_path(path)) return model_.note(location.line(), "location " + path + " is not translated");
  for (const auto& line : location.block) read_setting(line, around);
  const Place place{path, location.line(), around};
  const auto before = routes.size();
  std::string instead;
  for (const auto& line : location.block) {
    if (line.is("proxy_pass"))
      read_proxy_pass(line, place, routes);
    else if (line.is("grpc_pass"))
      read_grpc_pass(line, place, routes);
    else if (line.is("location"))
      read_location(line, around, routes);
    else if (!read_setting(line, around) && !is_done_anyway(line)) {
      model_.note(line.line(), "location " + path + ": " + line.name.text + " is not translated");
      instead = line.name.text;
    }
  }
  if (routes.size() > before && has_modifier && first == "=")
    model_.note(location.line(), "location = " + path + " becomes a prefix, also what lies below it");
  if (routes.size() == before && !instead.empty())
    model_.note(location.line(),
                "location " + path +
                    " leads to no backend; its requests go to the route of a shorter path, or get 404");
}

void Servers::read_proxy_pass(const Directive& line, const Place& place, std::vector<Route>& routes) {
  std::string_view target = line.argument(0);
  const std::string shown = shown_url(target);
  if (target.starts_with("https://"))
    return model_.note(line.line(), "proxy_pass " + shown + " is not translated: TLS to backends");
  if (target.starts_with("http://")) target.remove_prefix(7);
  const auto slash = target.find('/');
  std::string authority(target.substr(0, slash));
  if (const auto at = authority.rfind('@'); at != std::string::npos) {
    model_.note(line.line(), "proxy_pass " + shown + ": the user and password in it are not translated");
    authority.erase(0, at + 1);
  }
  const std::string uri(slash == std::string_view::npos ? "" : target.substr(slash));
  Route route;
  route.path = place.path;
  route.strip_prefix = uri == "/" && place.path != "/";
  if (!uri.empty() && uri != "/" && uri != place.path)
    model_.note(line.line(), "proxy_pass " + shown + ": the path is forwarded as it comes, not as " + uri);
  lead_to(authority, place, line.line(), route, routes);
}

// grpc_pass HOST | grpc://HOST: HTTP/2 in clear.
void Servers::read_grpc_pass(const Directive& line, Place place, std::vector<Route>& routes) {
  std::string_view target = line.argument(0);
  if (target.starts_with("grpcs://"))
    return model_.note(line.line(),
                       "grpc_pass " + std::string(target) + " is not translated: TLS to backends");
  if (target.starts_with("grpc://")) target.remove_prefix(7);
  place.settings.grpc = true;
  Route route;
  route.path = place.path;
  lead_to(std::string(target), place, line.line(), route, routes);
}

void Servers::lead_to(const std::string& authority, const Place& place, int line, Route route,
                      std::vector<Route>& routes) {
  if (authority.find('$') == std::string::npos) {
    route.service = service_for(authority, place.settings, line);
    if (!route.service.empty()) routes.push_back(std::move(route));
    return;
  }
  const auto variable = variables_.find(variable_in(authority));
  if (variable == variables_.end())
    return model_.note(line, "proxy_pass to " + authority +
                                 " is not translated: no split_clients or map says what it can be");
  lead_through(resolved(variable->second, variables_, model_), place, line, route, routes);
}

void Servers::lead_through(const Variable& variable, const Place& place, int line, const Route& route,
                           std::vector<Route>& routes) {
  if (variable.kind == Variable::Kind::split) {
    Route to_split = route;
    to_split.service = service_for_split(variable, place.settings, line);
    if (!to_split.service.empty()) routes.push_back(std::move(to_split));
    return;
  }
  for (const auto& variant : variable.variants) {
    Route one = route;
    if (!condition_of(variable, variant, one)) continue;
    const auto& value = variant.value;
    one.service =
        service_for(value.starts_with("http://") ? value.substr(7) : value, place.settings, variant.line);
    if (!one.service.empty()) routes.push_back(std::move(one));
  }
}

bool Servers::condition_of(const Variable& variable, const Variant& variant, Route& route) {
  if (variant.condition.empty()) return true;
  const auto source = variable_in(variable.source);
  const auto key = sticky_key_of("$" + source);
  if (source == "request_method")
    route.method = variant.condition;
  else if (key.starts_with("header:") && source != "http_host" && can_arrive(variant.condition)) {
    route.header = key.substr(7);
    route.value = variant.condition;
  } else {
    model_.note(variant.line, "map " + variable.source + ": " + quoted(variant.condition) +
                                  " is not translated, routes match by header and method");
    return false;
  }
  return true;
}

std::string Servers::service_for(const std::string& authority, const Settings& settings, int line) {
  if (auto* found = upstream(authority)) {
    found->used = true;
    const auto name = name_of(found->name);
    if (!model_.service(name)) model_.services.push_back(service_of(*found, model_));
    apply(settings, *model_.service(name), line);
    return name;
  }
  const auto address = address_of(authority);
  if (!address) {
    model_.note(line,
                quoted(authority) + " is no upstream of this file and no HOST:PORT, it is not translated");
    return {};
  }
  const auto name = name_of(*address);
  if (!model_.service(name)) model_.services.push_back(service_of_address(name, *address, line));
  apply(settings, *model_.service(name), line);
  return name;
}

std::string Servers::service_for_split(const Variable& split, const Settings& settings, int line) {
  std::vector<std::string> names;
  for (const auto& variant : split.variants) {
    const auto value = variant.value.starts_with("http://") ? variant.value.substr(7) : variant.value;
    if (!upstream(value)) {
      model_.note(variant.line, "split_clients $" + split.name + ": " + quoted(variant.value) +
                                    " is no upstream of this file, the split is left out");
      return {};
    }
    names.push_back(value);
  }
  std::string common;
  const auto pools = short_names(names, common);
  const auto name = name_of(common.empty() ? split.name : common);
  if (model_.service(name)) return name;
  Service service = upstream(names.front())->policies;
  service.name = name;
  service.line = split.line;
  for (std::size_t i = 0; i < names.size(); ++i) {
    upstream(names[i])->used = true;
    const auto known = std::find_if(service.pools.begin(), service.pools.end(),
                                    [&](const auto& pool) { return pool.name == pools[i]; });
    if (known == service.pools.end())
      service.pools.push_back(pool_of(*upstream(names[i]), pools[i], model_)),
          service.pools.back().share = split.variants[i].share;
    else
      known->share += split.variants[i].share;
  }
  if (const auto keys = keys_of(split, model_); !keys.empty()) service.sticky = keys;
  model_.services.push_back(std::move(service));
  apply(settings, model_.services.back(), line);
  return name;
}

// Timeouts are a location's in nginx and a service's here.
void Servers::apply(const Settings& settings, Service& service, int line) {
  const bool differs = service.routed && ((settings.connect && settings.connect != service.connect) ||
                                          (settings.response && settings.response != service.response));
  if (differs)
    model_.note(line, "service " + service.name +
                          ": other timeouts than before are not translated, they are the service's here");
  if (service.routed && settings.grpc != service.speaks_h2)
    model_.note(line,
                "service " + service.name +
                    " is asked by proxy_pass and by grpc_pass: its pools speak one protocol here, the first");
  if (!service.routed) {
    service.speaks_h2 = settings.grpc;
    service.connect = settings.connect;
    service.response = settings.response;
  }
  service.routed = true;
}

Upstream* Servers::upstream(std::string_view name) {
  for (auto& one : upstreams_)
    if (one.name == name) return &one;
  return nullptr;
}

void Servers::finish() {
  const bool any = std::any_of(routes_.begin(), routes_.end(), [](const auto& one) { return one.rank == 2; });
  const auto& others = of_default_.empty() ? of_first_ : of_default_;
  if (!any)
    for (const auto& route : others) routes_.push_back({route, 2});
  const auto before = [](const Hosted& a, const Hosted& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    if (a.route.host != b.route.host) return a.route.host.size() > b.route.host.size();
    return a.route.path.size() > b.route.path.size();
  };
  std::stable_sort(routes_.begin(), routes_.end(), before);
  for (auto& one : routes_) model_.routes.push_back(std::move(one.route));
}

}  // namespace sluice::nginx
