// The readers of the configuration's parts, one per kind of thing; internal to load.cpp. Each fills its
// struct as far as the value is right and complains about the rest.
#pragma once

#include "proxy/config/value.hpp"

namespace sluice::config {

void read_listener(const Value& value, ListenerSpec& listener);
void read_admin(const Value& value, AdminSpec& admin);
enum class Account { user, group };
// Its number, by its name on this machine or as a number; nothing after a complaint. Not thread-safe.
std::optional<std::uint32_t> read_account(const Value& value, std::string& written, Account kind);
void read_roles(const Value& value, std::vector<RoleSpec>& roles);
void read_access_log(const Value& value, AccessLogSpec& access_log);
void read_service(const Value& value, ServiceSpec& service);
void read_pools(const Value& value, std::vector<PoolSpec>& pools);
void read_route(const Value& value, RouteSpec& route);
void read_plan(const Value& value, PlanSpec& plan);

// The policies of a service.
void read_sticky(const Value& value, StickySpec& sticky, Places& places);
void read_health_check(const Value& value, HealthCheckSpec& check);
void read_outlier(const Value& value, OutlierSpec& outlier);
void read_retries(const Value& value, RetrySpec& retries, Places& places);
void read_timeouts(const Value& value, TimeoutSpec& timeouts);
void read_limits(const Value& value, LimitSpec& limits);
void read_rate_limit(const Value& value, RateLimitSpec& rate_limit);
void read_expected_status(const Value& value, int& low, int& high);

}  // namespace sluice::config
