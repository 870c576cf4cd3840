// What a rehearsal is of: the plan and what the configuration says beside it, and which pools of a log it is
// for. Reads files.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "control/rehearse/log_book.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::rehearse {

struct Wanted {
  std::string plan;     // a file, or a name in `config`
  std::string config;   // empty: /etc/sluice/sluice.yaml, when the plan is a name
  std::string service;  // empty: the only one
  std::string format;   // of sluiced's log, a template; empty: the configuration's
};

struct Script {
  config::PlanSpec plan;
  std::string salt;                 // of the service's slots, as far as it is known
  std::optional<LogFormat> format;  // of a template
  std::vector<std::string> notes;   // what is left out of the plan
};
Result<Script> script_of(const Wanted& wanted);

// The pools of the log that the plan is for.
struct Cast {
  std::size_t stable = 0;             // index into LogBook::pools
  std::optional<std::size_t> canary;  // likewise; nothing: the log has one pool
  std::string from, to, service;      // names
};
// Of two pools the one with more requests is the stable one, unless `to` says which is new. A problem when
// the log has several services, more pools, or nothing that counts.
Result<Cast> cast_of(const LogBook& log, const std::string& service, const std::string& to);

std::string names_of(const std::vector<std::string>& names);  // "a, b"

}  // namespace sluice::rehearse
