#include "control/admin/compat.hpp"

#include <algorithm>
#include <optional>

#include "control/protocol/target.hpp"
#include "control/protocol/traffic.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

namespace asio = boost::asio;
using protocol::Problem;
using protocol::Target;

namespace {

constexpr std::string_view kRemove = "/remove_backend", kAdd = "/add_backend",
                           kFlags = "/admin/feature-flags/";

Problem no_such_call(const std::string& path) {
  return protocol::not_found("the old scripts have no call " + quoted(path),
                             "there are POST /remove_backend, /add_backend and /admin/feature-flags/");
}

Problem only_post(const Call& call) {
  return {
      405, protocol::Exit::usage, "method not allowed", call.path + " does not take " + quoted(call.method),
      {},  "it takes POST"};
}

// HTML 4.10.22.6: a form's blanks come as '+'.
std::optional<std::string> form_field(std::string body, std::string_view name) {
  std::replace(body.begin(), body.end(), '+', ' ');
  const auto fields = protocol::parse_query(body);
  if (!fields) return std::nullopt;
  for (const auto& [key, value] : *fields)
    if (key == name) return value;
  return std::nullopt;
}

}  // namespace

bool compat_needs_token(std::string_view path) { return path.starts_with("/admin/"); }

asio::awaitable<Reply> Compat::run(Call call) {
  co_await control_.started();
  try {
    co_return co_await dispatch(std::move(call));
  } catch (const std::exception& error) {
    co_return problem_reply(protocol::internal(error.what()));
  }
}

asio::awaitable<Reply> Compat::dispatch(Call call) {
  if (call.path != kRemove && call.path != kAdd && call.path != kFlags)
    co_return problem_reply(no_such_call(call.path));
  if (call.method != "POST") {
    auto reply = problem_reply(only_post(call));
    reply.headers.emplace_back("Allow", "POST");
    co_return reply;
  }
  if (call.path == kRemove) co_return co_await remove_backend(std::move(call));
  if (call.path == kFlags) co_return co_await set_flag(std::move(call));
  co_return co_await add_backend(std::move(call));
}

// Drains, and answers when nothing runs there any more: the script stops the instance next. It stays in its
// pool, since the script will add it again.
asio::awaitable<Reply> Compat::remove_backend(Call call) {
  auto invocation = invocation_of(call);
  if (!invocation) co_return problem_reply(invocation.error());
  auto target = backend_in(call);
  if (!target) co_return problem_reply(target.error());
  protocol::Drain message;
  message.target = std::move(*target);
  message.timeout = kCompatWait;
  message.wait = true;
  auto work = control_.change(std::move(*invocation), std::move(message));
  const auto changed = co_await std::move(work);
  if (!changed) co_return problem_reply(changed.error());
  co_return json_reply(to_json(*changed));
}

// Answers when it is seen well and takes requests: the script takes the next instance out.
asio::awaitable<Reply> Compat::add_backend(Call call) {
  auto invocation = invocation_of(call);
  if (!invocation) co_return problem_reply(invocation.error());
  auto target = backend_in(call);
  if (!target) co_return problem_reply(target.error());
  change::ReadyWhenHealthy message{std::move(*target), kCompatWait};
  auto work = control_.change(std::move(*invocation), std::move(message));
  const auto changed = co_await std::move(work);
  if (!changed) co_return problem_reply(changed.error());
  co_return json_reply(to_json(*changed));
}

asio::awaitable<Reply> Compat::set_flag(Call call) {
  auto invocation = invocation_of(call);
  if (!invocation) co_return problem_reply(invocation.error());
  auto message = flag_in(call);
  if (!message) co_return problem_reply(message.error());
  auto work = control_.change(std::move(*invocation), std::move(*message));
  const auto changed = co_await std::move(work);
  if (!changed) co_return problem_reply(changed.error());
  co_return json_reply(to_json(*changed));
}

// {"flag":F,"enabled_for":"10%","config":{..}}: what PUT /v1/flags/F takes, and the name.
Result<protocol::SetFlag> Compat::flag_in(const Call& call) const {
  auto body = body_of(call);
  if (!body) return body.error();
  auto* fields = body->if_object();
  const auto* name = fields ? fields->if_contains("flag") : nullptr;
  if (!name || !name->is_string() || name->get_string().empty())
    return protocol::malformed("the body must be JSON like {\"flag\":\"new_pay\",\"enabled_for\":\"10%\"}",
                               "flag");
  protocol::SetFlag message;
  message.flag = std::string(name->get_string());
  message.service = service_;
  fields->erase("flag");
  if (auto problem = protocol::read(*body, message)) return *problem;
  return message;
}

Result<Target> Compat::backend_in(const Call& call) const {
  const auto name = form_field(call.body, "backend");
  if (!name || name->empty()) return protocol::malformed("the body must be the form backend=NAME", "backend");
  return find(*name);
}

// By name or address in any pool of the service, or as POOL/NAME.
Result<Target> Compat::find(const std::string& name) const {
  const auto snapshot = control_.snapshot();
  std::vector<Target> found;
  std::vector<std::string> all;
  for (const auto& service : snapshot->services) {
    if (service.spec.name != service_) continue;
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) {
        all.push_back(backend.name);
        if (name == backend.name || name == pool.name + "/" + backend.name)
          found.push_back({service_, pool.name, backend.name});
        const Target whole{service_, pool.name, backend.group};
        const bool named =
            !backend.group.empty() && (name == backend.group || name == pool.name + "/" + backend.group);
        if (named && std::find(found.begin(), found.end(), whole) == found.end()) found.push_back(whole);
      }
  }
  if (found.empty())
    return protocol::not_found("service " + quoted(service_) + " has no backend " + quoted(name),
                               protocol::did_you_mean(name, all));
  if (found.size() > 1)
    return protocol::malformed(quoted(name) + " is in the pools " + found[0].pool + " and " + found[1].pool +
                                   ", write backend=" + found[0].pool + "/" + name,
                               "backend");
  return found.front();
}

}  // namespace sluice::admin
