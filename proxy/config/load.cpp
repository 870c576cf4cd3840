#include "proxy/config/load.hpp"

#include "proxy/base/denied.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/tunnel_pace.hpp"
#include "proxy/config/complete.hpp"
#include "proxy/config/compose.hpp"
#include "proxy/config/document.hpp"
#include "proxy/config/gate_files.hpp"
#include "proxy/config/keys.hpp"
#include "proxy/config/machine.hpp"
#include "proxy/config/parse.hpp"
#include "proxy/config/validate.hpp"

namespace sluice::config {

// ---- the document ----

void read(const YamlValue& value, std::uint32_t& workers, Workers) {
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

void read(const YamlValue& value, UpgradeSpec& upgrade, TunnelSpread) {
  constexpr std::string_view kSpread = "spread:";
  std::string text;
  if (!value.text(text) || text == "wait") return;
  const auto window = text.starts_with(kSpread)
                          ? parse_duration(std::string_view(text).substr(kSpread.size()))
                          : Parsed<milliseconds>(ValueError{});
  const auto pace = parse_pace(text);
  if (pace)
    upgrade.tunnel_pace = *pace;
  else if (window && *window > 0ms)
    upgrade.tunnels = *window;
  else
    value.complain(
        "'tunnels' must be wait, spread: with a duration, such as spread:60s, or paced: with a rate, such as "
        "paced:20/s, not " +
        quoted(text));
}

namespace {

// Name servers are addresses: who would look their names up?
void read_server(const YamlValue& value, std::vector<std::string>& servers) {
  Address address;
  if (!value.address(address)) return;
  const bool numeric = address.host.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos &&
                       address.host.find_first_of(".:") != std::string::npos;
  if (!numeric) return value.complain("a name server is given by its address, such as 127.0.0.1:53");
  servers.push_back(address.text);
}

}  // namespace

void read(const YamlValue& value, std::vector<std::string>& servers, NameServers) {
  value.each("a name server", [&](const YamlValue& server) { read_server(server, servers); });
}

void read(const YamlValue& value, ResolveSpec& resolve, Plain) {
  const KeysRead keys = read_keys(value, resolve);
  if (resolve.max < resolve.min)
    (keys.find("max") ? *keys.find("max") : value)
        .complain("'max' of 'resolve' is shorter than its 'min', " + format_duration(resolve.min));
}

// "off", or a map.
void read(const YamlValue& value, AccessLogSpec& access_log, Plain) {
  if (value.is_map()) {
    read_keys(value, access_log);
    return;
  }
  if (value.says_off()) {
    access_log.path.clear();
    return;
  }
  std::string word;
  if (value.is_scalar()) value.maybe_empty(word);
  const std::vector<std::string> words = {"off"};
  value.complain("'access_log' must be off or a map such as {path: /var/log/sluice/access.log, format: json}",
                 word.starts_with('/') ? "{path: " + word + "}" : suggest(word, words));
}

void read(const YamlValue& document, Spec& spec, Plain) {
  read_keys(document, spec);
  for (auto& service : spec.services)
    if (!service.places.keys.contains("debug_headers")) service.debug_headers = spec.debug_headers;
  spec.debug_headers = false;
}

namespace {

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
  const Document document(yaml, out);
  spec.included = out.files();
  if (!document.root()) return std::move(out).sorted();
  read(YamlValue(out, *document.root(), "the file", {1, 1}), spec);
  out.add(validate(spec));
  for (const auto& plan : spec.plans) out.add(check_gate_files(plan, spec.sources()));
  out.add(check_notify_files(spec));
  out.add(check_tracing_files(spec));
  auto complaints = std::move(out).sorted();
  complain_about_missing_sections(spec, complaints);
  return complaints;
}

// ---- the file ----

Loaded refused(const std::string& file, std::string what) {
  return {std::nullopt, {{file, 1, 1, std::move(what), ""}}};
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
  } catch (const std::exception& error) {
    return refused(file_name, std::string("the file cannot be loaded (") + error.what() + ")");
  }
}

LoadedPlan load_plan(std::string_view yaml, const std::string& file_name, const std::string& name,
                     PlanBy by) {
  Complaints out(file_name);
  PlanSpec plan;
  plan.name = name;
  if (auto document = parse_yaml(yaml, out)) {
    put_in_merges(*document, out);
    read(YamlValue(out, document->root(), "the plan", {1, 1}), plan);
  }
  if (by == PlanBy::operators) out.add(validate(plan, file_name));
  auto complaints = std::move(out).sorted();
  if (!complaints.empty()) return {std::nullopt, std::move(complaints)};
  return {std::move(plan), {}};
}

Loaded load_file(const std::string& path) {
  std::string text;
  if (const int failure = read_whole_file(path, kLargestFile, text))
    return refused(path, "the configuration cannot be read (" + why_denied(path, failure) + ")");
  return load_text(text, path);
}

}  // namespace sluice::config
