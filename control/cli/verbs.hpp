// A function per verb: asks the daemon, shows the answer, returns the exit code.
#pragma once

#include <optional>
#include <string>

#include "control/cli/args.hpp"
#include "control/cli/client.hpp"
#include "control/cli/print.hpp"

namespace sluice::cli {

// Runs the command to its end.
int run(const CommandLine& line, Output& output);

struct Context {
  const CommandLine& line;
  Client client;
  Output& output;
};

// verbs_look.cpp
int status(Context& context, const StatusVerb& verb);
int explain(Context& context, const protocol::Explain& message);
int history(Context& context, const protocol::History& message);
int events(Context& context, const protocol::Events& message);
int config_show(Context& context);
int readyz(Context& context);

// verbs_shift.cpp
int split(Context& context, const protocol::Split& message);
int cutover(Context& context, const protocol::Cutover& message);
int rollback(Context& context, const protocol::Rollback& message);
int undo(Context& context, const protocol::Undo& message);
int redo(Context& context, const protocol::Redo& message);
int reload(Context& context);

// verbs_rollout.cpp
int rollout_start(Context& context, const RolloutStartVerb& verb);
int rollout_act(Context& context, const RolloutActVerb& verb);
int rollout_status(Context& context, const RolloutStatusVerb& verb);
int confirm(Context& context, const protocol::Confirm& message);

// verbs_rolling.cpp
int rolling(Context& context, const RollingVerb& verb);

// verbs_backend.cpp
int drain(Context& context, const protocol::Drain& message);
int ready(Context& context, const ReadyVerb& verb);
int maint(Context& context, const MaintVerb& verb);
int weight(Context& context, const WeightVerb& verb);
int add(Context& context, const protocol::Add& message);
int remove(Context& context, const RemoveVerb& verb);
int wait(Context& context, const protocol::Wait& message);
// The backend that `text` names in this status: SERVICE/POOL/BACKEND, or a name or address that only one has.
Result<protocol::Target> find_backend(const boost::json::value& status, const std::string& text);

// verbs_traffic.cpp
int pause(Context& context, const protocol::Pause& message);
int resume(Context& context, const protocol::Resume& message);
int stop(Context& context, const protocol::Stop& message);
int flag(Context& context, const FlagVerb& verb);
int mirror(Context& context, const protocol::SetMirror& message);
int preview(Context& context, const protocol::MintPreview& message);

// verbs_local.cpp
int check(Context& context, const CheckVerb& verb);
int token(Context& context, const TokenVerb& verb);
int completion(Context& context, const CompletionVerb& verb);
int complete(Context& context, const CompleteVerb& verb);

// verbs_guide.cpp
int import_nginx(Context& context, const ImportVerb& verb);
int advise(Context& context, const AdviseVerb& verb);

// Sends a change with the options of the command line.
Result<Answer> send_change(Context& context, Call call, protocol::Query query,
                           std::optional<protocol::milliseconds> wait = protocol::milliseconds(0));
// Likewise, and shows what became of it. `subject` as in
// render_change. `wait` is how long the verb itself may take beyond an ordinary change; nothing: without a
// limit.
int change(Context& context, Call call, protocol::Query query, const std::string& subject,
           std::optional<protocol::milliseconds> wait = protocol::milliseconds(0));

}  // namespace sluice::cli
