// An nginx configuration as Sluice's YAML. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/nginx/model.hpp"
#include "control/nginx/parse.hpp"

namespace sluice::nginx {

struct Imported {
  std::string yaml;         // loads without a complaint; begins with the notes as comments
  std::vector<Note> notes;  // by line
};

// `name` is the file's, for the heading. An error is the file's syntax, or that it proxies nothing.
boost::system::result<Imported, SyntaxError> import_text(std::string_view text, const std::string& name);

// write.cpp
std::string to_yaml(const Model& model, const std::string& name);

}  // namespace sluice::nginx
