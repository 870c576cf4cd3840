#include "control/cli/help.hpp"

#include <string_view>

namespace sluice::cli {

namespace {

struct Page {
  std::string_view verb, usage, does, flags, examples;
};

constexpr std::string_view kDryRun = "  --dry-run              say what would change, change nothing\n";

constexpr std::string_view kForce =
    "  --force                even if a pool that gets requests has no eligible backend then\n";

// The gates that can be given as flags.
#define SLUICE_CHECKS                                                                              \
  "  --verify PATH[=STATUS] every ready backend of the new pool must answer it before the first\n" \
  "                         user does; 200-399 if no STATUS (204, 200-299) is given\n"             \
  "  --exec-before CMD      a command that has to agree by exit 0, likewise: run once for each\n"  \
  "                         service, told by SLUICE_SERVICE, _POOL, _BACKENDS and _ADDRESSES\n"    \
  "  --exec-timeout 60s     how long each command may take\n"
#define SLUICE_LIMITS                                                                            \
  "  --max-error-rate 5%    --max-error-increase 1% (against stable)   --max-saturation 90%\n"   \
  "  --max-p50 --max-p90 --max-p95 --max-p99 500ms   --max-p95-increase 50ms (against stable)\n" \
  "  --exec CMD             a command that has to agree by exit 0   --http URL: by a status 2xx\n"

constexpr Page kPages[] = {
    {"status", "status [PATTERN] [-w] [--brief] [--sort KEY]",
     "Shows services, pools, shares set and measured, rates, latencies, health and drains. PATTERN is a "
     "name, or "
     "one with * ? [..]\nas in a shell. A single service is shown with its backends, more than 20 as a line "
     "each.",
     "  -w, --watch            repaint every second; not on a terminal: a line for each change\n"
     "  --brief                a line for each service\n"
     "  --sort KEY             name, rps, errors, p50, p95, p99, share (what has left the stable pool), "
     "in-flight,\n"
     "                         health (the worst first)\n",
     "  sluicectl status\n  sluicectl status api -w\n  sluicectl status 'shop-*' --brief --sort errors\n"
     "  sluicectl status -o json | jq .services.api.pools\n"},
    {"split", "split SERVICE POOL=SHARE... [--rest POOL]",
     "Sets the share table in one change. Shares add up to 100%, or --rest names the pool that gets what is "
     "left.",
     "  --rest POOL            this pool gets what the others leave\n"
     "  --confirm-within 5m    reverts by itself unless `sluicectl confirm` comes in time\n",
     "  sluicectl split api blue=95% green=5%\n  sluicectl split api green=0.5% --rest blue --dry-run\n"},
    {"cutover", "cutover SERVICE=POOL...",
     "Gives 100% to a pool, for one or several services in one generation. With checks: when all of them\n"
     "passed; when one fails nothing changes, exit 6.",
     "  --wait-drained[=30s]   return when the pools left behind have nothing in flight\n"
     "  --confirm-within 5m    reverts by itself unless `sluicectl confirm` comes in time\n"
     "  --retain 1h            so long the pools left behind stay as they are; default: the service's "
     "retain\n"
     "  --watch-for 15m        watches the new pool so long by the limits below, and goes back when one "
     "fails\n"
     "  --min-requests N       for --watch-for, default 50\n"
     "  --supersede            for --watch-for: aborts an active rollout first\n" SLUICE_CHECKS SLUICE_LIMITS,
     "  sluicectl cutover api=green\n  sluicectl cutover api=green --verify /health=200 --exec-before "
     "./smoke-test.sh\n  sluicectl cutover api=green web=green --wait-drained=30s\n"
     "  sluicectl cutover api=green --watch-for 15m --max-error-rate 5%\n"},
    {"confirm", "confirm SERVICE...", "What was changed with --confirm-within stays.", "",
     "  sluicectl confirm api\n"},
    {"rollout",
     "rollout start SERVICE --to POOL | SERVICE=POOL... --plan NAME | --file F | --steps ...\n"
     "       sluicectl rollout status|pause|resume|promote|abort SERVICE",
     "Moves a service to another pool step by step, while gates judge; goes back by itself when one fails.\n"
     "Several services move in step: any gate of any of them takes all back, and every verb on one is on "
     "all.",
     "  start   --to POOL              the new pool\n"
     "          --plan NAME            a plan of the configuration\n"
     "          --file FILE            a plan of its own (YAML)\n"
     "          --steps 5%,25%:1h,100% shares, each with its own hold if one stands behind it; before them\n"
     "                                 0%+mirror:10%: judged on copies of safe requests, no user gets it\n"
     "          --hold 10m             how long the other steps last at least\n"
     "          --min-requests N       in either pool, before a step may pass; default 50\n"
     "          --approve              every step waits for promote\n"
     "          --retain 1h            afterwards the old pool is not removed so long\n"
     "          --supersede            aborts an active rollout first\n"
     "          -f, --follow           shows the numbers until the end: exit 0, or 6 when it went "
     "back\n" SLUICE_CHECKS SLUICE_LIMITS "  status  -f, --follow           likewise\n"
     "  promote --full                 at once to the last step; without: to the next\n",
     "  sluicectl rollout start api --to green --plan careful --follow\n"
     "  sluicectl rollout start api --to green --steps 5%,25%,50%,100% --hold 10m --max-error-rate 5%\n"
     "  sluicectl rollout start api=green web=green --plan careful\n"
     "  sluicectl rollout status api\n  sluicectl rollout abort api --reason 'INC-12'\n"},
    {"rolling", "rolling SERVICE/POOL --run 'CMD {backend}'",
     "Renews a pool's backends batch by batch: drain, run CMD here, wait healthy, ready, verify. Stops at "
     "the "
     "first failure.",
     "  --run CMD              a shell command; {backend} and {address} stand for the backend\n"
     "  --verify CMD           likewise, after it is ready; drained again when it fails\n"
     "  --batch 1              how many at a time\n"
     "  --force                although nobody is left to take the pool's requests\n"
     "  --min-available N      that keep taking requests; default: the service's outlier.min_available\n"
     "  --drain-timeout 30s    then what is left is closed\n"
     "  --wait-healthy 60s     exit 7 when one is not up by then\n",
     "  sluicectl rolling api/blue --run 'ssh {backend} systemctl restart api' --verify 'curl -sf "
     "http://{address}/health'\n"},
    {"rollback", "rollback SERVICE...",
     "Undoes the last shift that is still in force, at once: back to the last stable table. What a gate, an "
     "abort or\n"
     "a missing confirmation took back already is unchanged, and who did it and when is said.",
     "", "  sluicectl rollback api --reason 'INC-12: 500s on /pay'\n"},
    {"undo", "undo [--to-generation N]",
     "Takes the last change back, whatever verb made it; typed again, the one before it. Says what is as it "
     "was.\n"
     "A rollout is one change from its start to its end, and is aborted first if it is active.",
     "  --to-generation N      all as it was at that generation\n",
     "  sluicectl undo\n  sluicectl undo --to-generation 41\n"},
    {"redo", "redo", "Makes the change again that undo took back last, until there is a new change.", "",
     "  sluicectl redo\n"},
    {"drain", "drain SERVICE/POOL[/BACKEND]",
     "No new request goes there; what is in flight finishes, up to the timeout.",
     "  --timeout 30s          then what is left is closed; 0: never\n"
     "  --wait                 return when drained; exit 8 if something had to be closed\n"
     "  --websockets POLICY    wait, spread:60s (each at its own moment) or now\n",
     "  sluicectl drain api/blue/127.0.0.1:9001 --wait\n  sluicectl drain api/blue --websockets "
     "spread:60s\n"},
    {"ready", "ready SERVICE/POOL[/BACKEND]", "Takes it into service again after drain or maint.", "",
     "  sluicectl ready api/blue/127.0.0.1:9001\n"},
    {"maint", "maint SERVICE/POOL[/BACKEND]",
     "Takes it out of service: no new request, and no drain deadline.", "",
     "  sluicectl maint api/blue/127.0.0.1:9001\n"},
    {"weight", "weight BACKEND N",
     "Sets a backend's weight in its pool (0 to 1000). BACKEND is SERVICE/POOL/BACKEND, or a name that only "
     "one has.",
     "", "  sluicectl weight api-2 3\n"},
    {"add", "add SERVICE/POOL ADDRESS", "Adds a backend to a pool.",
     "  --name N               its name; the address if not given\n"
     "  --weight W             0 to 1000, default 1\n"
     "  --wait-healthy 30s     return when it is up; exit 7 if it is not by then\n",
     "  sluicectl add api/green 127.0.0.1:9103 --wait-healthy 30s\n"},
    {"remove", "remove BACKEND", "Drains a backend, then takes it out of its pool.",
     "  --timeout 30s          for the drain; then what is left is closed\n"
     "  --websockets POLICY    wait, spread:60s or now\n",
     "  sluicectl remove api/green/127.0.0.1:9103\n"},
    {"pause", "pause SERVICE",
     "Holds its requests, in order, until resume; each for a time at most, then it gets 503.",
     "  --max-hold 30s         how long each request is held\n"
     "  --max-queue N          how many are held at once; limits.queue if not given\n"
     "  --wait                 return when nothing is in flight: a short migration may run then\n"
     "  --timeout 30s          of --wait; exit 7 if something is in flight even then, the pause goes on\n",
     "  sluicectl pause api --wait\n"},
    {"resume", "resume SERVICE", "Ends a pause or a stop; held requests go where they would go now.",
     "  --rate R               let the held ones go R a second; all at once if not given\n",
     "  sluicectl resume api --rate 200\n"},
    {"stop", "stop SERVICE", "Refuses its requests with 503 until resume.",
     "  --message M            the answer's text\n", "  sluicectl stop api --message 'Back at 14:00 UTC'\n"},
    {"flag", "flag set NAME PERCENT | list | show NAME | rm NAME",
     "A feature for a share of the users, the same users in every service; backends are told by "
     "X-Feature-Flags.",
     "  --service S            whose requests carry it; not needed when it is clear\n"
     "  --config JSON          what applications may read of it (GET /v1/flags/NAME); null takes it away\n",
     "  sluicectl flag set new-checkout 10% --service api\n  sluicectl flag rm new-checkout\n"},
    {"mirror", "mirror SERVICE --to POOL --share 10% | --off",
     "Sends a share of the requests to a pool as well and throws its answers away.\n"
     "Mind: what changes data changes it twice, unless --safe-only.",
     "  --to POOL              where the copies go\n"
     "  --share SHARE          of users with a key, else of requests\n"
     "  --safe-only            only GET, HEAD, OPTIONS and TRACE\n"
     "  --off                  no more\n",
     "  sluicectl mirror api --to green --share 10% --safe-only\n  sluicectl mirror api --off\n"},
    {"preview", "preview SERVICE/POOL [--ttl 2h]",
     "Mints a signed token: requests that carry it go to that pool, and no gate counts them.",
     "  --ttl 2h               how long it counts, up to 720h\n",
     "  sluicectl preview api/green --ttl 30m\n"},
    {"wait", "wait healthy|drained TARGET",
     "Blocks until every backend of the target is so. Exit 7 when the time is over.",
     "  --timeout 30s          how long; without it as long as it takes\n",
     "  sluicectl wait healthy api/green --timeout 1m\n"},
    {"explain", "explain URL", "Which route, pool and backend that request would get, and why, step by step.",
     "  --method M             GET if not given\n"
     "  -H, --header 'K: V'    a header of the request; may come several times\n"
     "  --listener NAME        the listener that it arrives at\n"
     "  --client ADDRESS       where it comes from, 127.0.0.1 if not given\n",
     "  sluicectl explain http://api.example.com/pay -H 'X-User-Id: 42'\n"},
    {"history", "history [SERVICE]", "Who changed what, when and why; the latest first.",
     "  --limit N              how many, default 50\n", "  sluicectl history api\n"},
    {"events", "events [SERVICE] [-f]", "What happened: changes, health, drains, reloads.",
     "  -f, --follow           go on as they happen\n  --after ID             only later ones\n",
     "  sluicectl events -f -o json\n"},
    {"readyz", "readyz", "Whether clients are let in: exit 0, or 9 while it starts or stops.", "",
     "  until sluicectl readyz; do sleep 0.1; done\n"},
    {"reload", "reload", "Reads the configuration again; a wrong one is refused and the old one stays.", "",
     "  sluicectl reload\n"},
    {"check", "check FILE", "Checks a configuration file without a daemon: sluiced --check --config FILE.",
     "", "  sluicectl check /etc/sluice/sluice.yaml\n"},
    {"config", "config show", "The configuration in force, with what was changed at run time.", "",
     "  sluicectl config show\n"},
    {"import", "import nginx FILE",
     "Prints nginx's upstreams, weights, split_clients, maps and locations as a configuration of ours; "
     "comments "
     "say what could not be translated. FILE may be -.",
     "",
     "  sluicectl import nginx /etc/nginx/nginx.conf > sluice.yaml && sluicectl check sluice.yaml\n"
     "  nginx -T 2>/dev/null | sluicectl import nginx -\n"},
    {"advise", "advise [FLAG ANSWER]...",
     "Which strategy? Asks what it has to know, and prints the strategy, why, and the commands for it.",
     "  --hotfix yes|no        a hotfix for a production bug?\n"
     "  --schema none|compatible|breaking   database schema changes?\n"
     "  --major yes|no         a major feature change?\n"
     "  --regular yes|no       a regular update?\n"
     "  --flags yes|no         can feature flags switch it?\n"
     "  --instances yes|no     are there several instances?\n"
     "  --service S --from POOL --to POOL --flag NAME   the names in the commands\n",
     "  sluicectl advise\n  sluicectl advise --hotfix no --schema compatible --major yes --service api --to "
     "v42\n"},
    {"token", "token NAME", "Makes a bearer token for admin.http, and the line of it for the token_file.",
     "  --role viewer|operator|admin   what it may do; default admin\n",
     "  sluicectl token grafana --role viewer\n"},
    {"completion", "completion bash|zsh|fish", "Prints a completion script for the shell.", "",
     "  . <(sluicectl completion bash)\n"},
};

#undef SLUICE_CHECKS
#undef SLUICE_LIMITS

constexpr std::string_view kOverview =
    R"(sluicectl shifts traffic between pools of backends.

  sluicectl status                          what is going where
  sluicectl split api blue=95% green=5%     set the shares
  sluicectl cutover api=green               100% at once
  sluicectl rollback api                    back, at once

Looking:    status  explain  history  events  config show
Shifting:   split  cutover  confirm  rollback  undo  redo
Rollouts:   rollout start|status|pause|resume|promote|abort  rolling
Traffic:    pause  resume  stop  flag  mirror  preview
Backends:   drain  ready  maint  weight  add  remove  wait
Operations: reload  readyz  check  import  advise  token  completion

Flags of every verb, before or after it:
  --socket PATH          admin socket; default $SLUICE_SOCKET, /run/sluice/admin.sock
                         or $XDG_RUNTIME_DIR/sluice/admin.sock
  --url URL              admin.http instead, with --token-file FILE
  -o, --output FORMAT    table or json
  --reason TEXT          why, for the history
  --if-generation N      only if nothing has changed since generation N
  -h, --help             of a verb: sluicectl split --help
  --version

Exit: 0 done, 1 internal, 2 usage or configuration, 3 daemon unreachable, 4 not found, 5 conflict,
      6 gate failed, 7 timed out (it goes on), 8 drained by force, 9 refused
)";

bool changes(std::string_view verb) {
  constexpr std::string_view kChanging[] = {
      "split",  "cutover", "rollback", "undo",   "redo",  "drain",  "ready", "confirm", "rollout", "maint",
      "weight", "add",     "remove",   "reload", "pause", "resume", "stop",  "flag",    "mirror"};
  for (const auto name : kChanging)
    if (name == verb) return true;
  return false;
}

bool forces(std::string_view verb) {
  constexpr std::string_view kForcing[] = {"split", "cutover", "rollback", "undo",   "redo",
                                           "drain", "maint",   "weight",   "remove", "rollout"};
  for (const auto name : kForcing)
    if (name == verb) return true;
  return false;
}

std::string render(const Page& page) {
  std::string text(page.does);
  text += "\n\nUsage: sluicectl ";
  text += page.usage;
  text += "\n";
  text += page.flags;
  if (changes(page.verb)) text += kDryRun;
  if (forces(page.verb)) text += kForce;
  text += "\n";
  text += page.examples;
  text += "\nFlags of every verb: sluicectl --help\n";
  return text;
}

}  // namespace

std::string help(const std::string& verb) {
  for (const auto& page : kPages)
    if (page.verb == verb) return render(page);
  return std::string(kOverview);
}

}  // namespace sluice::cli
