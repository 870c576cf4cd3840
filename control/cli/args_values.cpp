#include "control/cli/args_values.hpp"

#include <CLI/Error.hpp>

namespace sluice::cli {

using protocol::Target;

void wrong(const std::string& name, const std::string& what) {
  throw CLI::ValidationError(name.starts_with('-') ? name + ": " + what : what);
}

protocol::milliseconds duration_of(const std::string& name, const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed) wrong(name, parsed.error().text());
  return *parsed;
}

Target target_of(const std::string& name, const std::string& text) {
  const auto target = protocol::parse_target(text);
  if (!target)
    wrong(name, sluice::quoted(text) + " is no target, write SERVICE/POOL or SERVICE/POOL/BACKEND");
  return *target;
}

Target pool_of(const std::string& text) {
  const auto target = protocol::parse_target(text);
  if (!target || !target->backend.empty())
    wrong("SERVICE/POOL", sluice::quoted(text) + " is no SERVICE/POOL");
  return *target;
}

Share share_of(const std::string& name, const std::string& text) {
  const auto share = parse_share(text);
  if (!share) wrong(name, share.error().text());
  return *share;
}

protocol::Websockets websockets_of(const std::string& text) {
  const auto policy = protocol::parse_websockets(text);
  if (!policy) wrong("--websockets", sluice::quoted(text) + " is no policy, write wait, spread:60s or now");
  return *policy;
}

std::pair<std::string, std::string> assignment_of(const std::string& text, const char* form) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    wrong(form, sluice::quoted(text) + " is no " + form);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::uint64_t number_of(const std::string& name, const std::string& text, std::uint64_t most) {
  std::uint64_t number = 0;
  const bool digits =
      !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
  if (digits) number = std::stoull(text);
  if (!digits || number > most)
    wrong(name, sluice::quoted(text) + " is no whole number from 0" +
                    (most < UINT64_MAX / 2 ? " to " + std::to_string(most) : ""));
  return number;
}

std::uint32_t count_of(const std::string& name, const std::string& text, std::uint32_t most) {
  return static_cast<std::uint32_t>(number_of(name, text, most));
}

}  // namespace sluice::cli
