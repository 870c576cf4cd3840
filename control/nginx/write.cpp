#include <algorithm>

#include "control/nginx/import.hpp"

namespace sluice::nginx {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// A YAML 1.2 double-quoted scalar (7.3.1).
std::string text_of(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += is_control(c) ? ' ' : c;
  }
  return out + "\"";
}

// One line of a comment, whatever the file had in it.
std::string comment_of(std::string text) {
  std::replace_if(text.begin(), text.end(), is_control, ' ');
  return text;
}

void write_heading(const Model& model, const std::string& name, std::string& out) {
  out += "# From " + comment_of(name) +
         ", by sluicectl import nginx. Look through it, then: sluicectl check FILE\n";
  if (!model.notes.empty()) out += "#\n# What is not as it was:\n";
  for (const auto& note : model.notes)
    out += "#   line " + std::to_string(note.line) + ": " + comment_of(note.text) + "\n";
  out += "\n";
}

void write_listeners(const Model& model, std::string& out) {
  out += "listeners:\n";
  if (model.listeners.empty()) out += "  - {name: web, bind: \"0.0.0.0:8080\"}   # the file has none\n";
  for (std::size_t i = 0; i < model.listeners.size(); ++i) {
    const auto& one = model.listeners[i];
    out += "  - {name: " + (i == 0 ? std::string("web") : "web-" + std::to_string(i + 1)) +
           ", bind: " + text_of(one.bind);
    if (one.idle) out += ", idle_timeout: " + format_duration(*one.idle);
    out += "}\n";
  }
  out += "\n";
}

void write_pool(const Pool& pool, bool speaks_h2, std::string& out) {
  out += "      " + text_of(pool.name) + ":\n";
  if (speaks_h2) out += "        protocol: h2\n";
  out += "        backends:";
  if (pool.backends.empty()) out += " []";
  out += "\n";
  for (const auto& backend : pool.backends)
    out += backend.weight == 1 ? "          - " + text_of(backend.address) + "\n"
                               : "          - {address: " + text_of(backend.address) +
                                     ", weight: " + std::to_string(backend.weight) + "}\n";
}

void write_policies(const Service& service, std::string& out) {
  if (!service.sticky.empty()) out += "    sticky: {keys: [" + text_of(service.sticky.front()) + "]}\n";
  if (!service.balance.empty()) out += "    balance: " + service.balance + "\n";
  if (service.consecutive_errors || service.ejection) {
    out += "    outlier: {";
    if (service.consecutive_errors)
      out += "consecutive_errors: " + std::to_string(*service.consecutive_errors);
    if (service.ejection)
      out += std::string(service.consecutive_errors ? ", " : "") +
             "ejection: " + format_duration(*service.ejection);
    out += "}\n";
  }
  if (service.connect || service.response) {
    out += "    timeouts: {";
    if (service.connect) out += "connect: " + format_duration(*service.connect);
    if (service.response)
      out += std::string(service.connect ? ", " : "") + "response: " + format_duration(*service.response);
    out += "}\n";
  }
}

void write_service(const Service& service, std::string& out) {
  out += "  " + text_of(service.name) + ":   # line " + std::to_string(service.line) + "\n    pools:\n";
  for (const auto& pool : service.pools) write_pool(pool, service.speaks_h2, out);
  out += "    split: {";
  for (std::size_t i = 0; i < service.pools.size(); ++i)
    out += (i ? ", " : "") + text_of(service.pools[i].name) + ": " + format_share(service.pools[i].share);
  out += "}\n";
  if (service.pools.size() == 1)
    out += "    # A pool for the next version: add it to pools and, with 0%, to split.\n";
  write_policies(service, out);
  out += service.speaks_h2 ? "    # health_check: {type: grpc}" : "    # health_check: {path: /health/}";
  out += "   # nginx asked nobody; only who is asked is known to be up\n";
}

void write_route(const Route& route, std::string& out) {
  out += "  - {";
  if (!route.host.empty()) out += "host: " + text_of(route.host) + ", ";
  out += "path: " + text_of(route.path) + ", ";
  if (route.strip_prefix) out += "strip_prefix: true, ";
  if (!route.header.empty())
    out += "headers: {" + text_of(route.header) + ": " + text_of(route.value) + "}, ";
  if (!route.method.empty()) out += "methods: [" + text_of(route.method) + "], ";
  out += "service: " + text_of(route.service) + "}\n";
}

}  // namespace

std::string to_yaml(const Model& model, const std::string& name) {
  std::string out;
  write_heading(model, name, out);
  write_listeners(model, out);
  out += "services:\n";
  for (const auto& service : model.services) write_service(service, out);
  out += "\nroutes:   # the first match wins\n";
  for (const auto& route : model.routes) write_route(route, out);
  return out;
}

}  // namespace sluice::nginx
