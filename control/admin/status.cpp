#include "control/admin/status.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "control/admin/rollout_json.hpp"
#include "proxy/base/values.hpp"

namespace sluice::admin {

namespace json = boost::json;

namespace {

// Three digits behind the point are plenty for a rate or a latency; without them every reading would be 17
// digits long.
double rounded(double number) { return std::round(number * 1000) / 1000; }

json::value or_null(const std::optional<double>& number) {
  return number ? json::value(rounded(*number)) : json::value(nullptr);
}

// Shares and error rates: down to the unit of a share.
json::value ratio_or_null(const std::optional<double>& ratio) {
  return ratio ? json::value(std::round(*ratio * kWhole) / kWhole) : json::value(nullptr);
}

// A whole one without a point.
json::value number(double value) {
  if (value == std::floor(value)) return static_cast<std::int64_t>(value);
  return rounded(value);
}

json::object drain_json(const change::DrainView& drain) {
  json::object out{{"running_ms", drain.running.count()},
                   {"finished", drain.finished},
                   {"clean", drain.clean},
                   {"forced", drain.forced},
                   {"requests", drain.requests},
                   {"tunnels", drain.tunnels}};
  out["left_ms"] = drain.left ? json::value(drain.left->count()) : json::value(nullptr);
  if (!drain.oldest_path.empty()) {
    out["oldest_ms"] = drain.oldest.count();
    out["oldest_path"] = drain.oldest_path;
  }
  return out;
}

json::object backend_json(const change::BackendView& backend) {
  json::object out{
      {"admin", backend.admin},         {"health", backend.health},     {"weight", number(backend.weight)},
      {"in_flight", backend.in_flight}, {"requests", backend.requests}, {"errors", backend.errors},
      {"address", backend.address},     {"eligible", backend.eligible}, {"connections", backend.connections},
      {"tunnels", backend.tunnels}};
  if (backend.removing) out["removing"] = true;
  if (!backend.last_error.empty()) out["last_error"] = backend.last_error;
  if (!backend.group.empty()) out["group"] = backend.group;
  if (backend.resolved_since || !backend.resolve_error.empty())
    out["addresses"] = json::array(backend.addresses.begin(), backend.addresses.end());
  if (backend.resolved_since) out["resolved_since"] = time_text(*backend.resolved_since);
  if (!backend.resolve_error.empty()) out["resolve_error"] = backend.resolve_error;
  if (backend.stale_since) out["stale_since"] = time_text(*backend.stale_since);
  if (backend.drain) out["drain"] = drain_json(*backend.drain);
  return out;
}

json::object pool_json(const change::PoolView& pool) {
  json::object backends;
  for (const auto& backend : pool.backends) backends[backend.name] = backend_json(backend);
  return {{"share", static_cast<double>(pool.share) / kWhole},
          {"share_measured", ratio_or_null(pool.share_measured)},
          {"requests", pool.requests},
          {"errors", pool.errors},
          {"in_flight", pool.in_flight},
          {"previews", pool.previews},
          {"preview_errors", pool.preview_errors},
          {"requests_per_second", rounded(pool.requests_per_second)},
          {"error_rate", ratio_or_null(pool.error_rate)},
          {"p50_ms", or_null(pool.p50_ms)},
          {"p95_ms", or_null(pool.p95_ms)},
          {"p99_ms", or_null(pool.p99_ms)},
          {"backends", std::move(backends)}};
}

json::object traffic_json(const change::TrafficView& traffic) {
  json::object out{{"state", traffic.state}, {"held", traffic.held}, {"in_flight", traffic.in_flight}};
  if (traffic.state == "paused") out["max_hold"] = format_duration(traffic.max_hold);
  if (!traffic.message.empty()) out["message"] = traffic.message;
  return out;
}

json::object flags_json(const change::TrafficView& traffic) {
  json::object out;
  for (const auto& [name, share] : traffic.flags) out[name] = format_share(share);
  return out;
}

json::value mirror_json(const change::TrafficView& traffic) {
  if (!traffic.mirror) return nullptr;
  json::object out{{"to", traffic.mirror->pool},
                   {"share", format_share(traffic.mirror->share)},
                   {"safe_only", traffic.mirror->safe_only},
                   {"answered", traffic.mirrored},
                   {"failed", traffic.mirror_failed},
                   {"dropped", traffic.mirror_dropped},
                   {"skipped", traffic.mirror_skipped}};
  if (traffic.mirror->of_rollout) out["of_rollout"] = true;
  return out;
}

json::value retained_json(const std::optional<change::RetainedView>& retained) {
  if (!retained) return nullptr;
  return {{"pools", json::array(retained->pools.begin(), retained->pools.end())},
          {"until", time_text(retained->until)},
          {"left_ms", retained->left.count()}};
}

json::object service_json(const change::ServiceView& service) {
  json::object pools;
  for (const auto& pool : service.pools) pools[pool.name] = pool_json(pool);
  json::object out{{"stable", service.stable}, {"pools", std::move(pools)}, {"rollout", nullptr}};
  if (service.rollout) out["rollout"] = to_json(*service.rollout);
  if (service.unconfirmed) out["unconfirmed"] = {{"reverts_in_ms", service.unconfirmed->count()}};
  out["retained"] = retained_json(service.retained);
  out["traffic"] = traffic_json(service.traffic);
  out["flags"] = flags_json(service.traffic);
  out["mirror"] = mirror_json(service.traffic);
  if (!service.set_aside.empty()) out["set_aside"] = service.set_aside;
  return out;
}

// Where it can be reached: the configured host with the port that it got.
std::string address_of(const change::ListenerView& listener) {
  return listener.bind.substr(0, listener.bind.rfind(':')) + ":" + std::to_string(listener.port);
}

}  // namespace

json::object to_json(const change::StatusView& view) {
  json::object services, listeners;
  for (const auto& service : view.services) services[service.name] = service_json(service);
  for (const auto& listener : view.listeners)
    listeners[listener.name] = json::object{{"bind", listener.bind}, {"address", address_of(listener)}};
  return {{"generation", view.generation},
          {"services", std::move(services)},
          {"version", view.version},
          {"uptime_s", view.uptime.count()},
          {"workers", view.workers},
          {"connections", view.connections},
          {"durable", view.durable},
          {"readiness", view.readiness},
          {"warnings", json::array(view.warnings.begin(), view.warnings.end())},
          {"listeners", std::move(listeners)}};
}

std::optional<protocol::Problem> keep_only(change::StatusView& view, const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& service : view.services) names.push_back(service.name);
  std::erase_if(view.services,
                [&wanted](const change::ServiceView& service) { return service.name != wanted; });
  if (!view.services.empty()) return std::nullopt;
  return protocol::not_found("no service " + quoted(wanted), protocol::did_you_mean(wanted, names));
}

}  // namespace sluice::admin
