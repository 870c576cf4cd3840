// What was understood of an nginx configuration, in Sluice's words, and what was not. Pure data.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "proxy/base/values.hpp"

namespace sluice::nginx {

// What could not be translated, or should be known; written as a comment with its line.
struct Note {
  int line = 0;
  std::string text;
};

struct Backend {
  std::string address;  // HOST:PORT
  std::uint64_t weight = 1;
};

struct Pool {
  std::string name;
  std::vector<Backend> backends;
  Share share = 0;
};

struct Service {
  std::string name;
  int line = 0;
  std::vector<Pool> pools;                // shares add up to kWhole
  std::vector<std::string> sticky;        // "header:X-User-Id", "cookie:NAME", "query:NAME", "ip"
  std::string balance;                    // empty: the default
  std::optional<int> consecutive_errors;  // of `outlier`
  std::optional<std::chrono::milliseconds> ejection, connect, response;
  bool speaks_h2 = false;  // its backends
  bool routed = false;
};

struct Route {
  std::string host;  // empty: any
  std::string path = "/";
  bool strip_prefix = false;
  std::string header, value;  // empty: none
  std::string method;         // empty: any
  std::string service;
};

struct Listener {
  std::string bind;
  std::optional<std::chrono::milliseconds> idle;
};

struct Model {
  std::vector<Listener> listeners;
  std::vector<Service> services;
  std::vector<Route> routes;
  std::vector<Note> notes;

  void note(int line, std::string text) { notes.push_back({line, std::move(text)}); }
  Service* service(const std::string& name) {
    for (auto& one : services)
      if (one.name == name) return &one;
    return nullptr;
  }
};

}  // namespace sluice::nginx
