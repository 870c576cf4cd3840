// How a message's parameters become the query of a URL and come back: the message names them once, in
// query(self, visit). A parameter that the message does not name is the router's to refuse.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/protocol/fields.hpp"
#include "control/protocol/problem.hpp"
#include "control/protocol/target.hpp"

namespace sluice::protocol {

// Leaves out what is not set.
class ParameterWriter {
 public:
  Query out;

  void operator()(std::string_view name, const std::string& value);
  void operator()(std::string_view name, bool value);
  void operator()(std::string_view name, std::uint32_t value);
  void operator()(std::string_view name, milliseconds value);
  void operator()(std::string_view name, const Websockets& value);
  void operator()(std::string_view name, Condition value);
  void operator()(std::string_view name, const Target& value);
  void operator()(std::string_view name, const std::optional<milliseconds>& value);
};

// Keeps the first complaint. A parameter that is not there keeps the message's default; a condition and a
// target have none.
class ParameterReader {
 public:
  explicit ParameterReader(const Query& in) : in_(in) {}
  std::optional<Problem> problem;

  void operator()(std::string_view name, std::string& value);
  void operator()(std::string_view name, bool& value);
  void operator()(std::string_view name, std::uint32_t& value);
  void operator()(std::string_view name, milliseconds& value);
  void operator()(std::string_view name, Websockets& value);
  void operator()(std::string_view name, Condition& value);
  void operator()(std::string_view name, Target& value);
  void operator()(std::string_view name, std::optional<milliseconds>& value);

 private:
  // Nothing when the parameter is not there; the last one of that name counts.
  const std::string* find(std::string_view name) const;
  void complain(std::string_view name, std::string_view what);

  const Query& in_;
};

// The parameters' names, in their order.
struct ParameterNames {
  Strings out;
  template <class Value>
  void operator()(std::string_view name, const Value&) {
    out.emplace_back(name);
  }
};

}  // namespace sluice::protocol
