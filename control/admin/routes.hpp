// Which endpoint of the admin API a method and a path name. Pure; the table in routes.cpp is the API.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/protocol/problem.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::admin {

enum class Endpoint : std::uint8_t {
  status,
  split,
  cutover,
  rollback,
  rollback_service,
  undo,
  redo,
  drain,
  ready,
  maint,
  put_backend,
  patch_backend,
  delete_backend,
  pause,
  resume,
  stop,
  put_mirror,
  delete_mirror,
  preview,
  flags,
  flag,
  put_flag,
  delete_flag,
  explain,
  history,
  events,
  wait,
  reload,
  rollout_get,
  rollout_start,
  rollout_act,
  confirm,
  config,
  metrics,
  livez,
  readyz,
  root,
};

struct Match {
  Endpoint endpoint = Endpoint::root;
  std::vector<std::string> names;  // what stands for {..}: service, pool, backend
  config::Role needs = config::Role::operate;
};

struct Mismatch {
  protocol::Problem problem;  // 404, 405, or 400 when the path cannot be decoded
  std::string allow;          // of 405
};

// `query` are the parameters' names: one that the endpoint does not know is 400.
boost::system::result<Match, Mismatch> match(std::string_view method, std::string_view path,
                                             const std::vector<std::string>& query);

// It needs no token: health, metrics, the page.
bool is_public(std::string_view path);

// "GET /v1/status" and so on, a line each: what `/` shows.
std::string endpoint_list();

}  // namespace sluice::admin
