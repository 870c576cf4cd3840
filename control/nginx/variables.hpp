// split_clients and map: variables that a proxy_pass leads through. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "control/nginx/model.hpp"
#include "control/nginx/parse.hpp"

namespace sluice::nginx {

// One value of a variable, and what a request needs to get it.
struct Variant {
  std::string value;
  int line = 0;
  Share share = 0;        // of split_clients
  std::string condition;  // of map: the source's value; empty: default
};

struct Variable {
  enum class Kind { split, map } kind = Kind::map;
  std::string name;    // without '$'
  std::string source;  // as written
  int line = 0;
  std::vector<Variant> variants;  // of map: the default last
};

using Variables = std::map<std::string, Variable, std::less<>>;

// Parts that cannot be translated become notes; of a variable that is left out nothing is kept.
void read_split_clients(const Directive& block, Variables& variables, Model& model);
void read_map(const Directive& block, Variables& variables, Model& model);

// "backend" of "$backend", "${backend}"; empty when the text is more than one variable.
std::string variable_in(std::string_view text);
// The split that a map of a split_clients variable amounts to; the variable itself in every other case.
Variable resolved(const Variable& variable, const Variables& variables, Model& model);
// The sticky keys that say the same as the source of split_clients; none for what differs with every request.
std::vector<std::string> keys_of(const Variable& split, Model& model);

}  // namespace sluice::nginx
