// How a struct's fields become JSON and come back: the struct names its fields once, in `static void
// fields(self, visit)`, and a Writer or a strict Reader visits them. A field that the struct does not name is
// an error that names the field.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/protocol/problem.hpp"

namespace sluice::protocol {

using std::chrono::milliseconds;
using Strings = std::vector<std::string>;
using StringPairs = std::vector<std::pair<std::string, std::string>>;  // an object of strings, in its order

// What happens to upgraded connections (WebSocket) of what drains (D1).
struct Websockets {
  enum class Kind : std::uint8_t { wait, spread, now, paced } kind = Kind::wait;
  milliseconds window{60'000};  // for spread: each is closed at its own moment within it
  std::uint32_t rate = 0;       // for paced: so many a second, fewer while who gets them suffers
  bool operator==(const Websockets&) const = default;
};
// "wait", "spread:60s", "paced:20/s", "now"; nothing when it is none of them.
std::optional<Websockets> parse_websockets(std::string_view text);
std::string to_string(const Websockets& policy);

// What can be waited for.
enum class Condition : std::uint8_t { healthy, drained };
std::optional<Condition> parse_condition(std::string_view text);
std::string to_string(Condition condition);

// Leaves out what is not set.
class Writer {
 public:
  boost::json::object out;

  void operator()(std::string_view name, const std::string& value);
  void operator()(std::string_view name, bool value);
  void operator()(std::string_view name, std::uint32_t value);
  void operator()(std::string_view name, std::uint64_t value);
  void operator()(std::string_view name, const Websockets& value);
  void operator()(std::string_view name, const Strings& value);
  void operator()(std::string_view name, const StringPairs& value);
  void operator()(std::string_view name, milliseconds value);
  template <class T>
  void operator()(std::string_view name, const std::optional<T>& value) {
    if (value) (*this)(name, *value);
  }
};

// Keeps the first complaint. A field that is not there keeps the struct's default.
class Reader {
 public:
  explicit Reader(const boost::json::object& in) : in_(in) {}

  void operator()(std::string_view name, std::string& value);
  void operator()(std::string_view name, bool& value);
  void operator()(std::string_view name, std::uint32_t& value);
  void operator()(std::string_view name, std::uint64_t& value);
  void operator()(std::string_view name, Websockets& value);
  void operator()(std::string_view name, Strings& value);
  void operator()(std::string_view name, StringPairs& value);
  void operator()(std::string_view name, milliseconds& value);
  template <class T>
  void operator()(std::string_view name, std::optional<T>& value) {
    if (!in_.contains(name)) return known(name);
    T read{};
    (*this)(name, read);
    value = std::move(read);
  }

  // The first complaint, after a look at what no field asked for.
  std::optional<Problem> finish();

 private:
  void known(std::string_view name) { known_.emplace_back(name); }
  const boost::json::value* find(std::string_view name);
  void complain(std::string_view name, std::string_view accepted);

  const boost::json::object& in_;
  Strings known_;
  std::optional<Problem> problem_;
};

template <class Message>
concept HasFields = requires(Message& message, Writer& writer) {
  Message::fields(message, writer);
};

template <HasFields Message>
boost::json::object to_json(const Message& message) {
  Writer writer;
  Message::fields(message, writer);
  return std::move(writer.out);
}

// Sets the fields that `body` holds; the others stay as they are. An empty body (null) is an empty object.
template <HasFields Message>
std::optional<Problem> read_fields(const boost::json::value& body, Message& message) {
  static const boost::json::object kEmpty;
  if (!body.is_null() && !body.is_object()) return malformed("the body must be a JSON object");
  Reader reader(body.is_null() ? kEmpty : body.get_object());
  Message::fields(message, reader);
  return reader.finish();
}

// A message whose fields are not all there is to read has a function of this name of its own.
template <HasFields Message>
std::optional<Problem> read(const boost::json::value& body, Message& message) {
  return read_fields(body, message);
}

}  // namespace sluice::protocol
