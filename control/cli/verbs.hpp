// The verbs of sluicectl in the order of its help. Those that their message describes wholly are taken from
// control/protocol as they are; the others have more to say than their message, or have none, and describe
// themselves here in the same way (protocol/describe.hpp, protocol/words.hpp). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/cli/advise.hpp"
#include "control/cli/sort_key.hpp"
#include "control/protocol/messages.hpp"

namespace sluice::cli {

using protocol::Page;

struct StatusVerb {
  std::string pattern;  // a service's name or a pattern of them; empty: all
  std::string sort;     // one of sort_keys(); empty: as configured
  bool watch = false, brief = false;

  static constexpr Page kPage{
      "status [PATTERN] [-w] [--brief] [--sort KEY]",
      "Shows services, pools, shares set and measured, rates, latencies, health and drains. PATTERN is a "
      "name, or "
      "one with * ? [..]\nas in a shell. A single service is shown with its backends, more than 20 as a line "
      "each.",
      "  sluicectl status\n  sluicectl status api -w\n  sluicectl status 'shop-*' --brief --sort errors\n"
      "  sluicectl status -o json | jq .services.api.pools\n"};
  static void words(auto& self, auto& visit) {
    visit.maybe("PATTERN", self.pattern, protocol::kServices);
    visit.flag("-w, --watch", self.watch,
               "as top shows it, each second; not on a terminal: a line for each change");
    visit.flag("--brief", self.brief, "a line for each service");
    visit.flag("--sort KEY", SortKey{self.sort},
               "name, rps, errors, p50, p95, p99, share (what has left the stable pool), in-flight,\n"
               "health (the worst first)");
  }
};

struct TopVerb {
  std::string pattern;  // as above
  std::string sort;

  static constexpr Page kPage{"top [PATTERN]",
                              "Shows what is being shifted, how far, whether it goes well and what takes it "
                              "back, again each second.\n"
                              "Keys: q leaves, j and k or the arrows choose a service, Enter shows it alone, "
                              "l the list alone, r rolls it\n"
                              "back when y confirms it. Not on a terminal: a line for each change; with -o "
                              "json the status of each second.",
                              "  sluicectl top\n  sluicectl top api\n  sluicectl top 'shop-*' --sort errors\n"
                              "  sluicectl -o json top api | jq -c '.services.api.pools[].error_rate'\n"};
  static void words(auto& self, auto& visit) {
    visit.maybe("PATTERN", self.pattern, protocol::kServices);
    visit.flag("--sort KEY", SortKey{self.sort}, "as of status; without it what is going on comes first");
  }
};

struct HistoryVerb {
  protocol::History message;
  bool verify = false;
  protocol::Strings files;  // of --verify: looked at here; none: the daemon looks at its own

  static constexpr Page kPage{
      "history [SERVICE] | --verify [--audit-log FILE...]",
      "Who changed what, when and why; the latest first. With --verify: whether the audit log is whole, how "
      "many "
      "lines\nsince when, and the hash of the last one; exit 9 at the first line that was changed, is "
      "missing or was put "
      "in.",
      "  sluicectl history api\n  sluicectl history --verify\n"
      "  sluicectl history --verify --audit-log /var/lib/sluice/audit.log.1 /var/lib/sluice/audit.log\n"};
  static void words(auto& self, auto& visit) {
    visit.maybe("SERVICE", self.message.service, protocol::kServices);
    visit.flag("--limit N", protocol::at_most(self.message.limit, 100'000), "how many, default 50");
    visit.flag("--verify", self.verify, "the audit log of the daemon");
    visit.flag("--audit-log FILE...", protocol::FileList{self.files},
               "these files of one log instead, in any order; no daemon is asked");
    visit.needs("--audit-log", "--verify");
    visit.excludes("--verify", "--limit");
  }
};
std::optional<protocol::Problem> check(const HistoryVerb& verb);

struct ReportVerb {
  protocol::GetReport message;

  static constexpr Page kPage{"report SERVICE [--rollout ID | --since D] [-o md|html|json]",
                              "The story of a rollout in one file, for a ticket: what broke, whom it hit, "
                              "why it went back, how long it took; "
                              "who asked\nfor it, each step with its figures against their limits, the "
                              "decisions. Without --rollout of the last "
                              "one.\nWith --since: the shifts of that time, rollouts or not.",
                              "  sluicectl report api\n  sluicectl report api -o html > api.html\n  "
                              "sluicectl report api --rollout 41 -o json | "
                              "jq .summary\n  sluicectl report api --since 24h\n"};
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.message.service, protocol::kServices);
    visit.flag("--rollout ID", protocol::at_most(self.message.rollout, UINT32_MAX),
               "the generation that began it; history names them");
    visit.flag("--since 24h", self.message.since, "what was shifted since, from the history");
    visit.excludes("--since", "--rollout");
    visit.text("  -o md|html|json        Markdown (the default), one HTML file with plots, or its data\n");
  }
};

struct ConfigShowVerb {
  std::string show;

  static constexpr Page kPage{"config show", "The configuration in force, with what was changed at run time.",
                              "  sluicectl config show\n", "config show"};
  static void words(auto& self, auto& visit) {
    visit.word("show", protocol::OneOf{self.show, "show", "is not what config does, write config show"},
               protocol::choices("show"));
  }
};

// --- Rollouts. `rollout` has verbs of its own, which args.cpp puts behind it; its help is one page.

struct RolloutStartVerb {
  protocol::RolloutStart message;
  std::string file;  // --file: its text goes to the daemon
  bool follow = false;

  static void words(auto& self, auto& visit) {
    visit.words("SERVICE", Services{self.message}, protocol::kMoves);
    visit.flag("--to POOL", Destination{self.message}, "the new pool");
    visit.flag("--plan NAME", self.message.plan, "a plan of the configuration");
    visit.flag("--file FILE", self.file, "a plan of its own (YAML)");
    visit.flag("--steps 5%,25%:1h,100%", protocol::CommaList{self.message.steps},
               "shares, each with its own hold if one stands behind it; before them\n"
               "0%+mirror:10%: judged on copies of safe requests, no user gets it");
    visit.flag("--hold 10m", self.message.hold, "how long the other steps last at least");
    visit.flag("--min-requests N", protocol::at_most(self.message.min_requests, protocol::kMostRequests),
               "in either pool, before a step may pass; default 50");
    visit.flag("--approve", self.message.approve, "every step waits for promote");
    visit.flag("--retain 1h", self.message.retain, "afterwards the old pool is not removed so long");
    visit.flag("--control equal", self.message.control,
               "compares with as many of the stable pool's users as the new one has");
    visit.flag("--aa 2m", self.message.aa,
               "with --control equal: measures the stable pool against itself before; 0: not");
    visit.flag("--supersede", self.message.supersede, "aborts an active rollout first");
    visit.flag("-f, --follow", self.follow,
               "shows the numbers until the end: exit 0, or 6 when it went back");
    visit.section("");
    protocol::Checks::words(self.message.checks, visit);
    protocol::Limits::words(self.message.limits, visit);
    visit.dry_run();
    visit.force();
  }
  // SERVICE beside --to POOL, or SERVICE=POOL, or several of these that move in step.
  struct Services {
    protocol::RolloutStart& value;
  };
  struct Destination {
    protocol::RolloutStart& value;
  };
};
std::optional<protocol::Problem> check(const RolloutStartVerb& verb);

struct RolloutStatusVerb {
  std::string service;
  bool follow = false;

  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.service, protocol::kServices);
    visit.flag("-f, --follow", self.follow, "likewise");
  }
};

struct RolloutActVerb {
  protocol::RolloutAct message;

  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.message.service, protocol::kServices);
    visit.dry_run();
    visit.force();
  }
  static void promote_words(auto& self, auto& visit) {
    words(self, visit);
    visit.flag("--full", self.message.full, "at once to the last step; without: to the next");
  }
};

// What stands behind `rollout`, for its page.
struct RolloutVerbs {
  static constexpr Page kPage{
      "rollout start SERVICE --to POOL | SERVICE=POOL... --plan NAME | --file F | --steps ...\n"
      "       sluicectl rollout status|pause|resume|promote|abort SERVICE",
      "Moves a service to another pool step by step, while gates judge; goes back by itself when one fails.\n"
      "Several services move in step: any gate of any of them takes all back, and every verb on one is on "
      "all.",
      "  sluicectl rollout start api --to green --plan careful --follow\n"
      "  sluicectl rollout start api --to green --steps 5%,25%,50%,100% --hold 10m --max-error-rate 5%\n"
      "  sluicectl rollout start api=green web=green --plan careful\n"
      "  sluicectl rollout status api\n  sluicectl rollout abort api --reason 'INC-12'\n",
      "rollout start|status|pause|resume|promote|abort"};
  RolloutStartVerb start;
  RolloutStatusVerb status;
  RolloutActVerb promote;

  static void words(auto& self, auto& visit) {
    visit.section("start");
    RolloutStartVerb::words(self.start, visit);
    visit.section("status");
    RolloutStatusVerb::words(self.status, visit);
    visit.section("promote");
    RolloutActVerb::promote_words(self.promote, visit);
  }
};

std::optional<protocol::Problem> check(const RolloutVerbs& verbs);

// Runs here, not in the daemon (run_rolling.cpp).
struct RollingVerb {
  protocol::Target pool;
  std::string run, verify;  // shell commands; {backend} and {address} stand for what they are run for
  std::uint32_t batch = 1;
  std::optional<std::uint32_t> min_available;  // absent: the configuration's
  protocol::milliseconds drain_timeout = protocol::kDrainTimeout;
  protocol::Websockets websockets;
  protocol::milliseconds wait_healthy{60'000};

  static constexpr std::uint64_t kMostBackends = 10'000;
  static constexpr Page kPage{
      "rolling SERVICE/POOL --run 'CMD {backend}'",
      "Renews a pool's backends batch by batch: drain, run CMD here, wait healthy, ready, verify. Stops at "
      "the "
      "first failure.",
      "  sluicectl rolling api/blue --run 'ssh {backend} systemctl restart api' --verify 'curl -sf "
      "http://{address}/health'\n"};
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE/POOL", protocol::OnlyPool{self.pool}, protocol::kPools);
    visit.flag("--run CMD", self.run, "a shell command; {backend} and {address} stand for the backend");
    visit.flag("--verify CMD", self.verify, "likewise, after it is ready; drained again when it fails");
    visit.flag("--batch 1", protocol::at_most(self.batch, kMostBackends), "how many at a time");
    visit.force("although nobody is left to take the pool's requests");
    visit.flag("--min-available N", protocol::at_most(self.min_available, kMostBackends),
               "that keep taking requests; default: the service's outlier.min_available");
    visit.flag("--drain-timeout 30s", self.drain_timeout, "then what is left is closed");
    visit.flag("--websockets POLICY", self.websockets, "wait, spread:60s, paced:20/s or now");
    visit.flag("--wait-healthy 60s", self.wait_healthy, "exit 7 when one is not up by then");
  }
};
std::optional<protocol::Problem> check(const RollingVerb& verb);

// --- Traffic

struct FlagVerb {
  std::string action;  // set, list, show, rm
  protocol::SetFlag message;
  std::optional<Share> share;  // of set

  static constexpr Page kPage{
      "flag set NAME PERCENT | list | show NAME | rm NAME",
      "A feature for a share of the users, the same users in every service; backends are told by "
      "X-Feature-Flags.",
      "  sluicectl flag set new-checkout 10% --service api\n  sluicectl flag rm new-checkout\n"};
  static void words(auto& self, auto& visit) {
    visit.word("ACTION",
               protocol::OneOf{self.action, "set list show rm",
                               "is not what flag does, write set, list, show or rm"},
               protocol::choices("set list show rm"));
    visit.maybe("NAME", self.message.flag, protocol::kNothing);
    visit.maybe("PERCENT", protocol::percent(self.share), protocol::kNothing);
    visit.flag("--service S", self.message.service, "whose requests carry it; not needed when it is clear");
    visit.flag("--config JSON", protocol::JsonText{self.message.config},
               "what applications may read of it (GET /v1/flags/NAME); null takes it away");
    visit.dry_run();
  }
};
std::optional<protocol::Problem> check(const FlagVerb& verb);

struct MirrorVerb {
  protocol::SetMirror message;
  bool off = false;

  static constexpr Page kPage{
      "mirror SERVICE --to POOL --share 10% | --off",
      "Sends a share of the requests to a pool as well and throws its answers away.\n"
      "Mind: what changes data changes it twice, unless --safe-only.",
      "  sluicectl mirror api --to green --share 10% --safe-only\n  sluicectl mirror api --off\n"};
  static void words(auto& self, auto& visit) {
    visit.word("SERVICE", self.message.service, protocol::kServices);
    visit.flag("--to POOL", self.message.to, "where the copies go");
    visit.flag("--share SHARE", protocol::percent(self.message.share),
               "of users with a key, else of requests");
    visit.flag("--safe-only", self.message.safe_only, "only GET, HEAD, OPTIONS and TRACE");
    visit.flag("--off", self.off, "no more");
    visit.excludes("--off", "--to");
    visit.excludes("--off", "--share");
    visit.needs("--to", "--share");
    visit.needs("--share", "--to");
    visit.dry_run();
  }
};
std::optional<protocol::Problem> check(const MirrorVerb& verb);

// --- Backends. What is written of a backend may be a name that the daemon's status has to explain.

struct WeightVerb {
  std::string backend;  // SERVICE/POOL/BACKEND, or a name that is unique over all services
  protocol::Weight message;

  static constexpr Page kPage{
      "weight BACKEND N",
      "Sets a backend's weight in its pool (0 to 1000). BACKEND is SERVICE/POOL/BACKEND, or a name that only "
      "one has.",
      "  sluicectl weight api-2 3\n"};
  static void words(auto& self, auto& visit) {
    visit.word("BACKEND", self.backend, protocol::kBackends);
    visit.word("N", protocol::at_most(self.message.weight, protocol::kMostWeight), protocol::kNothing);
    visit.dry_run();
    visit.force();
  }
};

struct RemoveVerb {
  std::string backend;  // as above
  protocol::Remove message;

  static constexpr Page kPage{"remove BACKEND", "Drains a backend, then takes it out of its pool.",
                              "  sluicectl remove api/green/127.0.0.1:9103\n"};
  static void words(auto& self, auto& visit) {
    visit.word("BACKEND", self.backend, protocol::kBackends);
    visit.flag("--timeout 30s", self.message.timeout, "for the drain; then what is left is closed");
    visit.flag("--websockets POLICY", self.message.websockets, "wait, spread:60s, paced:20/s or now");
    visit.dry_run();
    visit.force();
  }
};

// --- Operations that ask no daemon

struct CheckVerb {
  std::string file;

  static constexpr Page kPage{"check FILE",
                              "Checks a configuration file without a daemon: sluiced --check --config FILE.",
                              "  sluicectl check /etc/sluice/sluice.yaml\n"};
  static void words(auto& self, auto& visit) { visit.word("FILE", self.file, protocol::kNothing); }
};

struct ImportVerb {
  std::string from, file;  // file "-": standard input

  static constexpr Page kPage{
      "import nginx FILE",
      "Prints nginx's upstreams, weights, split_clients, maps and locations as a configuration of ours; "
      "comments "
      "say what could not be translated. FILE may be -.",
      "  sluicectl import nginx /etc/nginx/nginx.conf > sluice.yaml && sluicectl check sluice.yaml\n"
      "  nginx -T 2>/dev/null | sluicectl import nginx -\n"};
  static void words(auto& self, auto& visit) {
    visit.word("nginx", protocol::OneOf{self.from, "nginx", "is not read by import, write import nginx FILE"},
               protocol::choices("nginx"));
    visit.word("FILE", self.file, protocol::kNothing);
  }
};

// A plan on recorded traffic; runs here, without a daemon (control/rehearse).
struct RehearseVerb {
  std::string plan;  // a name in `config`, or a file
  protocol::Strings logs;
  std::string config;       // empty: /etc/sluice/sluice.yaml, if PLAN is a name
  std::string format;       // of sluiced's log, when it is a template
  std::string service, to;  // empty: the log's
  std::string canary;       // "errors=3%,p95=x1.4"
  std::uint32_t rate = 0;   // requests a second; 0: the log's own
  protocol::milliseconds draw_for{24 * 3600 * 1000};
  std::optional<std::uint64_t> seed;

  static constexpr std::uint32_t kMostRate = 1'000'000;
  static constexpr Page kPage{
      "rehearse PLAN --log FILE...",
      "What a plan would have done on recorded traffic: its steps, verdicts and the way back, by the "
      "daemon's own\n"
      "judge in the log's time. PLAN is a name in the configuration, or a file. Logs of sluiced (JSON, "
      "combined, a\n"
      "template), nginx (combined, also with $request_time behind it) and HAProxy (httplog). A log with both "
      "pools is\n"
      "replayed as it was; of one pool, --canary says what the other does. No daemon is asked.\n"
      "Exit 0: it went through; 6: it went back; 7: the log ended before.",
      "  sluicectl rehearse careful --log /var/log/sluice/access.log\n"
      "  sluicectl rehearse ./plan.yaml --log access.log --canary errors=3%,p95=x1.4\n"
      "  sluicectl rehearse ./plan.yaml --log access.log --canary errors=3% --rate 10000/s --for 24h\n"};
  static void words(auto& self, auto& visit) {
    visit.word("PLAN", self.plan, protocol::kNothing);
    visit.flag("--log FILE", self.logs, "an access log; may come several times");
    visit.flag("--canary errors=3%,p95=x1.4", self.canary,
               "what the new pool does: so many errors, answers that take so many times as long");
    visit.flag("--service S", self.service, "of a log with several");
    visit.flag("--to POOL", self.to, "the new pool; without: the one with fewer requests");
    visit.flag("--rate 10000/s", protocol::PerSecond{self.rate, kMostRate},
               "the log's mixture, drawn out to that rate, look by look");
    visit.flag("--for 24h", self.draw_for, "for so long, with --rate");
    visit.flag("--seed N", self.seed, "of what is drawn by chance; default 1");
    visit.flag("--format TEMPLATE", self.format, "of sluiced's log, when it is a template");
    visit.flag("--config FILE", self.config,
               "where PLAN and the service's salt are; default /etc/sluice/sluice.yaml");
  }
};
std::optional<protocol::Problem> check(const RehearseVerb& verb);

struct AdviseVerb {
  Answers answers;  // that need not be asked
  AdviceNames names;

  static constexpr Page kPage{
      "advise [FLAG ANSWER]...",
      "Which strategy? Asks what it has to know, and prints the strategy, why, and the commands for it.",
      "  sluicectl advise\n  sluicectl advise --hotfix no --schema compatible --major yes --service api --to "
      "v42\n"};
  static void words(auto& self, auto& visit) {
    visit.text(
        "  --hotfix yes|no        a hotfix for a production bug?\n"
        "  --schema none|compatible|breaking   database schema changes?\n"
        "  --major yes|no         a major feature change?\n"
        "  --regular yes|no       a regular update?\n"
        "  --flags yes|no         can feature flags switch it?\n"
        "  --instances yes|no     are there several instances?\n"
        "  --service S --from POOL --to POOL --flag NAME   the names in the commands\n");
    for (const auto& question : questions()) visit.flag(question.flag, AnswerTo{self.answers, question}, "");
    visit.flag("--service S", self.names.service, "");
    visit.flag("--from POOL", self.names.from, "");
    visit.flag("--to POOL", self.names.to, "");
    visit.flag("--flag NAME", self.names.flag, "");
  }
  struct AnswerTo {
    Answers& value;
    Question question;
  };
};

struct TokenVerb {
  std::string name, role = "admin";

  static constexpr Page kPage{"token NAME",
                              "Makes a bearer token for admin.http, and the line of it for the token_file.",
                              "  sluicectl token grafana --role viewer\n"};
  static void words(auto& self, auto& visit) {
    visit.word("NAME", Name{self.name}, protocol::kNothing);
    visit.flag(
        "--role viewer|operator|admin",
        protocol::OneOf{self.role, "viewer operator admin", "is no role, write viewer, operator or admin"},
        "what it may do; default admin");
  }
  // A word that can stand in a line of the token file.
  struct Name {
    std::string& value;
  };
};

struct CompletionVerb {
  std::string shell;

  static constexpr Page kPage{"completion bash|zsh|fish", "Prints a completion script for the shell.",
                              "  . <(sluicectl completion bash)\n"};
  static void words(auto& self, auto& visit) {
    visit.word(
        "SHELL",
        protocol::OneOf{self.shell, "bash zsh fish", "is no shell known here, write bash, zsh or fish"},
        protocol::choices("bash zsh fish"));
  }
};

// `__complete WORD...`, which the completion scripts call: no help, no flags.
struct CompleteVerb {
  std::vector<std::string> words;  // after "sluicectl", the last one is being typed
};

// `__man FOLDER`, which the installation calls: the manual pages of sluicectl into that folder.
struct ManVerb {
  std::string folder;
};

struct NotifyVerb {
  std::string test;
  protocol::NotifyTest message;

  static constexpr Page kPage{
      "notify test [TARGET]",
      "Sends a test to a target of notices, or to all, and says whether it was taken. The limit a minute and "
      "what waits\nare not looked at. Exit 9 when one did not take it, with its answer.",
      "  sluicectl notify test\n  sluicectl notify test ops\n", "notify test"};
  static void words(auto& self, auto& visit) {
    visit.word("test", protocol::OneOf{self.test, "test", "is not what notify does, write notify test"},
               protocol::choices("test"));
    visit.maybe("TARGET", self.message.target, protocol::kNotify);
  }
};

// --- All of them, as the help groups them

using protocol::List;
using Reading =
    List<StatusVerb, TopVerb, protocol::Explain, HistoryVerb, ReportVerb, protocol::Events, ConfigShowVerb>;
using Shifting = protocol::ShiftVerbs;
using Rollouts = List<RolloutVerbs, RollingVerb, RehearseVerb>;
using Traffic = protocol::Join<protocol::TrafficVerbs, List<FlagVerb, MirrorVerb, protocol::MintPreview>>;
using Backends = List<protocol::Drain, protocol::Ready, protocol::Maint, WeightVerb, protocol::Add,
                      RemoveVerb, protocol::Wait>;
using Operations = List<protocol::Reload, protocol::Upgrade, protocol::GetReady, NotifyVerb, CheckVerb,
                        ImportVerb, AdviseVerb, TokenVerb, CompletionVerb>;
using Verbs = protocol::Join<Reading, Shifting, Rollouts, Traffic, Backends, Operations>;

// What a command line can ask for.
using AnyVerb =
    protocol::Join<Verbs,
                   List<RolloutStartVerb, RolloutStatusVerb, RolloutActVerb, CompleteVerb, ManVerb>>::Variant;

}  // namespace sluice::cli
