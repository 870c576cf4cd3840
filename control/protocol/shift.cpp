#include "control/protocol/shift.hpp"

#include "control/protocol/twice.hpp"
#include "proxy/base/values.hpp"

namespace sluice::protocol {

namespace json = boost::json;

json::object to_json(const Split& split) {
  json::object body;
  for (const auto& [pool, share] : split.shares) body[pool] = format_share(share);
  return body;
}

// "5%" is a percentage, 0.05 a share.
std::optional<Share> share_from(const json::value& value, std::string& why) {
  if (value.is_string()) {
    const auto share = parse_share(std::string_view(value.get_string()));
    if (share) return *share;
    why = share.error().text();
    return std::nullopt;
  }
  json::error_code failed;
  const auto fraction = value.to_number<double>(failed);
  if (failed) {
    why = "write \"5%\" or 0.05";
    return std::nullopt;
  }
  const auto share = share_from_fraction(fraction);
  if (share) return *share;
  why = share.error().text();
  return std::nullopt;
}

std::optional<Problem> read(const json::value& body, Split& split) {
  if (!body.is_object())
    return malformed(
        "the body must be an object of pools and shares, like {\"blue\":\"95%\",\"green\":\"5%\"}");
  for (const auto& [pool, value] : body.get_object()) {
    std::string why;
    const auto share = share_from(value, why);
    if (!share) return malformed("the share of " + quoted(pool) + " is wrong: " + why, pool);
    split.shares.emplace_back(pool, *share);
  }
  return std::nullopt;
}

std::optional<Problem> check(const Split& split) {
  if (split.shares.empty() && split.rest.empty()) return malformed("no shares given");
  if (const auto pool = twice(split.shares))
    return malformed("the pool " + quoted(*pool) + " is named twice", *pool);
  for (const auto& [pool, share] : split.shares)
    if (pool == split.rest)
      return malformed("the pool " + quoted(pool) + " cannot have a share and be the rest", "rest");
  return std::nullopt;
}

std::optional<Problem> check(const Cutover& cutover) {
  if (cutover.services.empty()) return malformed("no service given", "services");
  if (const auto service = twice(cutover.services))
    return malformed("the service " + quoted(*service) + " is named twice", "services");
  if (cutover.watch_for && cutover.confirm_within)
    return malformed("a change is watched or waits to be confirmed, not both", "confirm_within");
  if (!cutover.watch_for && (cutover.limits.any() || cutover.min_requests || cutover.supersede))
    return malformed("limits need 'watch_for' beside them, how long they are watched", "watch_for");
  return check(cutover.checks, !cutover.limits.exec.empty());
}

namespace {

std::optional<Problem> check_some(const Strings& services) {
  if (!services.empty()) return std::nullopt;
  return malformed("no service given, like {\"services\":[\"api\"]}", "services");
}

}  // namespace

std::optional<Problem> check(const Confirm& confirm) { return check_some(confirm.services); }
std::optional<Problem> check(const Rollback& rollback) { return check_some(rollback.services); }

}  // namespace sluice::protocol
