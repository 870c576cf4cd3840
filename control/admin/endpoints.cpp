// The admin API as a table: which function answers which message. What a message's requests are (method,
// path, parameters, role, fields of the body) stands beside the message, see protocol/describe.hpp.
#include <boost/json/object.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

#include "control/admin/commands.hpp"
#include "control/admin/looks.hpp"
#include "control/admin/routes.hpp"
#include "control/protocol/messages.hpp"
#include "control/protocol/request.hpp"

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

// What a function of Control takes for a message.
template <class Message>
Message argument(Message message) {
  return message;
}
protocol::Target argument(protocol::Ready message) { return std::move(message.target); }
protocol::Target argument(protocol::Maint message) { return std::move(message.target); }
protocol::SetMirror argument(protocol::ClearMirror message) {
  protocol::SetMirror off;
  off.service = std::move(message.service);
  return off;
}

template <class Verb, class Message>
auto begin(Control& control, Verb verb, change::Request request, Message message) {
  if constexpr (std::same_as<Message, protocol::Reload>)
    return (control.*verb)(std::move(request));
  else
    return (control.*verb)(std::move(request), argument(std::move(message)));
}

// A change, or what else is told in the audit log: with who asks for it and why.
template <class Message, auto kVerb>
asio::awaitable<Reply> do_change(Commands& commands, Call call, PathNames names) {
  auto request = request_of(call);
  if (!request) co_return problem_reply(request.error());
  auto message = message_of<Message>(call, names);
  if (!message) co_return problem_reply(message.error());
  if constexpr (requires { message->force; }) request->options.force |= message->force;
  auto work = begin(commands.control(), kVerb, std::move(*request), std::move(*message));
  const auto done = co_await std::move(work);
  if (!done) co_return problem_reply(done.error());
  co_return json_reply(to_json(*done));
}

template <class Message, auto kAnswer>
asio::awaitable<Reply> look(Commands& commands, Call call, PathNames names) {
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
asio::awaitable<Reply> page(Commands& commands, Call, PathNames) {
  co_return kAnswer(commands);
}

Reply list(Commands&) { return text_reply("sluice\n\n" + endpoint_list()); }
Reply alive(Commands&) { return text_reply("ok\n"); }
Reply metrics(Commands& commands) {
  auto reply = text_reply(commands.scrape());
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return reply;
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

template <class Message, auto kVerb>
Rows changes() {
  return rows_of<Message>(false, &do_change<Message, kVerb>);
}
// Answered when the daemon has started.
template <class Message, auto kAnswer>
Rows looks() {
  return rows_of<Message>(false, &look<Message, kAnswer>);
}
// Answered while it starts as well.
template <class Message, auto kAnswer>
Rows looks_at_once() {
  return rows_of<Message>(true, &look<Message, kAnswer>);
}
template <auto kAnswer>
Rows text(const char* path) {
  return {{{"GET", path, Role::none, ""}, {}, true, &page<kAnswer>}};
}

Rows joined(std::initializer_list<Rows> all) {
  Rows out;
  for (const auto& rows : all) out.insert(out.end(), rows.begin(), rows.end());
  return out;
}

Rows table() {
  using namespace protocol;
  return joined({
      text<list>("/"),
      text<alive>("/livez"),
      looks_at_once<GetReady, readyz>(),
      text<metrics>("/metrics"),
      looks_at_once<GetStatus, status>(),
      looks_at_once<History, history>(),
      looks_at_once<Events, events>(),
      looks_at_once<GetConfig, config>(),
      looks<Wait, wait>(),
      looks<Explain, static_cast<Reply (*)(const Control&, const Explain&)>(explain)>(),
      changes<Split, &Control::split>(),
      looks<GetRollout, rollout>(),
      changes<RolloutStart, &Control::rollout_start>(),
      changes<RolloutAct, &Control::rollout_act>(),
      changes<Confirm, &Control::confirm>(),
      changes<Cutover, &Control::cutover>(),
      changes<Rollback, &Control::rollback>(),
      changes<Undo, &Control::undo>(),
      changes<Redo, &Control::redo>(),
      changes<Drain, &Control::drain>(),
      changes<Ready, &Control::ready>(),
      changes<Maint, &Control::maint>(),
      changes<Add, &Control::add>(),
      changes<Weight, &Control::weight>(),
      changes<Remove, &Control::remove>(),
      changes<Pause, &Control::pause>(),
      changes<Resume, &Control::resume>(),
      changes<Stop, &Control::stop>(),
      changes<SetMirror, &Control::mirror>(),
      changes<ClearMirror, &Control::mirror>(),
      changes<MintPreview, &Control::preview>(),
      looks<ListFlags, list_flags>(),
      looks<GetFlag, flag>(),
      changes<SetFlag, &Control::set_flag>(),
      changes<RemoveFlag, &Control::remove_flag>(),
      changes<Reload, &Control::reload>(),
  });
}

}  // namespace

const std::vector<Endpoint>& endpoints() {
  static const Rows kAll = table();
  return kAll;
}

}  // namespace sluice::admin
