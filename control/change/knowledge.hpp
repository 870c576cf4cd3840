// What a process knows and no file holds, for the process that takes its place (sluicectl upgrade): a text of
// parts, each written and read by the class whose it is, and descriptors of memory that both have. A part
// that cannot be read is not known, and its class begins as at any start. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::change {

struct Knowledge {
  std::string text;              // empty: nothing is known
  std::vector<int> descriptors;  // whose, is said where one is given or taken
};

std::string knowledge_text(boost::json::object parts);

class KnowledgeParts {
 public:
  explicit KnowledgeParts(std::string_view text);

  // Null when it is not there, or nothing can be read.
  const boost::json::value& operator[](std::string_view name) const;
  // Why nothing can be read; empty when something can.
  const std::string& error() const { return error_; }

 private:
  boost::json::value parts_;
  std::string error_;
};

}  // namespace sluice::change
