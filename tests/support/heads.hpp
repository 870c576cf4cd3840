// Request heads for tests of what reads them. The views point at literals or at strings the test keeps.
#pragma once

#include <initializer_list>
#include <string_view>
#include <utility>

#include "proxy/http/message.hpp"

namespace sluice::testing {

using FieldList = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// `target` in origin form: path and query are cut out of it.
inline http::RequestHead request(std::string_view method, std::string_view host, std::string_view target,
                                 FieldList fields = {}) {
  http::RequestHead head;
  head.method = method;
  head.host = host;
  head.target = target;
  head.path = target.substr(0, target.find('?'));
  if (head.path.size() < target.size()) head.query = target.substr(head.path.size() + 1);
  for (const auto& [name, value] : fields) head.fields.push(name, value);
  return head;
}

}  // namespace sluice::testing
