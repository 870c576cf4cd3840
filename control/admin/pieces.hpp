// A long body that is made while it is sent.
#pragma once

#include <string_view>

namespace sluice::admin {

class Pieces {
 public:
  virtual ~Pieces() = default;
  virtual bool more() const = 0;
  // Valid until the next call. Requires: more().
  virtual std::string_view next() = 0;
};

}  // namespace sluice::admin
