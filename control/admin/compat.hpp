// The calls of the old deployment scripts, as they stand in those scripts (admin.compat): form bodies, and
// JSON whatever its Content-Type says. Each becomes the verb that it meant. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <string>

#include "control/admin/call.hpp"
#include "control/change/control.hpp"

namespace sluice::admin {

// The scripts wait for neither, so the calls do: for what is in flight on a backend that goes, and for the
// probes' word on one that comes. As long as the guide's own loop waits for a health check.
inline constexpr std::chrono::seconds kCompatWait{30};

// The old scripts send their token with /admin/...; they take backends out and in without one.
bool compat_needs_token(std::string_view path);

class Compat {
 public:
  // `control` outlives it; `service` is the one whose backends the scripts mean.
  Compat(change::Control& control, std::string service) : control_(control), service_(std::move(service)) {}

  // From the next call on.
  void serve(std::string service) { service_ = std::move(service); }

  // Never throws; what goes wrong is a problem reply.
  boost::asio::awaitable<Reply> run(Call call);

 private:
  boost::asio::awaitable<Reply> dispatch(Call call);
  boost::asio::awaitable<Reply> remove_backend(Call call);
  boost::asio::awaitable<Reply> add_backend(Call call);
  boost::asio::awaitable<Reply> set_flag(Call call);
  Result<protocol::SetFlag> flag_in(const Call& call) const;
  Result<protocol::Target> backend_in(const Call& call) const;
  Result<protocol::Target> find(const std::string& name) const;

  change::Control& control_;
  std::string service_;
};

}  // namespace sluice::admin
