#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "control/report/document.hpp"
#include "control/rollout/status.hpp"
#include "proxy/base/values.hpp"

namespace sluice::report {
namespace {

namespace json = boost::json;

// Of Unix milliseconds; null for none.
void say_time(json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  const std::int64_t time = found && found->is_int64() ? found->get_int64() : 0;
  object[name] = time > 0 ? json::value(time_text(time)) : json::value();
}

template <class Items>
json::array with_times(const Items& items, std::initializer_list<std::string_view> times) {
  json::array out;
  for (const auto& item : items) {
    json::object object = protocol::answer_json(item);
    for (const auto time : times) say_time(object, time);
    out.push_back(std::move(object));
  }
  return out;
}

}  // namespace

std::string json_of(const Story& story, const state::Rollout& rollout, const Summary& summary) {
  const auto status = protocol::answer_json(rollout::status_of(story.service, rollout));
  const Change* begin = begin_of(story);
  json::object out{{"service", story.service},
                   {"rollout", story.id},
                   {"summary", protocol::answer_json(summary)},
                   {"reason", begin ? begin->reason : ""},
                   {"keys", story.keys}};
  for (const auto name : {"state", "from", "to", "group", "plan", "plan_steps", "started", "started_by",
                          "ended", "retained_until", "why", "log"})
    out[name] = status.at(name);
  out["steps"] = with_times(story.steps, {"began", "ended"});
  out["shares"] = protocol::answer_json(story.shares);
  json::array gates;
  for (const auto& series : story.gates) gates.push_back(protocol::answer_json(series));
  out["gates"] = std::move(gates);
  out["changes"] = with_times(story.changes, {"time"});
  out["changes_left_out"] = story.left_out;
  return json::serialize(out) + "\n";
}

std::string json_of(const Span& span) {
  json::array rollouts;
  for (std::size_t i = 0; i < span.rollouts.size(); ++i) {
    json::object one = protocol::answer_json(span.rollouts[i]);
    one["rollout"] = span.ids[i];
    rollouts.push_back(std::move(one));
  }
  return json::serialize(json::object{{"service", span.service},
                                      {"since", time_text(span.from)},
                                      {"until", time_text(span.to)},
                                      {"rollouts", std::move(rollouts)},
                                      {"changes", with_times(span.changes, {"time"})}}) +
         "\n";
}

}  // namespace sluice::report
