// Flags, the mirror, and preview tokens.
#include <boost/json/object.hpp>

#include "control/cli/run.hpp"

namespace sluice::cli {

namespace {

int show_flags(Context& context, const Call& call) {
  const auto answer = context.client.call(call);
  if (!answer) return context.output.fail(answer.error());
  return context.output.show(answer->body, render_flags(answer->body, context.output.style()));
}

}  // namespace

int run(Context& context, const FlagVerb& verb) {
  auto message = verb.message;
  if (verb.action == "list") return show_flags(context, send(protocol::ListFlags{}));
  if (verb.action == "show") return show_flags(context, send(protocol::GetFlag{message.flag}));
  if (verb.action == "rm") return change(context, protocol::RemoveFlag{message.flag, message.service});
  message.share = verb.share.value_or(0);
  return change(context, message);
}

int run(Context& context, const MirrorVerb& verb) {
  if (verb.off) return change(context, protocol::ClearMirror{verb.message.service});
  return change(context, verb.message);
}

int run(Context& context, const protocol::MintPreview& message) {
  Call call = send(message);
  if (const auto& reason = context.line.change.reason; !reason.empty())
    call.sent.query.emplace_back("reason", reason);
  const auto answer = context.client.call(call);
  if (!answer) return context.output.fail(answer.error());
  const auto minted = protocol::answer_from<protocol::PreviewToken>(answer->body);
  const int shown = context.output.show(answer->body, minted.header + "\n");
  context.output.note("note: leads to " + to_string(message.target) + " until " + minted.expires +
                      "; in a browser: cookie sluice_preview with the same value\n");
  return shown;
}

}  // namespace sluice::cli
