#include "control/nginx/variables.hpp"

#include <algorithm>
#include <cctype>

#include "control/nginx/upstream.hpp"

namespace sluice::nginx {

namespace {

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// "$a", "$b" of "${a}x$b".
std::vector<std::string> variables_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at)) {
    ++at;
    if (at < text.size() && text[at] == '{') ++at;
    std::string name;
    while (at < text.size() && is_name(text[at])) name += text[at++];
    if (!name.empty()) out.push_back("$" + name);
  }
  return out;
}

bool changes_with_every_request(const std::string& variable) {
  constexpr std::string_view kChanging[] = {"$request_id", "$msec", "$connection_requests", "$connection",
                                            "$remote_port"};
  return std::find(std::begin(kChanging), std::end(kChanging), variable) != std::end(kChanging);
}

// `*` of split_clients gets what the others leave.
bool read_part(const Directive& line, Variable& split, Share& given, std::size_t& rest) {
  Variant variant{line.argument(0), line.line(), 0, {}};
  if (line.is("*")) {
    rest = split.variants.size();
  } else {
    const auto share = parse_share(line.name.text);
    if (!share || given + *share > kWhole) return false;
    variant.share = *share;
    given += *share;
  }
  split.variants.push_back(std::move(variant));
  return true;
}

}  // namespace

void read_split_clients(const Directive& block, Variables& variables, Model& model) {
  Variable split{Variable::Kind::split, variable_in(block.argument(1)), block.argument(0), block.line(), {}};
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t rest = kNone;
  Share given = 0;
  for (const auto& line : block.block)
    if (!read_part(line, split, given, rest)) {
      model.note(line.line(), "split_clients: " + quoted(line.name.text) +
                                  " is no share, or they are more than 100 %; the block is left out");
      return;
    }
  if (split.name.empty() || split.variants.empty())
    return model.note(block.line(), "split_clients without a variable or shares is left out");
  if (given < kWhole && rest == kNone)
    model.note(
        block.line(),
        "split_clients: the shares are less than 100 % and there is no '*'; the last one gets what is left");
  split.variants[rest == kNone ? split.variants.size() - 1 : rest].share += kWhole - given;
  variables[split.name] = split;
}

void read_map(const Directive& block, Variables& variables, Model& model) {
  Variable map{Variable::Kind::map, variable_in(block.argument(1)), block.argument(0), block.line(), {}};
  std::vector<Variant> otherwise;
  for (const auto& line : block.block) {
    if (line.is("hostnames") || line.is("volatile")) continue;
    const auto& key = line.name.text;
    if (line.is("include") || line.arguments.size() != 1)
      model.note(line.line(), "map: " + quoted(key) + " is not translated");
    else if (key == "default")
      otherwise.push_back({line.argument(0), line.line(), 0, {}});
    else if (key.starts_with('~'))
      model.note(line.line(), "map: the regular expression " + quoted(key) +
                                  " is not translated, routes match exact values");
    else
      map.variants.push_back({line.argument(0), line.line(), 0, key.starts_with('\\') ? key.substr(1) : key});
  }
  map.variants.insert(map.variants.end(), otherwise.begin(), otherwise.end());
  if (!map.name.empty()) variables[map.name] = map;
}

std::string variable_in(std::string_view text) {
  if (!text.starts_with('$')) return {};
  text.remove_prefix(1);
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  return !text.empty() && std::all_of(text.begin(), text.end(), is_name) ? std::string(text) : std::string();
}

Variable resolved(const Variable& variable, const Variables& variables, Model& model) {
  const auto source = variables.find(variable_in(variable.source));
  if (variable.kind == Variable::Kind::split || source == variables.end()) return variable;
  if (source->second.kind != Variable::Kind::split) {
    model.note(variable.line,
               "map of $" + source->first + ", which is a map itself: only its default is translated");
    Variable only_default = variable;
    std::erase_if(only_default.variants, [](const Variant& one) { return !one.condition.empty(); });
    return only_default;
  }
  Variable split = source->second;
  for (auto& part : split.variants) {
    const auto same = [&](const Variant& one) { return one.condition == part.value; };
    auto mapped = std::find_if(variable.variants.begin(), variable.variants.end(), same);
    if (mapped == variable.variants.end())
      mapped = std::find_if(variable.variants.begin(), variable.variants.end(),
                            [](const Variant& one) { return one.condition.empty(); });
    part.value = mapped == variable.variants.end() ? "" : mapped->value;
  }
  return split;
}

std::vector<std::string> keys_of(const Variable& split, Model& model) {
  const auto parts = variables_of(split.source);
  for (const auto& part : parts)
    if (changes_with_every_request(part)) return {};
  std::vector<std::string> keys;
  for (const auto& part : parts)
    if (const auto key = sticky_key_of(part); !key.empty()) keys.push_back(key);
  if (keys.empty() || parts.size() > 1)
    model.note(split.line, "split_clients " + quoted(split.source) + ": users are told apart by " +
                               (keys.empty() ? "nothing" : keys.front()) +
                               " here; write what is meant as sticky.keys");
  if (keys.size() > 1) keys.resize(1);
  if (!keys.empty())
    model.note(split.line,
               "split_clients: the shares are kept, but users are dealt anew: the hash is another one");
  return keys;
}

}  // namespace sluice::nginx
