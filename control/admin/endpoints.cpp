// The admin API as a table: which function answers which message. What a message's requests are (method,
// path, parameters, role, fields of the body) stands beside the message, see protocol/describe.hpp.
#include <boost/json/object.hpp>
#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include "control/admin/access.hpp"
#include "control/admin/commands.hpp"
#include "control/admin/page.hpp"
#include "control/admin/reads.hpp"
#include "control/admin/routes.hpp"
#include "control/change/messages.hpp"
#include "control/protocol/messages.hpp"
#include "control/protocol/request.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::admin {

namespace asio = boost::asio;
namespace json = boost::json;
using change::Control;
using protocol::PathNames;

namespace {

// --- From a call to a message

template <class Message>
Result<Message> message_of(const Call& call, const PathNames& names) {
  json::value body;
  if constexpr (protocol::HasBody<Message>) {
    auto parsed = body_of(call);
    if (!parsed) return parsed.error();
    body = std::move(*parsed);
  }
  return protocol::receive<Message>(names, call.query, body);
}

template <>
Result<protocol::Events> message_of(const Call& call, const PathNames& names) {
  auto message = protocol::receive<protocol::Events>(names, call.query, nullptr);
  if (!message) return message;
  const auto after = last_event_of(call);
  if (!after) return after.error();
  message->after = *after;
  return message;
}

// --- What is done with it

template <class Message>
auto begin(Control& control, change::Invocation invocation, Message message) {
  if constexpr (std::same_as<Message, protocol::MintPreview>)
    return control.preview(std::move(invocation), std::move(message));
  else if constexpr (std::same_as<Message, protocol::NotifyTest>)
    return control.notify_test(std::move(invocation), std::move(message));
  else
    return control.change(std::move(invocation), std::move(message));
}

// A change, or what else is told in the audit log: with who asks for it and why.
template <class Message>
asio::awaitable<Reply> do_change(Commands& commands, Call call, PathNames names) {
  auto invocation = invocation_of(call);
  if (!invocation) co_return problem_reply(invocation.error());
  auto message = message_of<Message>(call, names);
  if (!message) co_return problem_reply(message.error());
  if constexpr (requires { message->force; }) invocation->options.force |= message->force;
  auto work = begin(commands.control(), std::move(*invocation), std::move(*message));
  const auto done = co_await std::move(work);
  if (!done) co_return problem_reply(done.error());
  co_return json_reply(to_json(*done));
}

template <class Message, auto kAnswer>
asio::awaitable<Reply> do_read(Commands& commands, Call call, PathNames names) {
  auto message = message_of<Message>(call, names);
  if (!message) co_return problem_reply(message.error());
  if constexpr (std::is_same_v<decltype(kAnswer(commands.control(), std::move(*message))), Reply>) {
    co_return kAnswer(commands.control(), *message);
  } else {
    auto work = kAnswer(commands.control(), std::move(*message));
    co_return co_await std::move(work);
  }
}

template <auto kAnswer>
asio::awaitable<Reply> always(Commands&, Call, PathNames) {
  co_return kAnswer();
}

Reply list() { return text_reply("sluice\n\n" + endpoint_list()); }
Reply alive() { return text_reply("ok\n"); }

// Who asks, and what he may do.
asio::awaitable<Reply> whoami(Commands&, Call call, PathNames) {
  co_return json_reply(json::object{{"name", to_string(call.actor)}, {"role", word_of(call.actor.role)}});
}

asio::awaitable<Reply> metrics(Commands& commands, Call, PathNames) {
  auto pieces = co_await commands.scrape();
  auto reply = text_reply(std::string(pieces->next()));
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  if (pieces->more()) reply.more = std::move(pieces);
  co_return reply;
}

// --- Rows

using Rows = std::vector<Endpoint>;

template <class Message>
Rows rows_of(bool while_starting, decltype(Endpoint::answer) answer) {
  Rows rows;
  for (const protocol::Route& route : Message::kRoutes)
    rows.push_back({route, protocol::parameters_of<Message>(route), while_starting, answer});
  return rows;
}

template <class Message>
Rows changes() {
  return rows_of<Message>(false, &do_change<Message>);
}
// Answered when the daemon has started.
template <class Message, auto kAnswer>
Rows reads() {
  return rows_of<Message>(false, &do_read<Message, kAnswer>);
}
// Answered while it starts as well.
template <class Message, auto kAnswer>
Rows reads_at_once() {
  return rows_of<Message>(true, &do_read<Message, kAnswer>);
}
template <auto kAnswer>
Rows text(const char* path, Role needs = Role::none) {
  return {{{"GET", path, needs, ""}, {}, true, kAnswer}};
}

Rows joined(std::initializer_list<Rows> all) {
  Rows out;
  for (const auto& rows : all) out.insert(out.end(), rows.begin(), rows.end());
  return out;
}

// Every change that Control takes and that a request can ask for, in the order of change::Message.
template <class... Messages>
Rows changes_of(std::type_identity<std::variant<Messages...>>) {
  Rows out;
  const auto add = [&out]<class Message>(std::type_identity<Message>) {
    if constexpr (requires { Message::kRoutes; }) {
      const Rows rows = changes<Message>();
      out.insert(out.end(), rows.begin(), rows.end());
    }
  };
  (add(std::type_identity<Messages>{}), ...);
  return out;
}

Rows table() {
  using namespace protocol;
  return joined({
      text<always<page_html>>("/"),
      text<always<page_css>>("/page.css"),
      text<always<page_js>>("/page.js"),
      text<always<list>>("/v1/endpoints"),
      text<always<alive>>("/livez"),
      reads_at_once<GetReady, readyz>(),
      text<metrics>("/metrics"),
      reads_at_once<GetStatus, status>(),
      reads_at_once<History, history>(),
      reads_at_once<GetSamples, samples>(),
      reads_at_once<VerifyAudit, verify_audit>(),
      reads_at_once<Events, events>(),
      text<whoami>("/v1/whoami", Role::viewer),
      reads_at_once<GetConfig, config>(),
      reads<Wait, wait>(),
      reads<Explain, static_cast<Reply (*)(const Control&, const Explain&)>(explain)>(),
      reads<GetRollout, rollout>(),
      reads<GetReport, report>(),
      reads<ListFlags, list_flags>(),
      reads<GetFlag, flag>(),
      changes_of(std::type_identity<change::Message>{}),
      changes<MintPreview>(),
      changes<NotifyTest>(),
  });
}

}  // namespace

const std::vector<Endpoint>& endpoints() {
  static const Rows kAll = table();
  return kAll;
}

}  // namespace sluice::admin
