#include "control/cli/complete.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "control/cli/flag_name.hpp"
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
  Words services, pools, backends, moves;  // S, S/P, S/P/B, S=P
  Words notify;                            // targets of notices
};

bool takes_generation(std::string_view flag) {
  return flag == "--to-generation" || flag == "--if-generation";
}

// The latest first, each once.
Words generations_in(const protocol::HistoryList& history) {
  Words out;
  for (const auto& entry : history.history)
    if (const auto text = std::to_string(entry.generation); out.empty() || out.back() != text)
      out.push_back(text);
  return out;
}

Names names_in(const protocol::Status& status) {
  Names names;
  for (const auto& service : status.services) {
    names.services.push_back(service.name);
    for (const auto& pool : service.pools) {
      names.pools.push_back(to_string(protocol::Target{service.name, pool.name, {}}));
      names.moves.push_back(service.name + "=" + pool.name);
      for (const auto& backend : pool.backends)
        names.backends.push_back(to_string(protocol::Target{service.name, pool.name, backend.name}));
    }
  }
  for (const auto& target : status.notify) names.notify.push_back(target.name);
  return names;
}

Words shares_of(const Names& names, const std::string& service) {
  Words out;
  for (const auto& pool : names.pools)
    if (pool.starts_with(service + "/")) out.push_back(pool.substr(service.size() + 1) + "=");
  return out;
}

Words both(Words one, const Words& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

Words cut(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// Of one service, or of all when it is none.
Words bare_pools_of(const Names& names, const std::string& service) {
  Words out;
  for (const auto& pool : names.pools) {
    const auto slash = pool.find('/');
    if (!service.empty() && pool.substr(0, slash) != service) continue;
    if (auto name = pool.substr(slash + 1); std::find(out.begin(), out.end(), name) == out.end())
      out.push_back(std::move(name));
  }
  return out;
}

// What stands behind a flag's name in the help says what it takes: "--rest POOL", "--service S", "--role
// a|b".
Words values_of_flag(std::string_view spelled, const Typed& typed, const Names& names) {
  const auto blank = spelled.rfind(' ');
  if (blank == std::string_view::npos) return {};
  auto value = std::string(spelled.substr(blank + 1));
  if (value == "S") return names.services;
  if (value == "POOL") {
    for (const auto& word : typed.positionals)
      if (std::find(names.services.begin(), names.services.end(), word) != names.services.end())
        return bare_pools_of(names, word);
    return bare_pools_of(names, {});
  }
  if (value.find('|') == std::string::npos) return {};
  std::replace(value.begin(), value.end(), '|', ' ');
  return cut(value);
}

Words words_for(const protocol::Completion& wanted, const Typed& typed, const Names& names) {
  using Kind = protocol::Completion::Names;
  switch (wanted.names) {
    case Kind::none:
      return cut(wanted.choices);
    case Kind::services:
      return names.services;
    case Kind::pools:
      return names.pools;
    case Kind::backends:
      return names.backends;
    case Kind::targets:
      return both(names.pools, names.backends);
    case Kind::moves:
      return names.moves;
    case Kind::shares:
      return shares_of(names, typed.positionals.front());
    case Kind::notify:
      return names.notify;
  }
  return {};
}

// What a verb says of its words (protocol/words.hpp), as what they can be completed to.
class Completions {
 public:
  void word(std::string_view, const auto&, const protocol::Completion& wanted) { words_.push_back(wanted); }
  void maybe(std::string_view, const auto&, const protocol::Completion& wanted) { words_.push_back(wanted); }
  void words(std::string_view, const auto&, const protocol::Completion& wanted) {
    words_.push_back(wanted);
    repeats_ = true;
  }
  void flag(std::string_view spelled, const auto& value, std::string_view) {
    using Value = std::remove_cvref_t<decltype(value)>;
    if (std::is_same_v<Value, bool> || former_.empty() || long_name_in(spelled) != former_) return;
    of_flag_ = values_of_flag(spelled, typed_, names_);
  }
  void flag(std::string_view spelled, const SortKey&, std::string_view) {
    if (long_name_in(spelled) == former_) of_flag_ = sort_keys();
  }
  void text(std::string_view) {}
  void section(std::string_view) {}
  void excludes(std::string_view, std::string_view) {}
  void needs(std::string_view, std::string_view) {}
  void dry_run() {}
  void force(std::string_view = {}) {}

  Completions(const Typed& typed, std::string former, const Names& names)
      : typed_(typed), former_(std::move(former)), names_(names) {}

  // Of the flag before the word that is typed; nothing when there is none that takes a value.
  const std::optional<Words>& of_flag() const { return of_flag_; }
  Words offered() const {
    if (of_flag_) return *of_flag_;
    const auto at =
        repeats_ ? std::min(typed_.positionals.size(), words_.size() - 1) : typed_.positionals.size();
    return at < words_.size() ? words_for(words_[at], typed_, names_) : Words{};
  }

 private:
  const Typed& typed_;
  std::string former_;  // the word before the one that is typed
  const Names& names_;
  std::vector<protocol::Completion> words_;
  bool repeats_ = false;  // the last of them
  std::optional<Words> of_flag_;
};

Words after_rollout(const Typed& typed, const Names& names) {
  if (typed.positionals.empty()) return {"start", "status", "pause", "resume", "promote", "abort"};
  return typed.positionals.front() == "start" ? both(names.services, names.moves) : names.services;
}

Words offered(const Typed& typed, const std::string& former, const Names& names) {
  Words out;
  Verbs::each([&]<class Verb>(std::type_identity<Verb>) {
    if (Verb::kPage.name() != typed.verb) return;
    Verb verb{};
    Completions completions(typed, former, names);
    Verb::words(verb, completions);
    if constexpr (std::is_same_v<Verb, RolloutVerbs>)
      out = completions.of_flag() ? *completions.of_flag() : after_rollout(typed, names);
    else
      out = completions.offered();
  });
  return out;
}

}  // namespace

bool completion_needs_status(const Words& words) {
  const auto now = typed(words);
  return !now.verb.empty() && !now.current.starts_with("-");
}

bool completion_needs_history(const Words& words) {
  return words.size() > 1 && takes_generation(words[words.size() - 2]) && !words.back().starts_with("-");
}

std::vector<std::string> candidates(const Words& words, const protocol::Status& status,
                                    const protocol::HistoryList& history) {
  const auto now = typed(words);
  const std::string former = words.size() > 1 ? words[words.size() - 2] : std::string();
  Words all;
  if (now.current.starts_with("-"))
    all = flags_of(now.verb);
  else if (takes_generation(former))
    all = generations_in(history);
  else if (now.verb.empty())
    all = verbs();
  else
    all = offered(now, former, names_in(status));
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
    return R"(function __sluicectl_offered
  set -l found (sluicectl __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c sluicectl -f -a '(__sluicectl_offered)'
)";
  return {};
}

}  // namespace sluice::cli
