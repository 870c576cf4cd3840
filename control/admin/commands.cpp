#include "control/admin/commands.hpp"

#include "control/admin/access.hpp"
#include "control/admin/routes.hpp"

namespace sluice::admin {

namespace asio = boost::asio;

namespace {

std::vector<std::string> names_of(const protocol::Query& query) {
  std::vector<std::string> names;
  for (const auto& [name, value] : query) names.push_back(name);
  return names;
}

Reply mismatch_reply(const Mismatch& mismatch) {
  auto reply = problem_reply(mismatch.problem);
  if (!mismatch.allow.empty()) reply.headers.emplace_back("Allow", mismatch.allow);
  return reply;
}

}  // namespace

asio::awaitable<Reply> Commands::run(Call call) {
  auto matched = match(call.method, call.path, names_of(call.query));
  Reply reply;
  auto may_not = matched ? check_role(call.actor.role, matched->endpoint->route.needs) : std::nullopt;
  if (may_not) {
    control_.access_denied(call.actor, call.method + " " + call.path, may_not->detail);
    reply = problem_reply(*may_not);
  } else if (matched) {
    const auto& endpoint = *matched->endpoint;
    try {
      if (!endpoint.while_starting) co_await control_.started();
      reply = co_await endpoint.answer(*this, std::move(call), std::move(matched->names));
    } catch (const std::exception& error) {
      reply = problem_reply(protocol::internal(error.what()));
    }
  } else {
    reply = mismatch_reply(matched.error());
  }
  reply.headers.emplace_back("ETag", "\"" + std::to_string(control_.generation()) + "\"");
  co_return reply;
}

}  // namespace sluice::admin
