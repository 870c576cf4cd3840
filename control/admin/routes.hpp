// Which endpoint of the admin API a method and a path name. Pure; the API is the table in endpoints.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/admin/call.hpp"
#include "control/protocol/describe.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/request.hpp"

namespace sluice::admin {

class Commands;

struct Endpoint {
  protocol::Route route;
  protocol::Strings parameters;  // that it knows, all of them
  bool while_starting = false;   // it is answered while the daemon starts; all else waits until it has
  boost::asio::awaitable<Reply> (*answer)(Commands&, Call, protocol::PathNames) = nullptr;
};

// All of them, in the order in which /v1/endpoints lists them.
const std::vector<Endpoint>& endpoints();

struct Match {
  const Endpoint* endpoint = nullptr;
  protocol::PathNames names;
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

// "GET /v1/status" and so on, a line each.
std::string endpoint_list();

}  // namespace sluice::admin
