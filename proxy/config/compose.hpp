// From the tree of a configuration's text to the tree that is meant: variables of the environment, merge
// keys, defaults of services. Pure: what the environment has comes in.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "proxy/config/complaint.hpp"
#include "proxy/config/yaml_tree.hpp"

namespace sluice::config {

// The value of a variable; nothing when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;
Variables variables_of_environment();

// ${NAME} and ${NAME:-default} in every text; $${ is a plain ${.
void put_in_variables(YamlTree& tree, const Variables& variables, Complaints& out);
// <<: *anchor, or a list of these: what they have and the map has not.
void put_in_merges(YamlTree& tree, Complaints& out);
// defaults: {services: {...}}: what they have and a service has not, and so in the maps that both have.
// Requires: the root is a map.
void put_in_defaults(YamlTree& tree, Complaints& out);
// What an included file has at its top, behind what is there: maps and lists grow, single values may stand in
// one of the files only. Requires: both roots are maps, `part` outlives the tree.
void put_in_part(YamlTree& tree, YamlTree& part, Complaints& out);

}  // namespace sluice::config
