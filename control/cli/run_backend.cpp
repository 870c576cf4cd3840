#include <boost/json/object.hpp>
#include <vector>

#include "control/cli/run.hpp"
#include "proxy/base/origin.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

using protocol::milliseconds;
using protocol::Target;

namespace {

constexpr milliseconds kWaitSlack{10'000};  // the daemon says that the time is over, not we

struct Found {
  std::vector<std::string> matches, names;  // targets; every name there is
};

Found search(const protocol::Status& status, const std::string& text) {
  Found found;
  for (const auto& service : status.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) {
        found.names.push_back(backend.name);
        if (backend.name == text || backend.address == text)
          found.matches.push_back(to_string(Target{service.name, pool.name, backend.name}));
        const std::string whole = to_string(Target{service.name, pool.name, backend.group});
        if (!backend.group.empty() && backend.group == text &&
            (found.matches.empty() || found.matches.back() != whole))
          found.matches.push_back(whole);
      }
  return found;
}

// As the operator wrote it, or what the daemon's status says that it means.
Result<Target> resolve(Context& context, const std::string& text) {
  // "unix:/run/app.sock" has the form of a target and is a name.
  if (auto target = protocol::parse_target(text); target && !target->backend.empty() && !is_unix(text))
    return *target;
  const auto answer = context.client.call(send(protocol::GetStatus{}));
  if (!answer) return answer.error();
  return find_backend(protocol::answer_from<protocol::Status>(answer->body), text);
}

}  // namespace

Result<Target> find_backend(const protocol::Status& status, const std::string& text) {
  if (auto target = protocol::parse_target(text); target && !is_unix(text)) {
    if (!target->backend.empty()) return *target;
    return protocol::malformed(sluice::quoted(text) + " is a pool, write SERVICE/POOL/BACKEND");
  }
  const auto found = search(status, text);
  if (found.matches.size() == 1) return *protocol::parse_target(found.matches.front());
  if (found.matches.empty())
    return protocol::not_found("no backend " + sluice::quoted(text),
                               protocol::did_you_mean(text, found.names));
  return protocol::malformed(sluice::quoted(text) + " is in several pools: write " + list_of(found.matches));
}

int run(Context& context, const WeightVerb& verb) {
  const auto target = resolve(context, verb.backend);
  if (!target) return context.output.fail(target.error());
  return change(context, protocol::Weight{*target, verb.message.weight});
}

int run(Context& context, const protocol::Add& message) {
  auto named = message;
  if (named.target.backend.empty()) named.target.backend = message.address;
  return change(context, named);
}

int run(Context& context, const RemoveVerb& verb) {
  const auto target = resolve(context, verb.backend);
  if (!target) return context.output.fail(target.error());
  return change(context, protocol::Remove{*target, verb.message.timeout, verb.message.websockets});
}

int run(Context& context, const protocol::Wait& message) {
  Call call = send(message);
  call.limit = message.timeout ? std::optional(*message.timeout + kWaitSlack) : std::nullopt;
  const auto answer = [&] {
    const ShownProgress shown(context.client, context.line.globals, context.output, watch_of(message));
    return context.client.call(call);
  }();
  if (!answer) return context.output.fail(answer.error());
  const auto waited = protocol::answer_from<protocol::Waited>(answer->body);
  return context.output.show(answer->body, to_string(message.target) + " is " + to_string(message.condition) +
                                               " after " + duration_text(waited.took) + "\n");
}

}  // namespace sluice::cli
