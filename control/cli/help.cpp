#include "control/cli/help.hpp"

#include <string_view>

namespace sluice::cli {

namespace {

struct Page {
  std::string_view verb, usage, does, flags, examples;
};

constexpr std::string_view kDryRun = "  --dry-run              say what would change, change nothing\n";

constexpr std::string_view kForce =
    "  --force                even if a pool that gets requests has no eligible backend\n";

constexpr Page kPages[] = {
    {"status", "status [SERVICE] [-w]",
     "Shows services, pools, shares set and measured, rates, latencies, health and drains.",
     "  -w, --watch            repaint every second; not on a terminal: a line for each change\n",
     "  sluicectl status\n  sluicectl status api -w\n  sluicectl status -o json | jq .services.api.pools\n"},
    {"split", "split SERVICE POOL=SHARE... [--rest POOL]",
     "Sets the share table in one change. Shares add up to 100%, or --rest names the pool that gets what is "
     "left.",
     "  --rest POOL            this pool gets what the others leave\n",
     "  sluicectl split api blue=95% green=5%\n  sluicectl split api green=0.5% --rest blue --dry-run\n"},
    {"cutover", "cutover SERVICE=POOL...",
     "Gives 100% to a pool, for one or several services in one generation.",
     "  --wait-drained[=30s]   return when the pools left behind have nothing in flight\n",
     "  sluicectl cutover api=green\n  sluicectl cutover api=green web=green --wait-drained=30s\n"},
    {"rollback", "rollback SERVICE...", "Back to the last stable table, at once and always allowed.", "",
     "  sluicectl rollback api --reason 'INC-12: 500s on /pay'\n"},
    {"undo", "undo [--to-generation N]", "Back to the generation before, or to any that history still knows.",
     "  --to-generation N      the generation to go back to\n",
     "  sluicectl undo\n  sluicectl undo --to-generation 41\n"},
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
    {"events", "events [-f]", "What happened: changes, health, drains, reloads.",
     "  -f, --follow           go on as they happen\n  --after ID             only later ones\n",
     "  sluicectl events -f -o json\n"},
    {"reload", "reload", "Reads the configuration again; a wrong one is refused and the old one stays.", "",
     "  sluicectl reload\n"},
    {"check", "check FILE", "Checks a configuration file without a daemon: sluiced --check --config FILE.",
     "", "  sluicectl check /etc/sluice/sluice.yaml\n"},
    {"config", "config show", "The configuration in force, with what was changed at run time.", "",
     "  sluicectl config show\n"},
    {"completion", "completion bash|zsh|fish", "Prints a completion script for the shell.", "",
     "  . <(sluicectl completion bash)\n"},
};

constexpr std::string_view kOverview =
    R"(sluicectl shifts traffic between pools of backends.

  sluicectl status                          what is going where
  sluicectl split api blue=95% green=5%     set the shares
  sluicectl cutover api=green               100% at once
  sluicectl rollback api                    back, at once

Looking:    status  explain  history  events  config show
Shifting:   split  cutover  rollback  undo
Traffic:    pause  resume  stop  flag  mirror  preview
Backends:   drain  ready  maint  weight  add  remove  wait
Operations: reload  check  completion

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
  constexpr std::string_view kChanging[] = {"split",  "cutover", "rollback", "undo",   "drain",  "ready",
                                            "maint",  "weight",  "add",      "remove", "reload", "pause",
                                            "resume", "stop",    "flag",     "mirror"};
  for (const auto name : kChanging)
    if (name == verb) return true;
  return false;
}

bool forces(std::string_view verb) {
  constexpr std::string_view kForcing[] = {"split", "cutover", "undo", "drain", "maint", "remove"};
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
