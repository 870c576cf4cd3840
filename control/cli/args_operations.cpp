// The verbs of operation and guidance: reload, readyz, check, config, token, completion, import, advise.
#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"

namespace sluice::cli {

void Parser::add_operations() {
  change(verb("reload", ReloadVerb{}));
  verb("readyz", ReadyzVerb{});
  auto* check = verb("check", CheckVerb{});
  one(check, "FILE", [this](auto& text) { message<CheckVerb>().file = text; });
  auto* config = verb("config", ConfigShowVerb{});
  one(config, "show", [](auto& text) {
    if (text != "show") wrong("config", sluice::quoted(text) + " is not what config does, write config show");
  });
  add_guides();
  auto* token = verb("token", TokenVerb{});
  one(token, "NAME", [this](auto& text) {
    if (text.empty() || text.front() == '#' || text.find_first_of(" \t\r\n") != std::string::npos)
      wrong("NAME", "a token's name is a word without blanks");
    message<TokenVerb>().name = text;
  });
  flag(token, "--role", [this](auto& text) {
    if (text != "viewer" && text != "operator" && text != "admin")
      wrong("--role", sluice::quoted(text) + " is no role, write viewer, operator or admin");
    message<TokenVerb>().role = text;
  });
  auto* completion = verb("completion", CompletionVerb{});
  one(completion, "SHELL", [this](auto& text) {
    if (text != "bash" && text != "zsh" && text != "fish")
      wrong("SHELL", sluice::quoted(text) + " is no shell known here, write bash, zsh or fish");
    message<CompletionVerb>().shell = text;
  });
}

void Parser::add_guides() {
  auto* import = verb("import", ImportVerb{});
  one(import, "nginx", [](auto& text) {
    if (text != "nginx")
      wrong("import", sluice::quoted(text) + " is not read by import, write import nginx FILE");
  });
  one(import, "FILE", [this](auto& text) { message<ImportVerb>().file = text; });

  auto* advise = verb("advise", AdviseVerb{});
  for (const auto& question : questions())
    flag(advise, std::string(question.flag), [this, question](auto& text) {
      if (!answer(message<AdviseVerb>().answers, question, text))
        wrong(std::string(question.flag),
              sluice::quoted(text) + " is no answer, write " + std::string(question.choices));
    });
  flag(advise, "--service", [this](auto& text) { message<AdviseVerb>().names.service = text; });
  flag(advise, "--from", [this](auto& text) { message<AdviseVerb>().names.from = text; });
  flag(advise, "--to", [this](auto& text) { message<AdviseVerb>().names.to = text; });
  flag(advise, "--flag", [this](auto& text) { message<AdviseVerb>().names.flag = text; });
}

}  // namespace sluice::cli
