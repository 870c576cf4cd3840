// The verbs about backends: drain, ready, maint, weight, add, remove, wait.
#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"
#include "proxy/base/origin.hpp"

namespace sluice::cli {

void Parser::add_drain() {
  auto* drain = change(verb("drain", protocol::Drain{}));
  one(drain, "TARGET", [this](auto& text) { message<protocol::Drain>().target = target_of("TARGET", text); });
  flag(drain, "--timeout",
       [this](auto& text) { message<protocol::Drain>().timeout = duration_of("--timeout", text); });
  drain->add_flag_callback("--wait", [this] { message<protocol::Drain>().wait = true; });
  flag(drain, "--websockets",
       [this](auto& text) { message<protocol::Drain>().websockets = websockets_of(text); });
  drain->add_flag("--force", line_.change.force);

  auto* ready = change(verb("ready", ReadyVerb{}));
  one(ready, "TARGET", [this](auto& text) { message<ReadyVerb>().target = target_of("TARGET", text); });
  auto* maint = change(verb("maint", MaintVerb{}));
  one(maint, "TARGET", [this](auto& text) { message<MaintVerb>().target = target_of("TARGET", text); });
  maint->add_flag("--force", line_.change.force);
}

void Parser::add_backends() {
  auto* weight = change(verb("weight", WeightVerb{}));
  one(weight, "BACKEND", [this](auto& text) { message<WeightVerb>().backend = text; });
  one(weight, "N", [this](auto& text) { message<WeightVerb>().message.weight = count_of("N", text, 1000); });
  weight->add_flag("--force", line_.change.force);

  auto* add = change(verb("add", protocol::Add{}));
  one(add, "SERVICE/POOL", [this](auto& text) {
    const auto target = pool_of(text);
    message<protocol::Add>().target = {target.service, target.pool, message<protocol::Add>().target.backend};
  });
  one(add, "ADDRESS", [this](auto& text) {
    const auto address = parse_origin(text);
    if (!address) wrong("ADDRESS", address.error().text());
    message<protocol::Add>().address = text;
  });
  flag(add, "--name", [this](auto& text) { message<protocol::Add>().target.backend = text; });
  flag(add, "--weight",
       [this](auto& text) { message<protocol::Add>().weight = count_of("--weight", text, 1000); });
  flag(add, "--wait-healthy",
       [this](auto& text) { message<protocol::Add>().wait_healthy = duration_of("--wait-healthy", text); });

  auto* remove = change(verb("remove", RemoveVerb{}));
  one(remove, "BACKEND", [this](auto& text) { message<RemoveVerb>().backend = text; });
  flag(remove, "--timeout",
       [this](auto& text) { message<RemoveVerb>().message.timeout = duration_of("--timeout", text); });
  flag(remove, "--websockets",
       [this](auto& text) { message<RemoveVerb>().message.websockets = websockets_of(text); });
  remove->add_flag("--force", line_.change.force);
}

void Parser::add_wait() {
  auto* wait = verb("wait", protocol::Wait{});
  one(wait, "CONDITION", [this](auto& text) {
    const auto condition = protocol::parse_condition(text);
    if (!condition) wrong("CONDITION", sluice::quoted(text) + " is no condition, write healthy or drained");
    message<protocol::Wait>().condition = *condition;
  });
  one(wait, "TARGET", [this](auto& text) { message<protocol::Wait>().target = target_of("TARGET", text); });
  flag(wait, "--timeout",
       [this](auto& text) { message<protocol::Wait>().timeout = duration_of("--timeout", text); });
}

}  // namespace sluice::cli
