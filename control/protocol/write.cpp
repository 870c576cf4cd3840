#include "control/protocol/write.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cmath>
#include <utility>

namespace sluice::protocol {

namespace json = boost::json;

namespace {

void append(std::string& out, const json::value& value);

void append(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char digits[400];  // the longest in fixed form: 1 and 308 zeros
  const auto end = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed).ptr;
  out.append(digits, end);
}

void append(std::string& out, const json::object& object) {
  out += '{';
  for (bool first = true; const auto& [key, value] : object) {
    if (!std::exchange(first, false)) out += ',';
    out += json::serialize(key);
    out += ':';
    append(out, value);
  }
  out += '}';
}

void append(std::string& out, const json::array& array) {
  out += '[';
  for (bool first = true; const auto& value : array) {
    if (!std::exchange(first, false)) out += ',';
    append(out, value);
  }
  out += ']';
}

void append(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      return append(out, value.get_object());
    case json::kind::array:
      return append(out, value.get_array());
    case json::kind::double_:
      return append(out, value.get_double());
    case json::kind::null:
    case json::kind::bool_:
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::string:
      out += json::serialize(value);
  }
}

}  // namespace

std::string write(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace sluice::protocol
