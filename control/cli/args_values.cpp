#include "control/cli/args_values.hpp"

#include <CLI/Error.hpp>
#include <algorithm>
#include <boost/json/parse.hpp>
#include <utility>

#include "proxy/base/origin.hpp"
#include "proxy/base/suggest.hpp"

namespace sluice::cli {

using protocol::Target;

void wrong(const std::string& name, const std::string& what) {
  throw CLI::ValidationError(name.starts_with('-') ? name + ": " + what : what);
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

Share share_of(const std::string& name, const std::string& text) {
  const auto share = parse_share(text);
  if (!share) wrong(name, share.error().text());
  return *share;
}

namespace {

// NAME=VALUE, neither empty; `form` says it as the usage does.
std::pair<std::string, std::string> assignment_of(const std::string& form, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    wrong(form, sluice::quoted(text) + " is no " + form);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

void take(const std::string&, const std::string& text, std::string& value) { value = text; }

void take(const std::string& name, const std::string& text, std::uint64_t& value) {
  value = number_of(name, text, UINT64_MAX);
}

void take(const std::string& name, const std::string& text, protocol::milliseconds& value) {
  const auto parsed = parse_duration(text);
  if (!parsed) wrong(name, parsed.error().text());
  value = *parsed;
}

void take(const std::string& name, const std::string& text, Target& value) {
  const auto target = protocol::parse_target(text);
  if (!target)
    wrong(name, sluice::quoted(text) + " is no target, write SERVICE/POOL or SERVICE/POOL/BACKEND");
  value = *target;
}

void take(const std::string& name, const std::string& text, const protocol::OnlyPool& wanted) {
  const auto target = protocol::parse_target(text);
  if (!target || !target->backend.empty()) wrong(name, sluice::quoted(text) + " is no SERVICE/POOL");
  wanted.value.service = target->service;
  wanted.value.pool = target->pool;
}

void take(const std::string& name, const std::string& text, protocol::Websockets& value) {
  const auto policy = protocol::parse_websockets(text);
  if (!policy) wrong(name, sluice::quoted(text) + " is no policy, write wait, spread:60s, paced:20/s or now");
  value = *policy;
}

void take(const std::string& name, const std::string& text, protocol::Condition& value) {
  const auto condition = protocol::parse_condition(text);
  if (!condition) wrong(name, sluice::quoted(text) + " is no condition, write healthy or drained");
  value = *condition;
}

void take(const std::string&, const std::string& text, protocol::Strings& value) { value.push_back(text); }

void take(const std::string& name, const std::string& text, protocol::StringPairs& value) {
  value.push_back(assignment_of(name, text));
}

void take(const std::string& name, const std::string& text, protocol::Shares& value) {
  const auto [pool, share] = assignment_of(name, text);
  value.emplace_back(pool, share_of(name, share));
}

void take(const std::string& name, const std::string& text, const protocol::PerSecond& wanted) {
  const std::string number = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
  wanted.value = static_cast<std::uint32_t>(number_of(name, number, wanted.most));
}

void take(const std::string& name, const std::string& text, const protocol::PercentText& wanted) {
  share_of(name, text);  // the daemon reads it again
  wanted.value = text;
}

void take(const std::string& name, const std::string& text, const protocol::OriginText& wanted) {
  const auto address = parse_origin(text);
  if (!address) wrong(name, address.error().text());
  wanted.value = text;
}

void take(const std::string&, const std::string& text, const protocol::CommaList& wanted) {
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(',', begin), text.size());
    wanted.value.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

void take(const std::string& name, const std::string& text, const protocol::JsonText& wanted) {
  boost::json::error_code failed;
  const auto parsed = boost::json::parse(text, failed);
  if (failed) wrong(name, sluice::quoted(text) + " is no JSON: " + failed.message());
  wanted.value = parsed.is_null() ? std::string() : text;
}

void take(const std::string& name, const std::string& text, const protocol::OneOf& wanted) {
  const std::string words = " " + std::string(wanted.words) + " ";
  if (text.find(' ') != std::string::npos || words.find(" " + text + " ") == std::string::npos)
    wrong(name, sluice::quoted(text) + " " + std::string(wanted.complaint));
  wanted.value = text;
}

void take(const std::string& name, const std::string& text, const SortKey& wanted) {
  const auto keys = sort_keys();
  if (std::find(keys.begin(), keys.end(), text) == keys.end())
    wrong(name, with_suggestion(quoted(text) + " is none of " + list_of(keys), suggest(text, keys)));
  wanted.value = text;
}

// One SERVICE beside --to POOL, or SERVICE=POOL, or several of these that move in step.
void take_all(const std::string& name, const std::vector<std::string>& texts,
              const RolloutStartVerb::Services& wanted) {
  auto& start = wanted.value;
  const bool pairs = texts.front().find('=') != std::string::npos;
  if (!pairs && texts.size() > 1)
    wrong(name, "several services are named with their pools: rollout start api=green web=green");
  if (!pairs) {
    start.service = texts.front();
    return;
  }
  protocol::StringPairs services;
  for (const auto& text : texts) services.push_back(assignment_of("SERVICE=POOL", text));
  if (services.size() == 1 && start.to.empty()) {
    start.service = services.front().first;
    start.to = services.front().second;
  } else {
    start.services = std::move(services);
  }
}

void take(const std::string& name, const std::string& text, const RolloutStartVerb::Destination& wanted) {
  auto& start = wanted.value;
  if (!start.to.empty() || !start.services.empty()) wrong(name, "SERVICE=POOL names the pool already");
  start.to = text;
}

void take(const std::string& name, const std::string& text, const AdviseVerb::AnswerTo& wanted) {
  if (!answer(wanted.value, wanted.question, text))
    wrong(name, sluice::quoted(text) + " is no answer, write " + std::string(wanted.question.choices));
}

void take(const std::string& name, const std::string& text, const TokenVerb::Name& wanted) {
  if (text.empty() || text.front() == '#' || text.find_first_of(" \t\r\n") != std::string::npos)
    wrong(name, "a token's name is a word without blanks");
  wanted.value = text;
}

}  // namespace sluice::cli
