// A message as an HTTP request and back, by what it says of itself (describe.hpp). What send() makes,
// receive() takes. Pure.
#pragma once

#include <algorithm>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "control/protocol/describe.hpp"
#include "control/protocol/fields.hpp"
#include "control/protocol/parameters.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/target.hpp"

namespace sluice::protocol {

// The names that a path holds, each under the word that stands in {..}.
using PathNames = StringPairs;

// "{service}" in the pattern is the name under "service", percent-encoded. Nothing when one is missing.
std::optional<std::string> filled(std::string_view pattern, const PathNames& names);

class NameWriter {
 public:
  PathNames out;

  void operator()(std::string_view name, const std::string& value) {
    if (!value.empty()) out.emplace_back(name, value);
  }
  // A list stands in the path when it is one name.
  void only(std::string_view name, const Strings& values) {
    if (values.size() == 1) (*this)(name, values.front());
  }
};

class NameReader {
 public:
  explicit NameReader(const PathNames& in) : in_(in) {}

  void operator()(std::string_view name, std::string& value) const {
    for (const auto& [key, given] : in_)
      if (key == name) value = given;
  }
  void only(std::string_view name, Strings& values) const {
    for (const auto& [key, given] : in_)
      if (key == name) values = {given};
  }

 private:
  const PathNames& in_;
};

template <class Message>
concept HasNames = requires(Message& message, NameWriter& visit) {
  Message::names(message, visit);
};
template <class Message>
concept HasParameters = requires(Message& message, ParameterNames& visit) {
  Message::query(message, visit);
};
// By its fields, or by functions of its own.
template <class Message>
concept HasBody = requires(Message& message, const boost::json::value& body) {
  { read(body, message) } -> std::same_as<std::optional<Problem>>;
  { to_json(message) } -> std::same_as<boost::json::object>;
};
template <class Message>
concept HasCheck = requires(const Message& message) {
  { check(message) } -> std::same_as<std::optional<Problem>>;
};

template <class Message>
PathNames names_of(const Message& message) {
  NameWriter names;
  if constexpr (HasNames<const Message>) Message::names(message, names);
  return std::move(names.out);
}

// All parameters that a route of this message takes: its own, then the route's.
template <class Message>
Strings parameters_of(const Route& route) {
  ParameterNames names;
  if constexpr (HasParameters<Message>) {
    Message message{};
    Message::query(message, names);
  }
  for (std::string_view rest = route.parameters; !rest.empty();) {
    const auto end = std::min(rest.find(' '), rest.size());
    names.out.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::move(names.out);
}

struct Sent {
  std::string method, path;
  Query query;
  std::optional<boost::json::object> body;
};

// Requires: the message has the names of one of its routes.
template <class Message>
Sent send(const Message& message) {
  Sent sent;
  const auto names = names_of(message);
  std::ptrdiff_t most = -1;
  for (const Route& route : Message::kRoutes) {
    auto path = filled(route.path, names);
    const auto count = std::count(route.path.begin(), route.path.end(), '{');
    if (!path || count <= most) continue;
    most = count;
    sent.method = route.method;
    sent.path = std::move(*path);
  }
  if constexpr (HasParameters<const Message>) {
    ParameterWriter query;
    Message::query(message, query);
    sent.query = std::move(query.out);
  }
  if constexpr (HasBody<Message>)
    if (auto body = to_json(message); !body.empty()) sent.body = std::move(body);
  return sent;
}

// `names` of the path, the parameters, the body (null: none).
template <class Message>
boost::system::result<Message, Problem> receive(const PathNames& names, const Query& query,
                                                const boost::json::value& body) {
  Message message{};
  if constexpr (HasNames<Message>) {
    const NameReader visit(names);
    Message::names(message, visit);
  }
  if constexpr (HasBody<Message>)
    if (auto problem = read(body, message)) return *problem;
  if constexpr (HasParameters<Message>) {
    ParameterReader visit(query);
    Message::query(message, visit);
    if (visit.problem) return *visit.problem;
  }
  if constexpr (HasCheck<Message>)
    if (auto problem = check(message)) return *problem;
  return message;
}

// What a change is of, before the colon of what sluicectl says: the names in the path, if the message says
// nothing else.
template <class Message>
std::string subject_of(const Message& message) {
  std::string out;
  if constexpr (requires { message.subject(); })
    out = message.subject();
  else
    for (const auto& [name, value] : names_of(message)) out += (out.empty() ? "" : "/") + value;
  return out;
}

// How long the answer may take beyond that of an ordinary change; nothing: without a limit.
template <class Message>
std::optional<milliseconds> extra_time_of(const Message& message) {
  if constexpr (requires { message.extra_time(); })
    return message.extra_time();
  else
    return milliseconds(0);
}

}  // namespace sluice::protocol
