// One request to the admin API and its answer, without the connection they came over.
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/admin/pieces.hpp"
#include "control/change/control.hpp"
#include "control/protocol/target.hpp"

namespace sluice::admin {

template <class T>
using Result = change::Result<T>;

struct Call {
  std::string method;
  std::string path;       // decoded nowhere: the router decodes its segments
  protocol::Query query;  // decoded
  std::string body;
  std::string if_match;       // as it came; empty: none
  std::string reason;         // X-Sluice-Reason
  std::string last_event_id;  // Last-Event-ID
  change::Actor actor;
};

// The events after this id are to be streamed.
struct EventStream {
  std::uint64_t after = 0;
  bool follow = true;
  bool samples = false;  // between them, once a second, what the pools do
  std::string service;   // empty: of all
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::unique_ptr<Pieces> more;  // of the body, behind what is there
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<EventStream> stream;  // instead of a body
};

Reply json_reply(const boost::json::value& document);
Reply text_reply(std::string text);
Reply problem_reply(const protocol::Problem& problem);

// Last-Event-ID as a number; nothing without one.
Result<std::optional<std::uint64_t>> last_event_of(const Call& call);

// null for an empty body. A problem when it is no JSON.
Result<boost::json::value> body_of(const Call& call);

// Who asks, and dry_run, force, reason and If-Match. A problem when one of them is malformed.
Result<change::Invocation> invocation_of(const Call& call);

}  // namespace sluice::admin
