#include "control/notify/message.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "control/state/text.hpp"
#include "proxy/base/values.hpp"

namespace sluice::notify {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostNamed = 8;       // in a sentence
constexpr std::size_t kLongestText = 2000;  // bytes; a gate's query may say more than anybody reads
constexpr char kEvents[] = "sluicectl events";

std::string cut(std::string text) {
  if (text.size() <= kLongestText) return text;
  std::size_t end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + " ...";
}

// What events say of themselves may be as long as what a server said.
json::object cut(json::object detail) {
  for (auto& field : detail)
    if (field.value().is_string()) field.value() = cut(std::string(field.value().get_string()));
  return detail;
}

// "10 backend down, 2 gate failed".
std::string listed(const Counts& counts) {
  std::string text;
  for (const auto& [word, kind] : config::kNoticeKinds)
    if (const auto n = counts[static_cast<std::size_t>(kind)])
      text += (text.empty() ? "" : ", ") + std::to_string(n) + " " + phrase_of(kind);
  return text;
}

// "are down", of several.
std::string what_they_are(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::backend_down:
      return "backends are down";
    case NoticeKind::backend_up:
      return "backends are up again";
    case NoticeKind::drain_forced:
      return "drains had to close what was left";
    case NoticeKind::retain_over:
      return "pools are no longer retained";
    case NoticeKind::certificate_ending:
      return "certificates are ending";
    case NoticeKind::rollback_lost:
      return "services cannot go back";
    case NoticeKind::rollback_ready:
      return "services can go back again";
    case NoticeKind::rolled_back:
    case NoticeKind::gate_failed:
    case NoticeKind::rollout_done:
      break;
  }
  return phrase_of(kind);
}

std::string group_sentence(const Message& message) {
  std::string text = std::to_string(message.count()) + " " + what_they_are(message.notices.front().kind);
  const std::size_t named = std::min(message.notices.size(), kMostNamed);
  for (std::size_t i = 0; i < named; ++i) text += (i == 0 ? ": " : ", ") + message.notices[i].subject;
  if (message.count() > named) text += " and " + std::to_string(message.count() - named) + " more";
  return text;
}

// What all notices of the message have there; empty when they differ.
std::string shared(const Message& message, std::string Notice::*field) {
  const auto& all = message.notices;
  if (all.empty()) return {};
  const bool same = std::all_of(all.begin(), all.end(),
                                [&](const Notice& one) { return one.*field == all.front().*field; });
  return same ? cut(all.front().*field) : std::string();
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

std::vector<std::string> services_of(const Message& message) {
  std::vector<std::string> all;
  for (const auto& notice : message.notices)
    for (const auto& service : notice.services)
      if (std::find(all.begin(), all.end(), service) == all.end()) all.push_back(service);
  return all;
}

json::object json_of(const Notice& notice) {
  return {{"event", word_of(notice.kind)},
          {"at", time_text(notice.time)},
          {"service", notice.services.size() == 1 ? notice.services.front() : ""},
          {"services", array_of(notice.services)},
          {"pool", notice.pool},
          {"backend", notice.backend},
          {"generation", notice.generation},
          {"actor", cut(notice.actor)},
          {"reason", cut(notice.reason)},
          {"undo", notice.undo},
          {"next", notice.next},
          {"text", cut(notice.text)},
          {"detail", cut(notice.detail)}};
}

std::string next_of(const Message& message) {
  const std::string next = shared(message, &Notice::next);
  return next.empty() ? kEvents : next;
}

std::uint64_t generation_of(const Message& message) {
  return message.notices.empty() ? 0 : message.notices.back().generation;
}

json::object json_of(const Message& message, const std::string& host) {
  const auto services = services_of(message);
  json::object all{{"event", event_of(message)},
                   {"at", time_text(message.time)},
                   {"host", host},
                   {"count", message.count()},
                   {"service", services.size() == 1 ? services.front() : ""},
                   {"services", array_of(services)},
                   {"pool", shared(message, &Notice::pool)},
                   {"backend", shared(message, &Notice::backend)},
                   {"generation", generation_of(message)},
                   {"actor", shared(message, &Notice::actor)},
                   {"reason", shared(message, &Notice::reason)},
                   {"undo", shared(message, &Notice::undo)},
                   {"next", next_of(message)},
                   {"text", cut(sentence_of(message))}};
  if (message.kind == Message::Kind::more) {
    json::object counts;
    for (const auto& [word, kind] : config::kNoticeKinds)
      if (const auto n = message.counts[static_cast<std::size_t>(kind)]) counts[word] = n;
    all["counts"] = std::move(counts);
  }
  if (message.notices.size() == 1) all["detail"] = cut(message.notices.front().detail);
  if (message.notices.size() > 1) {
    json::array list;
    for (const auto& notice : message.notices) list.push_back(json_of(notice));
    all["notices"] = std::move(list);
  }
  return all;
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return text;
}

std::string headline_of(const Message& message) {
  switch (message.kind) {
    case Message::Kind::notices:
      return phrase_of(message.notices.front().kind);
    case Message::Kind::more:
      return "more notices";
    case Message::Kind::test:
      break;
  }
  return "test";
}

// "*backend down* (edge-1): api/blue/web-1 is down: ... Next: `sluicectl status api`"
std::string slack_line(const Message& message, const std::string& host) {
  std::string line = "*" + headline_of(message) + "* (" + slack_escaped(host) +
                     "): " + slack_escaped(one_line(cut(sentence_of(message)))) + ".";
  if (const auto undo = shared(message, &Notice::undo); !undo.empty())
    line += " Undo: `" + slack_escaped(undo) + "`.";
  return line + " Next: `" + slack_escaped(next_of(message)) + "`";
}

}  // namespace

void Message::add(Notice notice) {
  ++counts[static_cast<std::size_t>(notice.kind)];
  if (notices.size() < kMostListed) notices.push_back(std::move(notice));
}

Message message_of(Notice notice) {
  Message message;
  message.time = notice.time;
  message.add(std::move(notice));
  return message;
}

std::string_view event_of(const Message& message) {
  switch (message.kind) {
    case Message::Kind::notices:
      return word_of(message.notices.front().kind);
    case Message::Kind::more:
      return "more";
    case Message::Kind::test:
      break;
  }
  return "test";
}

std::string sentence_of(const Message& message) {
  switch (message.kind) {
    case Message::Kind::notices:
      return message.count() == 1 ? message.notices.front().text : group_sentence(message);
    case Message::Kind::more:
      return std::to_string(message.count()) + " more: " + listed(message.counts);
    case Message::Kind::test:
      break;
  }
  return "this is a test of notices, nothing has happened";
}

// What is no UTF-8 stands within its strings, so the whole may be cleaned at once.
std::string body_of(const Message& message, config::NoticeFormat format, const std::string& host) {
  const json::object body = format == config::NoticeFormat::slack
                                ? json::object{{"text", slack_line(message, host)}}
                                : json_of(message, host);
  return state::printable(json::serialize(body));
}

std::string slack_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

}  // namespace sluice::notify
