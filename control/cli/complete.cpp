#include "control/cli/complete.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "control/cli/look.hpp"
#include "control/cli/select_status.hpp"
#include "control/protocol/target.hpp"

namespace sluice::cli {

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kGlobalsWithValue[] = {"--socket", "--url",    "--token-file",   "-o",
                                                  "--output", "--reason", "--if-generation"};

// The verb, what stands behind it without its flags, and the word being typed.
struct Typed {
  std::string verb;
  Words positionals;
  std::string current;
};

bool takes_value(const std::string& word) {
  return std::find(std::begin(kGlobalsWithValue), std::end(kGlobalsWithValue), word) !=
         std::end(kGlobalsWithValue);
}

Typed typed(const Words& words) {
  Typed out;
  if (words.empty()) return out;
  out.current = words.back();
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (takes_value(words[i]))
      ++i;
    else if (words[i].starts_with("-"))
      continue;
    else if (out.verb.empty())
      out.verb = words[i];
    else
      out.positionals.push_back(words[i]);
  }
  return out;
}

// Everything that can be named, from the daemon's status.
struct Names {
  Words services, pools, backends, cutovers;  // S, S/P, S/P/B, S=P
};

Names names_in(const boost::json::value& status) {
  Names names;
  for (const auto& [service, value] : object_in(object_of(status), "services")) {
    names.services.emplace_back(service);
    for (const auto& [pool, backends] : object_in(object_of(value), "pools")) {
      names.pools.push_back(to_string(protocol::Target{service, pool, {}}));
      names.cutovers.push_back(std::string(service) + "=" + std::string(pool));
      for (const auto& [backend, ignored] : object_in(object_of(backends), "backends"))
        names.backends.push_back(to_string(protocol::Target{service, pool, backend}));
    }
  }
  return names;
}

Words shares_of(const Names& names, const std::string& service) {
  Words out;
  for (const auto& pool : names.pools)
    if (pool.starts_with(service + "/")) out.push_back(pool.substr(service.size() + 1) + "=");
  return out;
}

Words targets(const Names& names) {
  Words out = names.pools;
  out.insert(out.end(), names.backends.begin(), names.backends.end());
  return out;
}

Words positional(const Typed& typed, const Names& names) {
  const auto& verb = typed.verb;
  const bool first = typed.positionals.empty();
  if (verb == "split") return first ? names.services : shares_of(names, typed.positionals.front());
  if (verb == "cutover") return names.cutovers;
  if (verb == "rollback" || verb == "confirm") return names.services;
  if (verb == "rollout" && !first && typed.positionals.front() == "start") {
    Words out = names.services;
    out.insert(out.end(), names.cutovers.begin(), names.cutovers.end());
    return out;
  }
  if (verb == "rollout")
    return first ? Words{"start", "status", "pause", "resume", "promote", "abort"} : names.services;
  if (verb == "rolling") return first ? names.pools : Words{};
  if (verb == "flag") return first ? Words{"set", "list", "show", "rm"} : Words{};
  if (verb == "mirror") return first ? names.services : Words{};
  if (verb == "preview") return first ? names.pools : Words{};
  if (verb == "pause" || verb == "resume" || verb == "stop") return first ? names.services : Words{};
  if (verb == "status" || verb == "history" || verb == "events") return first ? names.services : Words{};
  if (verb == "drain" || verb == "ready" || verb == "maint") return first ? targets(names) : Words{};
  if (verb == "weight" || verb == "remove") return first ? names.backends : Words{};
  if (verb == "add") return first ? names.pools : Words{};
  if (verb == "wait") return first ? Words{"healthy", "drained"} : targets(names);
  if (verb == "config") return {"show"};
  if (verb == "import") return first ? Words{"nginx"} : Words{};
  if (verb == "token") return Words{};
  if (verb == "completion") return {"bash", "zsh", "fish"};
  return {};
}

}  // namespace

bool completion_needs_status(const Words& words) {
  const auto now = typed(words);
  return !now.verb.empty() && !now.current.starts_with("-");
}

std::vector<std::string> candidates(const Words& words, const boost::json::value& status) {
  const auto now = typed(words);
  Words all;
  if (words.size() > 1 && words[words.size() - 2] == "--sort" && now.verb == "status")
    all = sort_keys();
  else if (now.current.starts_with("-"))
    all = flags_of(now.verb);
  else if (now.verb.empty())
    all = verbs();
  else
    all = positional(now, names_in(status));
  std::erase_if(all, [&now](const std::string& word) { return !word.starts_with(now.current); });
  return all;
}

Globals globals_in(const Words& words) {
  Globals globals;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--socket") globals.socket = words[i + 1];
    if (words[i] == "--url") globals.url = words[i + 1];
    if (words[i] == "--token-file") globals.token_file = words[i + 1];
  }
  return globals;
}

std::string completion_script(const std::string& shell) {
  // bash cuts words at = and :, so the line is cut here by blanks, and what bash keeps of a word is taken off
  // the answers.
  if (shell == "bash")
    return R"(_sluicectl() {
  local line="${COMP_LINE:0:COMP_POINT}" words current kept found
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  current="${words[-1]}"
  kept="${current%"${current##*[=:]}"}"
  COMPREPLY=()
  while IFS= read -r found; do
    COMPREPLY+=("${found#"$kept"}")
  done < <(sluicectl __complete "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace
}
complete -o default -F _sluicectl sluicectl
)";
  if (shell == "zsh")
    return R"(#compdef sluicectl
_sluicectl() {
  local -a found
  found=("${(@f)$(sluicectl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  (( ${#found} )) && compadd -- "${found[@]}" || _files
}
if [[ "${funcstack[1]}" == _sluicectl ]]; then _sluicectl; else compdef _sluicectl sluicectl; fi
)";
  if (shell == "fish")
    return "complete -c sluicectl -a '(sluicectl __complete (commandline -opc)[2..-1] (commandline -ct) "
           "2>/dev/null)'\n";
  return {};
}

}  // namespace sluice::cli
