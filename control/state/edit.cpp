#include "control/state/edit.hpp"

#include <boost/json/array.hpp>

#include "control/state/diff.hpp"
#include "control/state/read_json.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;

Actor read_actor(const json::value& value) {
  Actor actor;
  actor.uid = number_field<std::uint32_t>(value, "uid").value_or(0);
  actor.pid = number_field<std::int32_t>(value, "pid").value_or(0);
  actor.name = text_field(value, "name").value_or("");
  return actor;
}

bool read_gone(const json::value& value, Edit& edit) {
  const auto* gone = array_field(value, "gone");
  if (!gone) return true;
  for (const auto& name : *gone) {
    if (!name.is_string()) return false;
    edit.gone.emplace_back(name.get_string());
  }
  return true;
}

bool read_services(const json::value& value, Edit& edit, std::vector<SetAside>& set_aside) {
  const auto* list = field(value, "services");
  if (!list) return false;
  const std::size_t known = set_aside.size();
  auto services = services_from_json(*list, set_aside);
  if (!services) return false;
  edit.services = std::move(*services);
  for (std::size_t i = known; i < set_aside.size(); ++i) edit.gone.push_back(set_aside[i].service);
  return true;
}

}  // namespace

Edit edit_between(const State& before, const State& after, std::string verb) {
  Edit edit;
  edit.generation = after.generation;
  edit.verb = std::move(verb);
  Texts texts = texts_between(before, after);
  edit.before = std::move(texts.before);
  edit.after = std::move(texts.after);
  for (const auto& service : after.services) {
    const ServiceState* was = before.service(service.name);
    if (!was || !(*was == service)) edit.services.push_back(service);
  }
  for (const auto& service : before.services)
    if (!after.service(service.name)) edit.gone.push_back(service.name);
  return edit;
}

void apply_edit(State& state, const Edit& edit) {
  for (const auto& service : edit.services) state.put(service);
  for (const auto& name : edit.gone) state.erase(name);
  state.generation = edit.generation;
}

json::object to_json(const Actor& actor) {
  return {{"uid", actor.uid}, {"pid", actor.pid}, {"name", actor.name}};
}

json::object to_json(const Edit& edit) {
  json::array services;
  for (const auto& service : edit.services) services.push_back(to_json(service));
  json::object out{{"generation", edit.generation},
                   {"time", edit.time},
                   {"actor", to_json(edit.actor)},
                   {"verb", edit.verb},
                   {"reason", edit.reason},
                   {"before", edit.before},
                   {"after", edit.after},
                   {"result", edit.result},
                   {"services", std::move(services)}};
  if (!edit.gone.empty()) out["gone"] = json::array(edit.gone.begin(), edit.gone.end());
  return out;
}

Decoded<Edit> edit_from_json(const json::value& value, std::vector<SetAside>& set_aside) {
  Edit edit;
  const auto generation = number_field<std::uint64_t>(value, "generation");
  const auto time = number_field<std::int64_t>(value, "time");
  const auto* actor = field(value, "actor");
  if (!generation || !time || !actor) return Fault{"it has no generation, time or actor"};
  edit.generation = *generation;
  edit.time = *time;
  edit.actor = read_actor(*actor);
  edit.verb = text_field(value, "verb").value_or("");
  edit.reason = text_field(value, "reason").value_or("");
  edit.before = text_field(value, "before").value_or("");
  edit.after = text_field(value, "after").value_or("");
  edit.result = text_field(value, "result").value_or("");
  if (!read_gone(value, edit) || !read_services(value, edit, set_aside))
    return Fault{"its services are not readable"};
  return edit;
}

}  // namespace sluice::state
