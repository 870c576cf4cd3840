// What sluicectl does for each verb: asks the daemon, shows the answer, returns the exit code. A change that
// its message describes wholly needs no function of its own; the other verbs have a run() each.
#pragma once

#include <optional>
#include <string>

#include "control/cli/args.hpp"
#include "control/cli/client.hpp"
#include "control/cli/print.hpp"
#include "control/cli/progress.hpp"

namespace sluice::cli {

// Runs the command to its end.
int run(const CommandLine& line, Output& output);

struct Context {
  const CommandLine& line;
  Client client;
  Output& output;
};

// Sends a change with the options of the command line. `extra` is how long the answer may take beyond that of
// an ordinary change; nothing: without a limit. Meanwhile the progress is shown as `watch` says it.
Result<Answer> send_change(Context& context, Call call, std::optional<protocol::milliseconds> extra,
                           Watch watch = waits_for_daemon());
// Likewise, and shows what became of it. `subject` as in render_change.
int change(Context& context, Call call, const std::string& subject,
           std::optional<protocol::milliseconds> extra, Watch watch = waits_for_daemon());
template <class Message>
int change(Context& context, const Message& message) {
  return change(context, send(message), subject_of(message), extra_time_of(message), watch_of(message));
}

template <class Message>
int run(Context& context, const Message& message) {
  return change(context, message);
}

// run_read.cpp
int run(Context& context, const StatusVerb& verb);
int run(Context& context, const protocol::Explain& message);
int run(Context& context, const protocol::Events& message);
int run(Context& context, const ConfigShowVerb& verb);
int run(Context& context, const protocol::GetReady& message);

// run_history.cpp
int run(Context& context, const HistoryVerb& verb);
int run(Context& context, const ReportVerb& verb);

// run_top.cpp
int run(Context& context, const TopVerb& verb);
// On a terminal until the operator leaves, or it is closed. `brief`: the list alone.
int watch_on_terminal(Context& context, const TopVerb& verb, bool brief);

// run_shift.cpp
int run(Context& context, const protocol::Cutover& message);

// run_upgrade.cpp
int run(Context& context, const protocol::Upgrade& message);

// run_notify.cpp
int run(Context& context, const NotifyVerb& verb);

// run_rollout.cpp
int run(Context& context, const RolloutStartVerb& verb);
int run(Context& context, const RolloutActVerb& verb);
int run(Context& context, const RolloutStatusVerb& verb);
int run(Context& context, const RolloutVerbs& verbs);

// run_rolling.cpp
int run(Context& context, const RollingVerb& verb);

// run_backend.cpp
int run(Context& context, const WeightVerb& verb);
int run(Context& context, const protocol::Add& message);
int run(Context& context, const RemoveVerb& verb);
int run(Context& context, const protocol::Wait& message);
// The backend that `text` names in this status: SERVICE/POOL/BACKEND, or a name or address that only one has.
Result<protocol::Target> find_backend(const protocol::Status& status, const std::string& text);

// run_traffic.cpp
int run(Context& context, const FlagVerb& verb);
int run(Context& context, const MirrorVerb& verb);
int run(Context& context, const protocol::MintPreview& message);

// run_local.cpp
int run(Context& context, const CheckVerb& verb);
int run(Context& context, const TokenVerb& verb);
int run(Context& context, const CompletionVerb& verb);
int run(Context& context, const CompleteVerb& verb);
int run(Context& context, const ManVerb& verb);

// run_rehearse.cpp
int run(Context& context, const RehearseVerb& verb);

// run_guide.cpp
int run(Context& context, const ImportVerb& verb);
int run(Context& context, const AdviseVerb& verb);

}  // namespace sluice::cli
