// The verbs about a service's traffic: pause, resume, stop, flag, mirror, preview.
#include <boost/json/parse.hpp>

#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"

namespace sluice::cli {

void Parser::add_traffic() {
  auto* pause = change(verb("pause", protocol::Pause{}));
  one(pause, "SERVICE", [this](auto& text) { message<protocol::Pause>().service = text; });
  flag(pause, "--max-hold",
       [this](auto& text) { message<protocol::Pause>().max_hold = duration_of("--max-hold", text); });
  flag(pause, "--max-queue", [this](auto& text) {
    message<protocol::Pause>().max_queue = count_of("--max-queue", text, 1'000'000);
  });
  pause->add_flag_callback("--wait", [this] { message<protocol::Pause>().wait = true; });
  flag(pause, "--timeout",
       [this](auto& text) { message<protocol::Pause>().timeout = duration_of("--timeout", text); });

  auto* resume = change(verb("resume", protocol::Resume{}));
  one(resume, "SERVICE", [this](auto& text) { message<protocol::Resume>().service = text; });
  flag(resume, "--rate", [this](auto& text) {
    const std::string number = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
    message<protocol::Resume>().rate = count_of("--rate", number, 1'000'000);
  });

  auto* stop = change(verb("stop", protocol::Stop{}));
  one(stop, "SERVICE", [this](auto& text) { message<protocol::Stop>().service = text; });
  flag(stop, "--message", [this](auto& text) { message<protocol::Stop>().message = text; });
}

void Parser::add_flag() {
  auto* verb_flag = change(verb("flag", FlagVerb{}));
  one(verb_flag, "ACTION", [this](auto& text) {
    if (text != "set" && text != "list" && text != "show" && text != "rm")
      wrong("ACTION", sluice::quoted(text) + " is not what flag does, write set, list, show or rm");
    message<FlagVerb>().action = text;
  });
  maybe(verb_flag, "NAME", [this](auto& text) { message<FlagVerb>().message.flag = text; });
  maybe(verb_flag, "PERCENT", [this](auto& text) {
    message<FlagVerb>().share = message<FlagVerb>().message.share = share_of("PERCENT", text);
  });
  flag(verb_flag, "--service", [this](auto& text) { message<FlagVerb>().message.service = text; });
  flag(verb_flag, "--config", [this](auto& text) {
    boost::json::error_code failed;
    const auto config = boost::json::parse(text, failed);
    if (failed) wrong("--config", sluice::quoted(text) + " is no JSON: " + failed.message());
    message<FlagVerb>().message.config = config.is_null() ? std::string() : text;
  });
}

void Parser::add_mirror() {
  auto* mirror = change(verb("mirror", protocol::SetMirror{}));
  one(mirror, "SERVICE", [this](auto& text) { message<protocol::SetMirror>().service = text; });
  auto* off = mirror->add_flag("--off", off_);
  auto* to = mirror->add_option_function<std::string>(
      "--to", [this](auto& text) { message<protocol::SetMirror>().to = text; });
  auto* share = mirror->add_option_function<std::string>(
      "--share", [this](auto& text) { message<protocol::SetMirror>().share = share_of("--share", text); });
  mirror->add_flag_callback("--safe-only", [this] { message<protocol::SetMirror>().safe_only = true; });
  off->excludes(to)->excludes(share);
  to->needs(share);
  share->needs(to);
}

void Parser::add_preview() {
  auto* preview = verb("preview", protocol::MintPreview{});
  one(preview, "SERVICE/POOL",
      [this](auto& text) { message<protocol::MintPreview>().target = pool_of(text); });
  flag(preview, "--ttl",
       [this](auto& text) { message<protocol::MintPreview>().ttl = duration_of("--ttl", text); });
}

}  // namespace sluice::cli
