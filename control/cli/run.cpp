#include "control/cli/run.hpp"

#include <boost/json/object.hpp>
#include <utility>
#include <variant>

#include "control/cli/look.hpp"

namespace sluice::cli {

using protocol::Exit;
using protocol::milliseconds;

namespace {

constexpr milliseconds kChangeLimit{
    30'000};  // for check, journal, publish and all workers; it takes a few milliseconds

}  // namespace

int run(const CommandLine& line, Output& output) {
  Context context{line, Client(line.globals), output};
  return std::visit([&context](const auto& verb) { return run(context, verb); }, line.verb);
}

Result<Answer> send_change(Context& context, Call call, std::optional<milliseconds> extra) {
  const auto& options = context.line.change;
  auto& query = call.sent.query;
  if (options.dry_run) query.emplace_back("dry_run", "true");
  if (options.force) query.emplace_back("force", "true");
  if (!options.reason.empty()) query.emplace_back("reason", options.reason);
  call.if_match = options.if_generation;
  call.limit = extra ? std::optional(kChangeLimit + *extra) : std::nullopt;
  return context.client.call(call);
}

int change(Context& context, Call call, const std::string& subject, std::optional<milliseconds> extra) {
  const auto answer = send_change(context, std::move(call), extra);
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
