// The admin API's requests. The input's first byte chooses the message; what follows is its body.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <string>

#include "control/protocol/messages.hpp"
#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

namespace json = boost::json;
using namespace protocol;

// Boost.JSON reads a number of many digits to within its last bits, so that it may change when it is written
// and read again (found by this target).
bool alike(const json::value& a, const json::value& b) {
  if (a.is_double() && b.is_double()) {
    const double x = a.get_double(), y = b.get_double();
    return x == y || std::abs(x - y) <= 1e-14 * std::max(std::abs(x), std::abs(y));
  }
  if (a.kind() != b.kind()) return false;
  if (const auto* list = a.if_array()) {
    const auto& other = b.get_array();
    return std::equal(list->begin(), list->end(), other.begin(), other.end(), alike);
  }
  if (const auto* object = a.if_object()) {
    const auto& other = b.get_object();
    return object->size() == other.size() &&
           std::all_of(object->begin(), object->end(), [&](const auto& item) {
             const auto* value = other.if_contains(item.key());
             return value && alike(item.value(), *value);
           });
  }
  return a == b;
}

// 1e400 is read as infinity, which no JSON can say (found by this target).
bool finite(const json::value& value) {
  if (const auto* number = value.if_double()) return std::isfinite(*number);
  if (const auto* list = value.if_array()) return std::all_of(list->begin(), list->end(), finite);
  const auto* object = value.if_object();
  return !object ||
         std::all_of(object->begin(), object->end(), [](const auto& item) { return finite(item.value()); });
}

// What was understood, written and read again, is understood the same.
template <class Message>
void round(const json::value& body) {
  Message message, again;
  if (const auto problem = read(body, message)) {
    require(!problem->detail.empty(), "a refusal says what is wrong");
    to_json(*problem);
    return;
  }
  const json::value said = to_json(message);
  require(!read(json::parse(json::serialize(said)), again), "a message that we write is one that we take");
  require(alike(to_json(again), said), "and says the same");
}

constexpr void (*kRounds[])(const json::value&) = {
    round<Split>,      round<Cutover>,     round<Rollback>, round<Confirm>, round<RolloutStart>,
    round<RolloutAct>, round<Undo>,        round<Drain>,    round<Weight>,  round<Add>,
    round<Explain>,    round<Pause>,       round<Resume>,   round<Stop>,    round<SetFlag>,
    round<SetMirror>,  round<MintPreview>, round<Ready>,    round<Changed>,
};

void check_url(std::string_view text) {
  if (const auto target = parse_target(text)) require(to_string(*target) == text, "a target is its text");
  if (const auto plain = percent_decode(text))
    require(percent_decode(percent_encode(*plain)) == plain, "percent-encoding comes back");
  if (const auto query = parse_query(text)) {
    const std::string again = query_text(*query);
    require(parse_query(again.empty() ? again : again.substr(1)) == query, "a query comes back");
  }
}

}  // namespace

void admin_json(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto which = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  check_url(bytes);
  json::error_code failed;
  const json::value body = json::parse(bytes, failed);
  if (failed || !finite(body)) return;
  kRounds[which % std::size(kRounds)](body);
  problem_from(body, 500);
}

}  // namespace sluice::fuzz
