#include "proxy/config/load.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "proxy/base/suggest.hpp"
#include "proxy/config/complete.hpp"
#include "proxy/config/gate_files.hpp"
#include "proxy/config/parse.hpp"
#include "proxy/config/readers.hpp"
#include "proxy/config/validate.hpp"

namespace sluice::config {
namespace {

constexpr std::size_t kLargestFile = 16 << 20;  // a thousand services are about one megabyte

// ---- the document ----

void read_workers(const Value& value, std::uint32_t& workers) {
  constexpr std::uint32_t kMost = 256;
  std::string text;
  if (!value.text(text)) return;
  if (text == "auto") {
    workers = 0;
  } else if (text.find_first_not_of("0123456789") == std::string::npos) {
    value.whole(workers, 1, kMost);
  } else {
    const std::vector<std::string> words = {"auto"};
    value.complain("'workers' must be auto or a number from 1 to 256, not " + quoted(text),
                   suggest(text, words));
  }
}

// Name servers are addresses: who would look their names up?
void read_server(const Value& value, std::vector<std::string>& servers) {
  Address address;
  if (!value.address(address)) return;
  const bool numeric = address.host.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos &&
                       address.host.find_first_of(".:") != std::string::npos;
  if (!numeric) return value.complain("a name server is given by its address, such as 127.0.0.1:53");
  servers.push_back(address.text);
}

void read_resolve(const Value& value, ResolveSpec& resolve) {
  std::optional<Value> max;
  value.keys({
      {"min", [&](const Value& v) { v.duration(resolve.min, 100ms); }},
      {"max", [&](const Value& v) { max = v, v.duration(resolve.max, 100ms); }},
      {"servers",
       [&](const Value& v) {
         v.each("a name server", [&](const Value& server) { read_server(server, resolve.servers); });
       }},
  });
  if (resolve.max < resolve.min)
    (max ? *max : value)
        .complain("'max' of 'resolve' is shorter than its 'min', " + format_duration(resolve.min));
}

// A map of named things, each read into the list it gets a place in.
template <class Thing>
void read_named(const Value& value, const std::string& kind, std::vector<Thing>& things,
                void (*read)(const Value&, Thing&)) {
  value.pairs(kind, [&](const std::string& name, const Value& v) {
    if (const Wrong wrong = name_error(name))
      v.complaints().add(v.key_place(), wrong->what, wrong->suggestion);
    Thing& thing = things.emplace_back();
    thing.name = name;
    read(v, thing);
  });
}

template <class Thing>
void read_list(const Value& value, const std::string& kind, std::vector<Thing>& things,
               void (*read)(const Value&, Thing&)) {
  value.each(kind, [&](const Value& v) { read(v, things.emplace_back()); });
}

void read_document(const Value& document, Spec& spec) {
  bool debug_headers = false;
  document.keys(
      {
          {"listeners", [&](const Value& v) { read_list(v, "a listener", spec.listeners, read_listener); }},
          {"admin", [&](const Value& v) { read_admin(v, spec.admin); }},
          {"state_dir", [&](const Value& v) { v.text(spec.state_dir); }},
          {"workers", [&](const Value& v) { read_workers(v, spec.workers); }},
          {"access_log", [&](const Value& v) { read_access_log(v, spec.access_log); }},
          {"resolve", [&](const Value& v) { read_resolve(v, spec.resolve); }},
          {"lame_duck", [&](const Value& v) { v.duration(spec.lame_duck, 0ms); }},
          {"shutdown_timeout", [&](const Value& v) { v.duration(spec.shutdown_timeout, 0ms); }},
          {"debug_headers", [&](const Value& v) { v.flag(debug_headers); }},
          {"services", [&](const Value& v) { read_named(v, "service", spec.services, read_service); }},
          {"routes", [&](const Value& v) { read_list(v, "a route", spec.routes, read_route); }},
          {"plans", [&](const Value& v) { read_named(v, "plan", spec.plans, read_plan); }},
      },
      &spec.places);
  for (auto& service : spec.services)
    if (!service.places.keys.contains("debug_headers")) service.debug_headers = debug_headers;
}

// Said after all else: they concern no line of the file, and a misspelt key explains them.
void complain_about_missing_sections(const Spec& spec, std::vector<Complaint>& complaints) {
  const auto say = [&](const char* key, const char* why) {
    if (!spec.places.unread.contains(key)) complaints.push_back({spec.file, 1, 1, why, ""});
  };
  if (spec.listeners.empty()) say("listeners", "the file names no listener, 'listeners' needs at least one");
  if (spec.services.empty()) say("services", "the file names no service, 'services' needs at least one");
}

std::vector<Complaint> load_into(Spec& spec, std::string_view yaml) {
  Complaints out(spec.file);
  const auto document = parse_yaml(yaml, out);
  if (!document) return std::move(out).sorted();
  if (!document->IsMap()) {
    out.add({1, 1}, std::string("the file must be a map of keys such as 'listeners' and 'services', not ") +
                        (document->IsSequence() ? "a list" : "a single text"));
    return std::move(out).sorted();
  }
  read_document(Value(out, *document, "the file", {1, 1}), spec);
  out.add(validate(spec));
  for (const auto& plan : spec.plans) out.add(check_gate_files(plan, spec.file));
  auto complaints = std::move(out).sorted();
  complain_about_missing_sections(spec, complaints);
  return complaints;
}

// ---- the file ----

Loaded refused(const std::string& file, std::string what) {
  return {std::nullopt, {{file, 1, 1, std::move(what), ""}}};
}

// errno, 0 when all of it is in `into`; EFBIG when there is more than a configuration can be.
int read_all(const std::string& path, std::string& into) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  std::array<char, 65536> piece;
  ssize_t n = 0;
  while (into.size() <= kLargestFile && (n = ::read(fd, piece.data(), piece.size())) > 0)
    into.append(piece.data(), static_cast<std::size_t>(n));
  const int failure = n < 0 ? errno : into.size() > kLargestFile ? EFBIG : 0;
  ::close(fd);
  return failure;
}

}  // namespace

Loaded load_text(std::string_view yaml, const std::string& file_name) {
  Spec spec;
  spec.file = file_name;
  try {
    Loaded loaded{std::nullopt, load_into(spec, yaml)};
    if (!loaded.complaints.empty()) return loaded;
    complete(spec);
    loaded.spec = std::move(spec);
    return loaded;
  } catch (const YAML::Exception& error) {  // what yaml-cpp refuses only when asked for a value
    return {
        std::nullopt,
        {{file_name, std::max(error.mark.line, 0) + 1, std::max(error.mark.column, 0) + 1, error.msg, ""}}};
  } catch (const std::exception& error) {
    return refused(file_name, std::string("the file cannot be loaded (") + error.what() + ")");
  }
}

LoadedPlan load_plan(std::string_view yaml, const std::string& file_name, const std::string& name,
                     PlanBy by) {
  Complaints out(file_name);
  PlanSpec plan;
  plan.name = name;
  try {
    const auto document = parse_yaml(yaml, out);
    if (document) read_plan(Value(out, *document, "the plan", {1, 1}), plan);
  } catch (const YAML::Exception& error) {  // what yaml-cpp refuses only when asked for a value
    out.add({std::max(error.mark.line, 0) + 1, std::max(error.mark.column, 0) + 1}, error.msg);
  }
  if (by == PlanBy::operators) out.add(validate(plan, file_name));
  auto complaints = std::move(out).sorted();
  if (!complaints.empty()) return {std::nullopt, std::move(complaints)};
  return {std::move(plan), {}};
}

Loaded load_file(const std::string& path) {
  std::string text;
  if (const int failure = read_all(path, text))
    return refused(path, std::string("the configuration cannot be read (") + std::strerror(failure) + ")");
  return load_text(text, path);
}

}  // namespace sluice::config
