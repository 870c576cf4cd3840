// nginx's configuration syntax as a tree: directives end with ';' or hold a block. Nothing is expanded, no
// file is read, no name is known here. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::nginx {

struct Place {
  int line = 0, column = 0;  // from 1
};

struct Word {
  std::string text;  // without quotes, escapes undone
  Place place;
};

struct Directive {
  Word name;
  std::vector<Word> arguments;
  std::vector<Directive> block;
  bool has_block = false;

  int line() const { return name.place.line; }
  bool is(std::string_view text) const { return name.text == text; }
  // Empty when there are fewer.
  const std::string& argument(std::size_t i) const;
};

struct SyntaxError {
  Place place;
  std::string what;  // one clause, without a full stop
};

boost::system::result<std::vector<Directive>, SyntaxError> parse(std::string_view text);

}  // namespace sluice::nginx
