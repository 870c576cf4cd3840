#include "control/core/verify.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "proxy/base/values.hpp"

namespace sluice::core {
namespace {

namespace asio = boost::asio;
using rollout::Verdict;

FetchRequest request_to(const VerifyTarget& target, const config::VerifySpec& wanted) {
  FetchRequest request;
  request.to = target.endpoint;
  request.also = target.also;
  request.tls = target.tls;
  request.address = target.address;
  request.proxy_protocol = target.proxy_protocol;
  request.host = wanted.host.empty() ? target.address : wanted.host;
  request.method = wanted.method;
  request.target = wanted.path;
  request.limit = wanted.within;
  return request;
}

}  // namespace

std::string unexpected(const config::VerifySpec& wanted, const Fetched& answer) {
  if (answer.status == 0) return answer.problem;
  if (answer.status < wanted.expect_low || answer.status > wanted.expect_high)
    return "status " + std::to_string(answer.status) + ", expected " + std::to_string(wanted.expect_low) +
           (wanted.expect_low == wanted.expect_high ? "" : "-" + std::to_string(wanted.expect_high));
  if (!answer.problem.empty()) return answer.problem;
  if (!wanted.body.empty() && answer.body.find(wanted.body) == std::string::npos)
    return "its body does not contain " + quoted(wanted.body);
  return {};
}

asio::awaitable<void> verify_all(asio::any_io_executor loop, std::vector<VerifyTarget> targets,
                                 std::vector<config::VerifySpec> requests,
                                 std::shared_ptr<rollout::Verified> into) {
  for (const auto& target : targets)
    for (const auto& wanted : requests) {
      FetchRequest request = request_to(target, wanted);
      const Fetched answer = co_await fetch(loop, std::move(request));
      const std::string wrong = unexpected(wanted, answer);
      if (wrong.empty()) continue;
      into->why = "verify " + wanted.method + " " + wanted.path + " on " + target.name + ": " + wrong;
      into->verdict = Verdict::fail;
      co_return;
    }
  into->why = targets.empty() ? "there is no backend to verify"
                              : "verified: " + std::to_string(requests.size()) + " requests to each of " +
                                    std::to_string(targets.size()) + " backends were answered as expected";
  into->verdict = targets.empty() ? Verdict::fail : Verdict::pass;
}

}  // namespace sluice::core
