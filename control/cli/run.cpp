#include "control/cli/run.hpp"

#include <boost/json/object.hpp>
#include <utility>
#include <variant>

#include "control/cli/print_forecast.hpp"

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

Result<Answer> send_change(Context& context, Call call, std::optional<milliseconds> extra, Watch watch) {
  const auto& options = context.line.change;
  auto& query = call.sent.query;
  if (options.dry_run) query.emplace_back("dry_run", "true");
  if (options.force) query.emplace_back("force", "true");
  if (!options.reason.empty()) query.emplace_back("reason", options.reason);
  call.if_match = options.if_generation;
  call.limit = extra ? std::optional(kChangeLimit + *extra) : std::nullopt;
  const ShownProgress shown(context.client, context.line.globals, context.output, std::move(watch));
  return context.client.call(call);
}

int change(Context& context, Call call, const std::string& subject, std::optional<milliseconds> extra,
           Watch watch) {
  const auto answer = send_change(context, std::move(call), extra, std::move(watch));
  if (!answer) return context.output.fail(answer.error());
  protocol::Changed changed;
  if (auto problem = protocol::read(answer->body, changed)) return context.output.fail(*problem);
  const auto* waited = changed.more.if_contains("drained");
  const auto drained = waited ? protocol::answer_from<protocol::Drained>(*waited) : protocol::Drained{};
  auto text = render_change(changed, subject);
  if (waited) text += render_drained(drained, subject);
  if (const auto* foretold = changed.more.if_contains("forecast"))
    text += render_forecasts(*foretold, context.output.style());
  const int shown = context.output.show(answer->body, text);
  context.output.note(render_notes(changed));
  return shown == 0 && drained.forced > 0 ? static_cast<int>(Exit::forced) : shown;
}

}  // namespace sluice::cli
