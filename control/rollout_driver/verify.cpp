#include "control/rollout_driver/verify.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "control/rollout/format.hpp"
#include "control/rollout_driver/rollout_watch.hpp"
#include "proxy/base/url.hpp"
#include "proxy/base/values.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::rollout_driver {
namespace {

namespace asio = boost::asio;
using rollout::Verdict;
using rollout::Verified;

io::HttpRequest request_to(const VerifyTarget& target, const config::VerifySpec& wanted) {
  io::HttpRequest request;
  request.to = target.to;
  request.host = wanted.host.empty() ? target.to.address : wanted.host;
  request.method = wanted.method;
  request.target = wanted.path;
  request.limit = wanted.within;
  return request;
}

Verified failed(std::string why) { return {Verdict::fail, std::move(why)}; }

std::string expected(const config::VerifySpec& wanted) {
  const std::string low = std::to_string(wanted.expect_low);
  return wanted.expect_low == wanted.expect_high ? low : low + "-" + std::to_string(wanted.expect_high);
}

std::string summary(const Verification& wanted) {
  const auto is_command = [](const config::VerifySpec& check) { return !check.exec.empty(); };
  const auto commands =
      static_cast<std::size_t>(std::count_if(wanted.checks.begin(), wanted.checks.end(), is_command));
  std::string text;
  if (commands < wanted.checks.size())
    text = rollout::count(wanted.checks.size() - commands, "request") + " to each of " +
           rollout::count(wanted.targets.size(), "backend");
  if (commands > 0) text += (text.empty() ? "" : ", ") + rollout::count(commands, "command");
  return "verified: " + text;
}

}  // namespace

std::string unexpected(const config::VerifySpec& wanted, const io::HttpAnswer& answer) {
  if (answer.status == 0) return answer.problem;
  if (answer.status < wanted.expect_low || answer.status > wanted.expect_high)
    return "status " + std::to_string(answer.status) + ", expected " + expected(wanted);
  if (!answer.problem.empty()) return answer.problem;
  if (!wanted.body.empty() && answer.body.find(wanted.body) == std::string::npos)
    return "its body does not contain " + quoted(wanted.body);
  return {};
}

asio::awaitable<Verified> verify(asio::any_io_executor loop, Verification wanted) {
  if (wanted.targets.empty())
    co_return failed(wanted.service + "/" + wanted.pool + " has no ready backend to verify");
  for (const auto& target : wanted.targets)
    for (const auto& check : wanted.checks) {
      if (!check.exec.empty()) continue;
      io::HttpRequest request = request_to(target, check);
      const io::HttpAnswer answer = co_await fetch(loop, std::move(request));
      const std::string wrong = unexpected(check, answer);
      if (!wrong.empty())
        co_return failed("verify " + check.method + " " + check.path + " on " + target.name + ": " + wrong);
    }
  for (const auto& check : wanted.checks) {
    if (check.exec.empty()) continue;
    const auto result = co_await io::run_command(loop, check.exec, wanted.environment, check.timeout);
    if (result.end != io::CommandResult::End::exited || result.code != 0)
      co_return failed("verify exec " + shown_urls(check.exec) + ": " + result.text());
  }
  co_return Verified{Verdict::pass, summary(wanted)};
}

asio::awaitable<void> verify_into(asio::any_io_executor loop, Verification wanted,
                                  std::shared_ptr<Verified> into) {
  auto work = verify(loop, std::move(wanted));
  *into = co_await std::move(work);
}

std::vector<std::string> told(const Verification& wanted) {
  std::vector<std::string> all;
  const std::string pool = wanted.service + "/" + wanted.pool;
  for (const auto& check : wanted.checks)
    if (check.exec.empty())
      all.push_back("before the first user: " + check.method + " " + check.path + " on each of " +
                    rollout::count(wanted.targets.size(), "ready backend") + " of " + pool + ", expected " +
                    expected(check));
  for (const auto& check : wanted.checks)
    if (!check.exec.empty())
      all.push_back("before the first user: " + shown_urls(check.exec) + " (for " + pool + ", at most " +
                    format_duration(check.timeout) + "), expected exit 0");
  return all;
}

namespace {

// The address that answered last is asked first.
io::Destination destination_of(const route::Pool& pool, const route::Backend& backend) {
  io::Destination to;
  to.endpoints = backend.endpoints;
  to.endpoints.insert(to.endpoints.begin(), backend.good());
  to.tls = pool.tls;
  to.address = backend.authority;
  to.proxy_protocol = pool.proxy_protocol;
  to.protocol = pool.protocol;
  return to;
}

}  // namespace

Verification verification_of(const route::Snapshot& in_force, const std::string& service_name,
                             const std::string& pool_name, std::vector<config::VerifySpec> checks) {
  Verification made{service_name, pool_name, {}, std::move(checks), {}};
  const route::Service* service = find_service(in_force, service_name);
  const route::Pool* pool = service ? find_pool(*service, pool_name) : nullptr;
  if (!pool) return made;
  made.environment = environment_of(*service, *pool, 0, 0, 0);
  for (const auto& backend : pool->backends)
    if (backend.admin == observe::Admin::ready && !backend.endpoints.empty())
      made.targets.push_back({backend.name, destination_of(*pool, backend)});
  return made;
}

}  // namespace sluice::rollout_driver
