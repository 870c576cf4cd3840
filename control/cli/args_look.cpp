// The verbs that look: status, explain, history, events.
#include <algorithm>

#include "control/cli/args_parser.hpp"
#include "control/cli/args_values.hpp"
#include "control/cli/select_status.hpp"
#include "proxy/base/suggest.hpp"

namespace sluice::cli {

void Parser::add_looks() {
  auto* status = verb("status", StatusVerb{});
  maybe(status, "PATTERN", [this](auto& text) { message<StatusVerb>().pattern = text; });
  status->add_flag_callback("-w,--watch", [this] { message<StatusVerb>().watch = true; });
  status->add_flag_callback("--brief", [this] { message<StatusVerb>().brief = true; });
  flag(status, "--sort", [this](auto& text) {
    const auto keys = sort_keys();
    if (std::find(keys.begin(), keys.end(), text) == keys.end())
      wrong("--sort", with_suggestion(quoted(text) + " is none of " + list_of(keys), suggest(text, keys)));
    message<StatusVerb>().sort = text;
  });

  auto* explain = verb("explain", protocol::Explain{});
  one(explain, "URL", [this](auto& text) { message<protocol::Explain>().url = text; });
  flag(explain, "--method", [this](auto& text) { message<protocol::Explain>().method = text; });
  flag(explain, "--listener", [this](auto& text) { message<protocol::Explain>().listener = text; });
  flag(explain, "--client", [this](auto& text) { message<protocol::Explain>().client = text; });
  explain
      ->add_option_function<std::vector<std::string>>(
          "-H,--header", [this](auto& lines) { message<protocol::Explain>().headers = lines; })
      ->expected(1, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);

  auto* history = verb("history", protocol::History{});
  maybe(history, "SERVICE", [this](auto& text) { message<protocol::History>().service = text; });
  flag(history, "--limit",
       [this](auto& text) { message<protocol::History>().limit = count_of("--limit", text, 100'000); });

  auto* events = verb("events", protocol::Events{false, {}, {}});
  maybe(events, "SERVICE", [this](auto& text) { message<protocol::Events>().service = text; });
  events->add_flag_callback("-f,--follow", [this] { message<protocol::Events>().follow = true; });
  flag(events, "--after",
       [this](auto& text) { message<protocol::Events>().after = number_of("--after", text, UINT64_MAX); });
}

}  // namespace sluice::cli
