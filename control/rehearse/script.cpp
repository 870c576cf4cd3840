#include "control/rehearse/script.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "control/rehearse/rehearsal.hpp"
#include "control/rollout/plan.hpp"
#include "proxy/config/load.hpp"

namespace sluice::rehearse {
namespace {

constexpr char kDefaultConfig[] = "/etc/sluice/sluice.yaml";

bool is_file(const std::string& plan) {
  return plan.find('/') != std::string::npos || ::access(plan.c_str(), R_OK) == 0;
}

Result<config::Spec> configuration(const std::string& path) {
  auto loaded = config::load_file(path);
  if (!loaded.spec) return protocol::invalid_config(config::text_of(loaded.complaints));
  return std::move(*loaded.spec);
}

}  // namespace

Result<Script> script_of(const Wanted& wanted) {
  Script script;
  script.salt = wanted.service;  // what a service has that names none
  std::vector<config::PlanSpec> configured;
  const bool file = is_file(wanted.plan);
  if (!file || !wanted.config.empty()) {
    auto spec = configuration(wanted.config.empty() ? kDefaultConfig : wanted.config);
    if (!spec) return spec.error();
    configured = spec->plans;
    const auto* service = wanted.service.empty() && spec->services.size() == 1
                              ? &spec->services.front()
                              : spec->service(wanted.service);
    if (service && service->sticky) script.salt = service->sticky->salt;
    const auto format = parse_log_format(spec->access_log.format);
    if (format && format->kind == LogFormat::Kind::pieces) script.format = *format;
  }
  protocol::RolloutStart message;
  if (file) {
    std::ifstream in(wanted.plan);
    std::stringstream text;
    text << in.rdbuf();
    if (!in || text.str().empty())
      return protocol::malformed("the plan " + wanted.plan + " cannot be read: " +
                                 (in ? "it is empty" : std::string(std::strerror(errno))));
    message.plan_text = text.str();
    message.plan_file = wanted.plan;
  } else {
    message.plan = wanted.plan;
  }
  auto plan = rollout::plan_of(message, configured);
  if (!plan) return plan.error();
  script.plan = std::move(*plan);
  script.notes = leave_out(script.plan);
  if (!wanted.format.empty()) {
    auto format = parse_log_format(wanted.format);
    if (!format) return protocol::malformed("--format: " + format.error().text(), "format");
    script.format = std::move(*format);
  }
  return script;
}

std::string names_of(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

Result<Cast> cast_of(const LogBook& log, const std::string& wanted, const std::string& to) {
  if (log.services.size() > 1)
    return protocol::malformed("the log has requests of services " + names_of(log.services) +
                               ": say --service");
  if (log.requests.empty())
    return protocol::malformed("the log has no request" + (wanted.empty() ? "" : " of service " + wanted));
  Cast cast;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < log.pools.size(); ++i) {
    const auto& pool = log.pools[i];
    if (pool.counted == 0) continue;
    names.push_back(pool.name);
    if (!to.empty() && pool.name == to) cast.canary = i;
  }
  if (names.size() > 2)
    return protocol::malformed(
        "the log has requests of pools " + names_of(names) +
        ": a rehearsal is of two; take the lines of these out, or begin where they had no share");
  if (names.size() == 2 && !to.empty() && !cast.canary)
    return protocol::malformed("the log has requests of pools " + names_of(names) + ", none of " + to);
  const auto most = [&](bool not_canary) {
    std::size_t found = log.pools.size();
    for (std::size_t i = 0; i < log.pools.size(); ++i)
      if (log.pools[i].counted > 0 && !(not_canary && cast.canary == i) &&
          (found == log.pools.size() || log.pools[i].requests > log.pools[found].requests))
        found = i;
    return found;
  };
  cast.stable = most(true);
  if (cast.stable == log.pools.size())
    return protocol::malformed("no request of the log has an outcome that a gate counts");
  if (names.size() == 2 && !cast.canary)
    for (std::size_t i = 0; i < log.pools.size(); ++i)
      if (log.pools[i].counted > 0 && i != cast.stable) cast.canary = i;
  const auto named = [](const std::string& name, const char* otherwise) {
    return name.empty() ? otherwise : name;
  };
  cast.from = named(log.pools[cast.stable].name, "stable");
  cast.to = cast.canary ? log.pools[*cast.canary].name : named(to, "canary");
  if (cast.to == cast.from) cast.to = cast.from + "-canary";
  cast.service = log.services.empty() ? named(wanted, "service") : log.services.front();
  return cast;
}

}  // namespace sluice::rehearse
