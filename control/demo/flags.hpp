// The command lines of `sluiced demo` and `sluiced try`. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/base/values.hpp"

namespace sluice::demo {

struct Flags {
  bool help = false;
  std::uint16_t port = 8080;        // 0: a free one
  std::uint16_t admin_port = 9900;  // 0: a free one
  std::string socket;               // empty: where sluicectl looks
  std::string log_level = "warning";
  std::map<std::string, double> fail;  // demo: pool -> part of its requests that fail, 0 to 1
  double load = 0;                     // demo: requests a second
  bool h2 = false;                     // demo: the backends speak HTTP/2
  bool story = false;                  // demo: a rollout that fails, and one that succeeds
  double pace = 1;                     // of the story: so many times as fast
  std::vector<std::pair<std::string, std::string>> to;  // try: pool, address, in the order given
};

struct ParsedFlags {
  Flags flags;
  std::string error;  // a sentence; empty when all is well
};

enum class Command { demo, try_backends };
ParsedFlags parse_flags(Command command, const std::vector<std::string>& arguments);
const char* usage(Command command);

}  // namespace sluice::demo
