#include "control/nginx/upstream.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <numeric>

#include "proxy/base/origin.hpp"

namespace sluice::nginx {

namespace {

using std::chrono::milliseconds;

std::optional<std::uint64_t> whole(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
  return number;
}

// [::0]:080 and [::]:80 are one address, which may stand in a configuration once.
std::string one_spelling(const Address& address) {
  in6_addr v6;
  char text[INET6_ADDRSTRLEN];
  const std::string port = ":" + std::to_string(address.port);
  if (inet_pton(AF_INET6, address.host.c_str(), &v6) != 1) return address.host + port;
  return "[" + std::string(inet_ntop(AF_INET6, &v6, text, sizeof text)) + "]" + port;
}

std::optional<std::string> server_address(const std::string& text) {
  if (!is_unix(text)) return address_of(text);
  const auto socket = parse_origin(text);
  return socket ? std::optional(socket->text) : std::nullopt;
}

bool is_version(std::string_view word) {
  constexpr std::string_view kVersions[] = {"canary",  "green", "blue", "stable", "beta",
                                            "preview", "next",  "new",  "old"};
  if (std::find(std::begin(kVersions), std::end(kVersions), word) != std::end(kVersions)) return true;
  return word.size() > 1 && word.size() < 6 && word[0] == 'v' &&
         word.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

// The first word of the host that names a version: "canary" of "web-canary-1.internal:8000".
std::string version_of(std::string_view address) {
  std::string word;
  for (const char c : std::string(address) + ".") {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (is_version(word)) return word;
    word.clear();
  }
  return {};
}

// The parameters of a `server` line. False when the server is down.
bool read_parameters(const Directive& line, Server& server, Service& policies, Model& model) {
  bool in_use = true;
  for (std::size_t i = 1; i < line.arguments.size(); ++i) {
    const auto& text = line.arguments[i].text;
    const auto value = text.substr(std::min(text.size(), text.find('=') + 1));
    if (text.starts_with("weight=") && whole(value, 1'000'000'000).value_or(0) > 0)
      server.weight = *whole(value, 1'000'000'000);
    else if (text.starts_with("max_fails=") && whole(value, 1'000'000))
      policies.consecutive_errors =
          std::max(policies.consecutive_errors.value_or(0), static_cast<int>(*whole(value, 1'000'000)));
    else if (text.starts_with("fail_timeout=") && time_of(value).value_or(milliseconds(0)).count() > 0)
      policies.ejection = std::max(policies.ejection.value_or(milliseconds(0)), *time_of(value));
    else if (text == "backup")
      server.backup = true;
    else if (text == "down")
      in_use = false;
    else if (text != "resolve")  // names are looked up again here anyway
      model.note(line.line(), "server " + server.address + ": " + text + " is not translated");
  }
  return in_use;
}

void read_server(const Directive& line, Upstream& upstream, Model& model) {
  const auto address = server_address(line.argument(0));
  if (!address) {
    model.note(line.line(), "server " + line.argument(0) + " is left out: backends are HOST:PORT here");
    return;
  }
  Server server;
  server.address = *address;
  server.version = version_of(*address);
  if (!read_parameters(line, server, upstream.policies, model)) {
    model.note(line.line(), "server " + *address + " is down and left out; later: sluicectl add " +
                                name_of(upstream.name) + "/POOL " + *address);
    return;
  }
  for (auto& other : upstream.servers)
    if (other.address == server.address && other.backup == server.backup) {
      other.weight += server.weight;
      model.note(line.line(), "server " + server.address + " stands twice, the weights are added up");
      return;
    }
  upstream.servers.push_back(std::move(server));
}

void read_hash(const Directive& line, Upstream& upstream, Model& model) {
  upstream.policies.balance = "hash";
  const auto key = sticky_key_of(line.is("ip_hash") ? "$remote_addr" : line.argument(0));
  if (key.empty())
    model.note(line.line(),
               "hash " + line.argument(0) + ": there is no such sticky key; by header, cookie, query or ip");
  else
    upstream.policies.sticky = {key};
}

// Weights are 0 to 1,000 here; larger ones keep their proportions.
std::vector<Backend> backends_of(const std::vector<const Server*>& servers, const std::string& upstream,
                                 int line, Model& model) {
  constexpr std::uint64_t kHeaviest = 1000;
  std::uint64_t divisor = 0, heaviest = 1;
  for (const auto* server : servers) {
    divisor = std::gcd(divisor, server->weight);
    heaviest = std::max(heaviest, server->weight);
  }
  std::vector<Backend> out;
  const bool too_heavy = heaviest / std::max<std::uint64_t>(divisor, 1) > kHeaviest;
  if (too_heavy) model.note(line, "upstream " + upstream + ": weights above 1000 were scaled down");
  for (const auto* server : servers) {
    const auto scaled = too_heavy ? std::max<std::uint64_t>(1, server->weight * kHeaviest / heaviest)
                                  : server->weight / std::max<std::uint64_t>(divisor, 1);
    out.push_back({server->address, scaled});
  }
  return out;
}

// In the order of their first server; backups are a pool of their own, without a share.
std::vector<std::pair<std::string, std::vector<const Server*>>> versions_of(const Upstream& upstream) {
  std::vector<std::pair<std::string, std::vector<const Server*>>> out;
  for (const auto& server : upstream.servers) {
    const std::string name = server.backup ? "backup" : server.version.empty() ? "stable" : server.version;
    auto found = std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == name; });
    if (found == out.end()) found = out.insert(out.end(), {name, {}});
    found->second.push_back(&server);
  }
  return out;
}

}  // namespace

std::string name_of(std::string_view text) {
  std::string out;
  for (const char c : text)
    out +=
        std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-' || c == ':' ? c : '-';
  if (out.empty() || !(std::isalnum(static_cast<unsigned char>(out[0])) || out[0] == '_')) out.insert(0, "_");
  return out.substr(0, 255);
}

std::optional<std::string> address_of(std::string_view text) {
  if (const auto whole_address = parse_address(text)) return one_spelling(*whole_address);
  if (const auto with_port = parse_address(std::string(text) + ":80")) return one_spelling(*with_port);
  return std::nullopt;
}

std::optional<milliseconds> time_of(std::string_view text) {
  static const std::map<std::string, std::uint64_t, std::less<>> kUnits = {
      {"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  std::uint64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = whole(text.substr(0, digits), 1'000'000'000);
    text.remove_prefix(digits);
    const auto letters = std::min(text.find_first_of("0123456789"), text.size());
    const auto unit = kUnits.find(text.substr(0, letters));
    if (!number || unit == kUnits.end()) return std::nullopt;
    text.remove_prefix(letters);
    total += *number * unit->second;
  }
  if (total > static_cast<std::uint64_t>(kLongestDuration.count())) return std::nullopt;
  return milliseconds(total);
}

std::string sticky_key_of(std::string_view variable) {
  if (!variable.starts_with('$')) return {};
  variable.remove_prefix(1);
  if (variable.starts_with('{') && variable.ends_with('}'))
    variable = variable.substr(1, variable.size() - 2);
  if (variable == "remote_addr" || variable == "binary_remote_addr") return "ip";
  const bool is_name = std::all_of(variable.begin(), variable.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
  if (!is_name) return {};
  if (variable.starts_with("cookie_") && variable.size() > 7)
    return "cookie:" + std::string(variable.substr(7));
  if (variable.starts_with("arg_") && variable.size() > 4) return "query:" + std::string(variable.substr(4));
  if (!variable.starts_with("http_") || variable.size() == 5) return {};
  std::string name;  // http_x_user_id is X-User-Id
  for (const char c : variable.substr(5)) {
    const bool first = name.empty() || name.back() == '-';
    name += c == '_' ? '-' : first ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
  }
  return "header:" + name;
}

std::vector<Share> shares_of(const std::vector<std::uint64_t>& parts) {
  const auto total = std::accumulate(parts.begin(), parts.end(), std::uint64_t(0));
  std::vector<Share> out(parts.size(), 0);
  if (total == 0) return out;
  Share given = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out[i] = static_cast<Share>(parts[i] * kWhole / total);
    given += out[i];
  }
  const auto largest = std::max_element(parts.begin(), parts.end()) - parts.begin();
  out[static_cast<std::size_t>(largest)] += kWhole - given;
  return out;
}

Upstream read_upstream(const Directive& block, Model& model) {
  Upstream upstream;
  upstream.name = block.argument(0);
  upstream.line = block.line();
  for (const auto& line : block.block) {
    if (line.is("server"))
      read_server(line, upstream, model);
    else if (line.is("least_conn"))
      upstream.policies.balance = "least_requests";
    else if (line.is("ip_hash") || line.is("hash"))
      read_hash(line, upstream, model);
    else if (!line.is("keepalive") && !line.is("zone") && !line.is("keepalive_timeout"))
      model.note(line.line(), "upstream " + upstream.name + ": " + line.name.text + " is not translated");
  }
  return upstream;
}

Service service_of(const Upstream& upstream, Model& model) {
  Service service = upstream.policies;
  service.name = name_of(upstream.name);
  service.line = upstream.line;
  std::vector<std::uint64_t> parts;
  for (const auto& [version, servers] : versions_of(upstream)) {
    service.pools.push_back({version, backends_of(servers, upstream.name, upstream.line, model), 0});
    std::uint64_t weight = 0;
    if (version != "backup")
      for (const auto* server : servers) weight += server->weight;
    parts.push_back(weight);
    if (version == "backup")
      model.note(upstream.line, "upstream " + upstream.name +
                                    ": the backup servers are a pool without a share; nothing fails "
                                    "over to it by itself: sluicectl cutover " +
                                    service.name + "=backup");
  }
  if (service.pools.empty()) service.pools.push_back({"stable", {}, 0}), parts.push_back(1);
  auto shares = shares_of(parts);
  if (std::all_of(parts.begin(), parts.end(), [](auto part) { return part == 0; })) shares.front() = kWhole;
  for (std::size_t i = 0; i < shares.size(); ++i) service.pools[i].share = shares[i];
  return service;
}

Pool pool_of(const Upstream& upstream, const std::string& name, Model& model) {
  std::vector<const Server*> servers;
  for (const auto& server : upstream.servers) {
    if (server.backup)
      model.note(upstream.line,
                 "upstream " + upstream.name + ": the backup server " + server.address + " is left out");
    else
      servers.push_back(&server);
  }
  return {name, backends_of(servers, upstream.name, upstream.line, model), 0};
}

Service service_of_address(const std::string& name, const std::string& address, int line) {
  Service service;
  service.name = name_of(name);
  service.line = line;
  service.pools.push_back({"stable", {{address, 1}}, kWhole});
  return service;
}

}  // namespace sluice::nginx
