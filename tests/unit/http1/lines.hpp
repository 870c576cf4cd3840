// Fields as the lines they would be.
#pragma once

#include <span>
#include <string>

#include "proxy/http/message.hpp"

namespace sluice::http1::testing {

inline std::string lines(std::span<const http::Field> fields) {
  std::string text;
  for (const http::Field& field : fields)
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text;
}

}  // namespace sluice::http1::testing
