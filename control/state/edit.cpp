#include "control/state/edit.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "control/state/diff.hpp"
#include "control/state/differences.hpp"
#include "control/state/read_json.hpp"

namespace sluice::state {
namespace {

namespace json = boost::json;

json::object to_json(const Actor& actor) {
  return {{"uid", actor.uid}, {"pid", actor.pid}, {"name", actor.name}};
}

Actor read_actor(const json::value& value) {
  Actor actor;
  actor.uid = number_field<std::uint32_t>(value, "uid").value_or(0);
  actor.pid = number_field<std::int32_t>(value, "pid").value_or(0);
  actor.name = text_field(value, "name").value_or("");
  return actor;
}

bool read_gone(const json::value& value, PastEdit& edit) {
  const auto* gone = array_field(value, "gone");
  if (!gone) return true;
  for (const auto& name : *gone) {
    if (!name.is_string()) return false;
    edit.gone.emplace_back(name.get_string());
  }
  return true;
}

bool read_services(const json::value& value, PastEdit& edit) {
  const auto* list = array_field(value, "services");
  if (!list) return false;
  for (const auto& entry : *list) {
    const auto name = text_field(entry, "name");
    if (!name) return false;
    edit.services.push_back({*name, json::serialize(entry)});
  }
  return true;
}

std::vector<std::uint64_t> read_generations(const json::value& value, std::string_view name) {
  std::vector<std::uint64_t> generations;
  if (const auto* list = array_field(value, name))
    for (const auto& entry : *list)
      if (const auto generation = number_in<std::uint64_t>(entry)) generations.push_back(*generation);
  return generations;
}

// What `edits` say last of each service; null: gone.
std::map<std::string_view, const RecordedService*> latest_of(std::span<const PastEdit> edits) {
  std::map<std::string_view, const RecordedService*> latest;
  for (const auto& edit : edits) {
    for (const auto& service : edit.services) latest[service.name] = &service;
    for (const auto& name : edit.gone) latest[name] = nullptr;
  }
  return latest;
}

}  // namespace

Edit edit_between(const State& before, const State& after, std::string verb) {
  Edit edit;
  edit.generation = after.generation;
  edit.verb = std::move(verb);
  Texts texts = texts_between(before, after);
  edit.before = std::move(texts.before);
  edit.after = std::move(texts.after);
  each_difference(before, after, [&](const ServiceState* was, const ServiceState* is) {
    if (!is)
      edit.gone.push_back(was->name);
    else if (!was || !(*was == *is))
      edit.services.push_back(*is);
  });
  return edit;
}

void apply_edit(State& state, const Edit& edit) {
  for (const auto& service : edit.services) state.put(service);
  for (const auto& name : edit.gone) state.erase(name);
  state.generation = edit.generation;
}

PastEdit recorded(const Edit& edit) {
  PastEdit past{edit, {}, edit.gone};
  for (const auto& service : edit.services)
    past.services.push_back({service.name, json::serialize(to_json(service))});
  return past;
}

State state_after(const State& base, std::span<const PastEdit> edits, std::vector<Unrestored>& unrestored) {
  State state = base;
  for (const auto& [name, service] : latest_of(edits)) {
    std::erase_if(unrestored, [&name = name](const Unrestored& other) { return other.service == name; });
    state.erase(name);
    if (!service) continue;
    auto restored = service_from_json(parse_json(service->json));
    if (restored)
      state.put(std::move(*restored));
    else
      unrestored.push_back({service->name, restored.error().why});
  }
  if (!edits.empty()) state.generation = edits.back().generation;
  return state;
}

// The services are JSON already: they go in as they are.
std::string to_text(const PastEdit& edit) {
  json::object head{{"generation", edit.generation}, {"time", edit.time},
                    {"actor", to_json(edit.actor)},  {"verb", edit.verb},
                    {"reason", edit.reason},         {"before", edit.before},
                    {"after", edit.after},           {"result", edit.result}};
  if (!edit.gone.empty()) head["gone"] = json::array(edit.gone.begin(), edit.gone.end());
  if (edit.step > 0) head["step"] = edit.step;
  if (!edit.undone.empty()) head["undone"] = json::array(edit.undone.begin(), edit.undone.end());
  if (!edit.redone.empty()) head["redone"] = json::array(edit.redone.begin(), edit.redone.end());
  std::string text = json::serialize(head);
  text.back() = ',';
  text += "\"services\":[";
  for (const auto& service : edit.services) text.append(service.json).push_back(',');
  if (text.back() == ',') text.pop_back();
  return text += "]}";
}

Decoded<PastEdit> past_edit_from_json(const json::value& value) {
  PastEdit edit;
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
  edit.step = number_field<std::uint64_t>(value, "step").value_or(0);
  edit.undone = read_generations(value, "undone");
  edit.redone = read_generations(value, "redone");
  if (!read_gone(value, edit) || !read_services(value, edit)) return Fault{"its services are not readable"};
  return edit;
}

}  // namespace sluice::state
