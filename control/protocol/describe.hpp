// How a message describes itself, once: which HTTP request carries it, and how a command line says it. The
// daemon's routes and readers and sluicectl's parser, requests, help and completion derive from this. Pure.
//
// A message has, beside its data:
//   - kRoutes: the requests that carry it. Sent is the one with the most names that the message has.
//   - names(self, visit): what stands in the path's {..}, visit("service", self.service).
//   - query(self, visit): its own parameters, visit("timeout", self.timeout).
//   - fields(self, visit): the fields of its JSON body. Without this function nobody looks at the body.
//   - check(message), a free function: what no single field shows to be wrong.
//
// When it is a verb of sluicectl as it stands, it also has:
//   - kPage: its help.
//   - words(self, visit): its words and flags (words.hpp).
//   - extra_time(): how long the answer may take beyond that of an ordinary change; nothing: no limit.
#pragma once

#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

#include "proxy/base/role.hpp"

namespace sluice::protocol {

// The parameters that every change takes (ChangeOptions).
inline constexpr std::string_view kChangeParameters = "dry_run force reason step";

struct Route {
  std::string_view method;
  std::string_view path;  // "/v1/services/{service}/stop"
  Role needs = Role::operate;
  std::string_view parameters = kChangeParameters;  // beside the message's own; blanks between them
};

// A route that changes nothing.
constexpr Route reads(std::string_view method, std::string_view path, std::string_view parameters = {}) {
  return {method, path, Role::viewer, parameters};
}

// `sluicectl VERB --help`. Usage begins with the verb's name.
struct Page {
  std::string_view usage, does, examples;
  std::string_view overview = {};  // how the list of all verbs names it; empty: by its name
  constexpr std::string_view name() const { return usage.substr(0, usage.find(' ')); }
};

// Types in an order, to be walked at compile time.
template <class... Types>
struct List {
  using Variant = std::variant<Types...>;
  using Tuple = std::tuple<Types...>;
  // visit(std::type_identity<Type>{}) for each.
  template <class Visit>
  static constexpr void each(Visit&& visit) {
    (visit(std::type_identity<Types>{}), ...);
  }
};

namespace detail {
template <class... Lists>
struct Join;
template <class... Types>
struct Join<List<Types...>> {
  using Result = List<Types...>;
};
template <class... Left, class... Right, class... More>
struct Join<List<Left...>, List<Right...>, More...> {
  using Result = typename Join<List<Left..., Right...>, More...>::Result;
};
}  // namespace detail
// One list of several.
template <class... Lists>
using Join = typename detail::Join<Lists...>::Result;

}  // namespace sluice::protocol
