// Statuses as the daemon sends them, for the tests of what is painted of them.
#pragma once

#include <boost/json/parse.hpp>
#include <string>

#include "control/protocol/answer.hpp"
#include "control/protocol/status.hpp"

namespace sluice::screen::testing {

inline protocol::Status status_of(const std::string& services) {
  protocol::Status status;
  protocol::read_answer(
      boost::json::parse(R"({"generation":42,"readiness":"ready","durable":true,"services":{)" + services +
                         "}}"),
      status);
  return status;
}

inline std::string backend(const std::string& name, const std::string& more) {
  return "\"" + name + "\":{\"admin\":\"ready\",\"health\":\"up\",\"eligible\":true" + more + "}";
}

inline std::string pool(const std::string& name, double share, const std::string& backends,
                        const std::string& more = "") {
  return "\"" + name + "\":{\"share\":" + std::to_string(share) +
         ",\"share_measured\":" + std::to_string(share) +
         ",\"requests_per_second\":100.25,\"error_rate\":0.0031,\"p95_ms\":182,\"in_flight\":3,\"requests\":"
         "1000,\"errors\":3" +
         more + ",\"backends\":{" + backends + "}}";
}

// A service with blue (stable) and green, which has `green` of the requests; `more` are further fields.
inline std::string service(const std::string& name, double green, const std::string& more = "") {
  return "\"" + name + "\":{\"stable\":\"blue\",\"pools\":{" +
         pool("blue", 1 - green, backend("blue-1", "") + "," + backend("blue-2", "")) + "," +
         pool("green", green, backend("green-1", "")) + "}" + (more.empty() ? "" : "," + more) + "}";
}

// Step 2 of 3, with three gates.
inline const std::string kRollout =
    R"("rollout":{"state":"running","active":true,"from":"blue","to":"green","step":2,"steps":3,
  "share":0.25,"hold":"10m","in_step_ms":228000,"waits_for":"holding, 7m left","why":"","requests":{"canary":20,"stable":300},
  "min_requests":50,"plan_steps":[{"share":"5%","hold":"10m"},{"share":"25%","hold":"10m"},{"share":"100%","hold":"1h"}],
  "gates":[{"gate":"error_rate max 5 %","verdict":"pass","warn":false,"n_canary":400,"value":0.0031,"lower":0.0019,"upper":0.0048,
            "limit":0.05,"unit":"rate","why":"fine"},
           {"gate":"error_rate against stable max_increase 1 %","verdict":"insufficient","warn":false,"n_canary":400,"value":0.0019,
            "lower":-0.001,"upper":0.02,"limit":0.01,"unit":"rate","why":"no proof yet"},
           {"gate":"p95 max 500 ms","verdict":"pass","warn":true,"n_canary":400,"value":0.182,"lower":0.171,"upper":0.195,
            "limit":0.5,"unit":"seconds","why":"fast"}],
  "started":"2026-11-28T14:00:00.000Z","started_by":"alice"})";

}  // namespace sluice::screen::testing
