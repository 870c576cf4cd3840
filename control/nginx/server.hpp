// server and location blocks: where requests arrive, and which of them a service gets. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/nginx/model.hpp"
#include "control/nginx/parse.hpp"
#include "control/nginx/upstream.hpp"
#include "control/nginx/variables.hpp"

namespace sluice::nginx {

// What the blocks around a location say; the innermost counts.
struct Settings {
  std::optional<std::chrono::milliseconds> connect, response, idle;
  bool grpc = false;  // of grpc_pass: the backends speak HTTP/2
};
// True when the directive is one of them.
bool read_setting(const Directive& line, Settings& settings);

// Every server's routes, the most special host first and of one host the longest path first, as nginx
// chooses.
class Servers {
 public:
  Servers(std::vector<Upstream>& upstreams, const Variables& variables, Model& model)
      : upstreams_(upstreams), variables_(variables), model_(model) {}

  void add(const Directive& server, Settings around);
  // After the last one: puts listeners and routes into the model.
  void finish();

 private:
  struct Place {  // of a location
    std::string path;
    int line = 0;
    Settings settings;
  };
  struct Hosted {
    Route route;
    int rank = 0;  // 0 exact host, 1 wildcard, 2 any
  };

  void read_listen(const Directive& line, Settings& settings, bool& is_default);
  std::vector<std::string> hosts_of(const Directive& line);
  void read_location(const Directive& location, Settings around, std::vector<Route>& routes);
  void read_grpc_pass(const Directive& line, Place place, std::vector<Route>& routes);
  void read_proxy_pass(const Directive& line, const Place& place, std::vector<Route>& routes);
  void lead_to(const std::string& authority, const Place& place, int line, Route route,
               std::vector<Route>& routes);
  void lead_through(const Variable& variable, const Place& place, int line, const Route& route,
                    std::vector<Route>& routes);
  bool condition_of(const Variable& variable, const Variant& variant, Route& route);
  std::string service_for(const std::string& authority, const Settings& settings, int line);
  std::string service_for_split(const Variable& split, const Settings& settings, int line);
  void apply(const Settings& settings, Service& service, int line);
  Upstream* upstream(std::string_view name);

  std::vector<Upstream>& upstreams_;
  const Variables& variables_;
  Model& model_;
  std::vector<Hosted> routes_;
  std::vector<Route> of_first_, of_default_;  // of nginx's default server: for every other host
};

}  // namespace sluice::nginx
