// upstream blocks: servers, weights, and which of them run which version. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/nginx/model.hpp"
#include "control/nginx/parse.hpp"

namespace sluice::nginx {

struct Server {
  std::string address;
  std::string version;  // "canary", "green", "v2": what its name says; empty: nothing
  std::uint64_t weight = 1;
  bool backup = false;
};

struct Upstream {
  std::string name;
  int line = 0;
  std::vector<Server> servers;  // without those that are down
  Service policies;             // what the block says beside the servers; no pools
  bool used = false;            // a route or a variable leads to it
};

// What cannot be translated becomes a note in `model`.
Upstream read_upstream(const Directive& block, Model& model);

// A service whose pools are the versions that the servers' names tell of, with the shares that their weights
// add up to; one pool `stable` when they tell of none.
Service service_of(const Upstream& upstream, Model& model);
// The same servers as one pool, for split_clients and map.
Pool pool_of(const Upstream& upstream, const std::string& name, Model& model);
// As service_of, for a proxy_pass that names a server itself.
Service service_of_address(const std::string& name, const std::string& address, int line);

// Makes `shares` of `parts` that add up to kWhole exactly; the largest takes what rounding leaves.
std::vector<Share> shares_of(const std::vector<std::uint64_t>& parts);

// "host", "host:port", "[::1]:80": with nginx's port 80 when it has none. Nothing for unix sockets, variables
// and nonsense.
std::optional<std::string> address_of(std::string_view text);
// "30", "30s", "1m30s", "500ms"; nothing when it is no time.
std::optional<std::chrono::milliseconds> time_of(std::string_view text);
// "header:X-User-Id" and the like for "$http_x_user_id", "${cookie_uid}", "$arg_user", "$remote_addr"; empty
// for every other variable.
std::string sticky_key_of(std::string_view variable);
// A name that the configuration accepts.
std::string name_of(std::string_view text);

}  // namespace sluice::nginx
