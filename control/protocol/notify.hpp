// The verb about notices. See describe.hpp and words.hpp. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "control/protocol/answer.hpp"
#include "control/protocol/describe.hpp"
#include "control/protocol/words.hpp"

namespace sluice::protocol {

// A message that says that it is a test, sent at once.
struct NotifyTest {
  std::string target;  // empty: all

  static constexpr Route kRoutes[] = {{"POST", "/v1/notify/test", Role::operate, "reason"}};
  static void fields(auto& self, auto& visit) { visit("target", self.target); }
};

// Who took it. When one did not, the answer is a problem that says why.
struct NotifyTested {
  struct Target {
    std::string name;
    std::int64_t status = 0;  // HTTP
    double took_ms = 0;

    static void fields(auto& self, auto& visit) {
      visit("status", self.status);
      visit("took_ms", as<Thousandths>(self.took_ms));
    }
  };
  std::vector<Target> targets;

  static void fields(auto& self, auto& visit) { visit.named("targets", self.targets); }
};
inline boost::json::object to_json(const NotifyTested& tested) { return answer_json(tested); }

}  // namespace sluice::protocol
