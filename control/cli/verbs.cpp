#include "control/cli/verbs.hpp"

#include <boost/json/object.hpp>

#include "control/cli/look.hpp"

namespace sluice::cli {

using protocol::Exit;
using protocol::milliseconds;

namespace {

constexpr milliseconds kChangeLimit{
    30'000};  // for check, journal, publish and all workers; it takes a few milliseconds

template <class... Functions>
struct Overload : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overload(Functions...) -> Overload<Functions...>;

}  // namespace

int run(const CommandLine& line, Output& output) {
  Context context{line, Client(line.globals), output};
  return std::visit(Overload{[&](const StatusVerb& verb) { return status(context, verb); },
                             [&](const protocol::Split& message) { return split(context, message); },
                             [&](const protocol::Cutover& message) { return cutover(context, message); },
                             [&](const protocol::Rollback& message) { return rollback(context, message); },
                             [&](const protocol::Undo& message) { return undo(context, message); },
                             [&](const protocol::Redo& message) { return redo(context, message); },
                             [&](const RolloutStartVerb& verb) { return rollout_start(context, verb); },
                             [&](const RolloutActVerb& verb) { return rollout_act(context, verb); },
                             [&](const RolloutStatusVerb& verb) { return rollout_status(context, verb); },
                             [&](const protocol::Confirm& message) { return confirm(context, message); },
                             [&](const RollingVerb& verb) { return rolling(context, verb); },
                             [&](const protocol::Drain& message) { return drain(context, message); },
                             [&](const ReadyVerb& verb) { return ready(context, verb); },
                             [&](const MaintVerb& verb) { return maint(context, verb); },
                             [&](const WeightVerb& verb) { return weight(context, verb); },
                             [&](const protocol::Add& message) { return add(context, message); },
                             [&](const RemoveVerb& verb) { return remove(context, verb); },
                             [&](const protocol::Pause& message) { return pause(context, message); },
                             [&](const protocol::Resume& message) { return resume(context, message); },
                             [&](const protocol::Stop& message) { return stop(context, message); },
                             [&](const FlagVerb& verb) { return flag(context, verb); },
                             [&](const protocol::SetMirror& message) { return mirror(context, message); },
                             [&](const protocol::MintPreview& message) { return preview(context, message); },
                             [&](const protocol::Wait& message) { return wait(context, message); },
                             [&](const protocol::Explain& message) { return explain(context, message); },
                             [&](const protocol::History& message) { return history(context, message); },
                             [&](const protocol::Events& message) { return events(context, message); },
                             [&](const ReloadVerb&) { return reload(context); },
                             [&](const ReadyzVerb&) { return readyz(context); },
                             [&](const CheckVerb& verb) { return check(context, verb); },
                             [&](const ConfigShowVerb&) { return config_show(context); },
                             [&](const ImportVerb& verb) { return import_nginx(context, verb); },
                             [&](const AdviseVerb& verb) { return advise(context, verb); },
                             [&](const TokenVerb& verb) { return token(context, verb); },
                             [&](const CompletionVerb& verb) { return completion(context, verb); },
                             [&](const CompleteVerb& verb) { return complete(context, verb); }},
                    line.verb);
}

Result<Answer> send_change(Context& context, Call call, protocol::Query query,
                           std::optional<milliseconds> wait) {
  const auto& options = context.line.change;
  if (options.dry_run) query.emplace_back("dry_run", "true");
  if (options.force) query.emplace_back("force", "true");
  if (!options.reason.empty()) query.emplace_back("reason", options.reason);
  call.target += protocol::query_text(query);
  call.if_match = options.if_generation;
  call.limit = wait ? std::optional(kChangeLimit + *wait) : std::nullopt;
  return context.client.call(call);
}

int change(Context& context, Call call, protocol::Query query, const std::string& subject,
           std::optional<milliseconds> wait) {
  const auto answer = send_change(context, std::move(call), std::move(query), wait);
  if (!answer) return context.output.fail(answer.error());
  protocol::Changed changed;
  if (auto problem = protocol::read(answer->body, changed)) return context.output.fail(*problem);
  const auto* drained = changed.more.if_contains("drained");
  auto text = render_change(changed, subject);
  if (drained) text += render_drained(*drained, subject);
  const int shown = context.output.show(answer->body, text);
  context.output.note(render_notes(changed));
  const bool forced = drained && number_in(object_of(*drained), "forced").value_or(0) > 0;
  return shown == 0 && forced ? static_cast<int>(Exit::forced) : shown;
}

}  // namespace sluice::cli
