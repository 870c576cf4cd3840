// How an answer of the daemon becomes JSON and comes back: the struct names its fields once, in
// fields(self, visit), and an AnswerWriter or a lenient AnswerReader visits them:
//   visit("pools", self.pools)              a field that is always there
//   visit.some("drain", self.drain)         left out when it is not set, or empty
//   visit.or_null("left_ms", self.left)     null when it is not set
//   visit.named("pools", self.pools)        an object of structs by their `name`
//   visit.some_named("others", self.others) likewise, left out when there is none
// What a reader does not find, or finds with another type, keeps the struct's default, and what the struct
// does not name is ignored: daemon and sluicectl may be of different versions. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "control/protocol/fields.hpp"
#include "control/protocol/target.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

// Says how a value is shown where its type does not: as<Fraction>(self.share).
template <class How, class Value>
struct Shown {
  Value& value;
};
template <class How, class Value>
Shown<How, Value> as(Value& value) {
  return {value};
}

// A share as a number from 0 to 1.
struct Fraction {
  static boost::json::value write(Share share) { return static_cast<double>(share) / kWhole; }
  static void read(const boost::json::value& in, Share& share);
};
// A share as "5%".
struct Percentage {
  static boost::json::value write(Share share) { return boost::json::value(format_share(share)); }
  static void read(const boost::json::value& in, Share& share);
};
// A number from 0 to 1, down to the unit of a share.
struct Ratio {
  static boost::json::value write(double ratio);
  static void read(const boost::json::value& in, double& ratio);
};
// Three digits behind the point are plenty for a rate or a latency; without them every reading would be 17
// digits long.
struct Thousandths {
  static boost::json::value write(double number);
  static void read(const boost::json::value& in, double& number);
};
// "30s"; without this a time is a number of its unit.
struct DurationText {
  static boost::json::value write(milliseconds time) { return boost::json::value(format_duration(time)); }
  static void read(const boost::json::value& in, milliseconds& time);
};
// Each share of a list as "5%", by its name.
struct Percentages {
  using Shares = std::vector<std::pair<std::string, Share>>;
  static boost::json::value write(const Shares& shares);
  static void read(const boost::json::value& in, Shares& shares);
};

// "api/green", "healthy".
struct TargetText {
  static boost::json::value write(const Target& target) { return boost::json::value(to_string(target)); }
  static void read(const boost::json::value& in, Target& target);
};
struct ConditionText {
  static boost::json::value write(Condition condition) { return boost::json::value(to_string(condition)); }
  static void read(const boost::json::value& in, Condition& condition);
};

class AnswerWriter;
class AnswerReader;
template <class Answer>
concept IsAnswer = requires(Answer& answer, AnswerWriter& visit) {
  Answer::fields(answer, visit);
};
template <IsAnswer Answer>
boost::json::object answer_json(const Answer& answer);
template <IsAnswer Answer>
void read_answer(const boost::json::value& in, Answer& answer);

namespace detail {

template <class Value>
struct IsOptional : std::false_type {};
template <class Value>
struct IsOptional<std::optional<Value>> : std::true_type {};
template <class Value>
inline constexpr bool kOptional = IsOptional<std::remove_cv_t<Value>>::value;

template <class Value>
struct IsVector : std::false_type {};
template <class Item>
struct IsVector<std::vector<Item>> : std::true_type {};
template <class Value>
inline constexpr bool kVector = IsVector<std::remove_cv_t<Value>>::value;

template <class Value>
boost::json::value answer_value(const Value& value) {
  if constexpr (requires { Value::fields(value, std::declval<AnswerWriter&>()); }) {
    return answer_json(value);
  } else if constexpr (requires { value.count(); }) {
    return value.count();
  } else if constexpr (kVector<Value>) {
    boost::json::array list;
    for (const auto& item : value) list.push_back(answer_value(item));
    return list;
  } else {
    return boost::json::value(value);
  }
}
template <class How, class Value>
boost::json::value answer_value(const Shown<How, Value>& shown) {
  return How::write(shown.value);
}

template <class Value>
void read_value(const boost::json::value& in, Value& value) {
  if constexpr (requires { Value::fields(value, std::declval<AnswerReader&>()); }) {
    read_answer(in, value);
  } else if constexpr (std::same_as<Value, bool>) {
    if (in.is_bool()) value = in.get_bool();
  } else if constexpr (std::same_as<Value, std::string>) {
    if (in.is_string()) value = in.get_string();
  } else if constexpr (std::same_as<Value, boost::json::object>) {
    if (in.is_object()) value = in.get_object();
  } else if constexpr (std::is_arithmetic_v<Value>) {
    boost::json::error_code failed;
    const auto number = in.is_number() ? in.to_number<Value>(failed) : Value{};
    if (in.is_number() && !failed) value = number;
  } else if constexpr (requires { value.count(); }) {
    std::int64_t count = value.count();
    read_value(in, count);
    value = Value(count);
  } else if constexpr (kVector<Value>) {
    if (!in.is_array()) return;
    value.clear();
    for (const auto& item : in.get_array()) read_value(item, value.emplace_back());
  }
}
}  // namespace detail

class AnswerWriter {
 public:
  boost::json::object out;

  template <class Value>
  void operator()(std::string_view name, const Value& value) {
    out[name] = detail::answer_value(value);
  }
  template <class Value>
  void some(std::string_view name, const Value& value) {
    if constexpr (detail::kOptional<Value>) {
      if (value) (*this)(name, *value);
    } else if constexpr (std::same_as<Value, bool>) {
      if (value) (*this)(name, value);
    } else {
      if (!value.empty()) (*this)(name, value);
    }
  }
  template <class How, class Value>
  void some(std::string_view name, const Shown<How, Value>& shown) {
    if (shown.value) (*this)(name, as<How>(*shown.value));
  }
  template <class Value>
  void or_null(std::string_view name, const std::optional<Value>& value) {
    out[name] = nullptr;
    some(name, value);
  }
  template <class How, class Value>
  void or_null(std::string_view name, const Shown<How, Value>& shown) {
    out[name] = nullptr;
    some(name, shown);
  }
  template <class Items>
  void named(std::string_view name, const Items& items) {
    boost::json::object by_name;
    for (const auto& item : items) by_name[item.name] = answer_json(item);
    out[name] = std::move(by_name);
  }
  template <class Items>
  void some_named(std::string_view name, const Items& items) {
    if (!items.empty()) named(name, items);
  }
};

class AnswerReader {
 public:
  explicit AnswerReader(const boost::json::object& in) : in_(in) {}

  template <class Value>
  void operator()(std::string_view name, Value& value) {
    if (const auto* found = find(name)) detail::read_value(*found, value);
  }
  template <class How, class Value>
  void operator()(std::string_view name, const Shown<How, Value>& shown) {
    if (const auto* found = find(name)) How::read(*found, shown.value);
  }
  template <class Value>
  void some(std::string_view name, Value& value) {
    const auto* found = find(name);
    if (!found) return;
    if constexpr (detail::kOptional<Value>)
      detail::read_value(*found, value.emplace());
    else
      detail::read_value(*found, value);
  }
  template <class How, class Value>
  void some(std::string_view name, const Shown<How, Value>& shown) {
    if (const auto* found = find(name)) How::read(*found, shown.value.emplace());
  }
  template <class Value>
  void or_null(std::string_view name, std::optional<Value>& value) {
    some(name, value);
  }
  template <class How, class Value>
  void or_null(std::string_view name, const Shown<How, Value>& shown) {
    some(name, shown);
  }
  template <class Items>
  void named(std::string_view name, Items& items) {
    const auto* found = find(name);
    if (!found || !found->is_object()) return;
    items.clear();
    for (const auto& [key, item] : found->get_object()) {
      if (!item.is_object()) continue;
      auto& one = items.emplace_back();
      one.name = key;
      detail::read_value(item, one);
    }
  }
  template <class Items>
  void some_named(std::string_view name, Items& items) {
    named(name, items);
  }

 private:
  const boost::json::value* find(std::string_view name) const {
    const auto* found = in_.if_contains(name);
    return found && !found->is_null() ? found : nullptr;
  }

  const boost::json::object& in_;
};

template <IsAnswer Answer>
boost::json::object answer_json(const Answer& answer) {
  AnswerWriter writer;
  Answer::fields(answer, writer);
  return std::move(writer.out);
}

template <IsAnswer Answer>
void read_answer(const boost::json::value& in, Answer& answer) {
  if (!in.is_object()) return;
  AnswerReader reader(in.get_object());
  Answer::fields(answer, reader);
}
template <IsAnswer Answer>
Answer answer_from(const boost::json::value& in) {
  Answer answer;
  read_answer(in, answer);
  return answer;
}

}  // namespace sluice::protocol
