#include "proxy/config/validate.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_set>

#include "proxy/base/origin.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/config/syntax.hpp"

namespace sluice::config {
namespace {

template <class Things>
std::vector<std::string> names_of(const Things& things) {
  std::vector<std::string> names;
  for (const auto& thing : things) names.push_back(thing.name);
  return names;
}

// Complains about the second of equal things; `what` says which ("listener 'web'").
class Uniqueness {
 public:
  explicit Uniqueness(Complaints& out) : out_(out) {}

  void add(const std::string& key, Place place, const std::string& what) {
    const auto [first, added] = seen_.emplace(key, place);
    if (added || key.empty()) return;
    const Place before = first->second;
    out_.add(place, "duplicate " + what +
                        (before.line > 0 ? ", it stands in " + out_.where(before) + " already" : ""));
  }

 private:
  Complaints& out_;
  std::map<std::string, Place> seen_;
};

// ---- references ----

bool is_known(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Of a hundred thousand routes each names one.
class ServiceNames {
 public:
  explicit ServiceNames(const Spec& spec) : spec_(spec) {
    for (const auto& service : spec.services) names_.insert(service.name);
  }
  void check(const std::string& name, Place place, Complaints& out) const {
    const bool said_already = name.empty() || (names_.empty() && spec_.places.unread.contains("services"));
    if (said_already || names_.contains(name)) return;
    const auto names = names_of(spec_.services);
    out.add(place, "there is no service " + quoted(name) + ", the services are " + list_of(names),
            suggest(name, names));
  }

 private:
  const Spec& spec_;
  std::unordered_set<std::string_view> names_;
};

void check_pool_name(const ServiceSpec& service, const std::string& name, Place place, Complaints& out) {
  const auto names = names_of(service.pools);
  if (name.empty() || names.empty() || is_known(names, name)) return;  // a service without pools was said
  out.add(place,
          "service " + quoted(service.name) + " has no pool " + quoted(name) + ", its pools are " +
              list_of(names),
          suggest(name, names));
}

// ---- listeners ----

void check_bind(Uniqueness& binds, const Address& bind, Place place) {
  if (bind.port != 0)
    binds.add(canonical(bind), place,
              "address " + quoted(bind.text));  // with 0 each gets a port of its own
}

void check_fixed_pools(const Spec& spec, const ServiceNames& services, const ListenerSpec& listener,
                       Complaints& out) {
  for (const auto& [name, pool] : listener.pools) {
    services.check(name, listener.places.of_key("pools/" + name, listener.place), out);
    if (const ServiceSpec* service = spec.service(name))
      check_pool_name(*service, pool, listener.places.of("pools/" + name, listener.place), out);
  }
}

// HTTP-01 is asked in clear (RFC 8555 8.3).
void check_acme(const Spec& spec, const ListenerSpec& listener, Complaints& out) {
  if (!listener.tls || !listener.tls->acme || listener.tls->acme->challenge != "http-01") return;
  if (std::ranges::any_of(spec.listeners, [](const ListenerSpec& one) { return !one.tls; })) return;
  out.add(listener.tls->acme->place,
          "listener " + quoted(listener.name) +
              ": 'challenge: http-01' needs a listener without 'tls' that the server "
              "reaches at port 80, or leave 'challenge' out");
}

void check_listeners(const Spec& spec, const ServiceNames& services, Complaints& out) {
  Uniqueness names(out), binds(out);
  for (const auto& listener : spec.listeners) {
    names.add(listener.name, listener.places.of("name", listener.place), "listener " + quoted(listener.name));
    check_bind(binds, listener.bind, listener.places.of("bind", listener.place));
    check_fixed_pools(spec, services, listener, out);
    check_acme(spec, listener, out);
    if (listener.proxy_protocol && listener.trusted_proxies.empty())
      out.add(listener.places.of("proxy_protocol", listener.place),
              "listener " + quoted(listener.name) +
                  " would refuse every connection: name in 'trusted_proxies' who may send the PROXY header");
  }
  if (const auto& http = spec.admin.http) check_bind(binds, http->bind, http->places.of("bind", http->place));
  if (const auto& compat = spec.admin.compat) {
    check_bind(binds, compat->bind, compat->places.of("bind", compat->place));
    services.check(compat->service, compat->places.of("service", compat->place), out);
  }
}

// ---- services ----

void check_pools(const ServiceSpec& service, Complaints& out) {
  if (service.pools.empty() && !service.places.unread.contains("pools"))
    out.add(service.places.of("pools", service.place),
            "service " + quoted(service.name) + " has no pool, it needs at least one");
  if (service.pools.size() > kMostPools)
    out.add(service.places.of("pools", service.place),
            "service " + quoted(service.name) + " has " + std::to_string(service.pools.size()) +
                " pools, more than the " + std::to_string(kMostPools) + " that a service can have");
  Uniqueness pools(out);
  for (const auto& pool : service.pools) {
    pools.add(pool.name, pool.place, "pool " + quoted(pool.name));
    if (pool.proxy_protocol != ProxyVersion::off && pool.protocol != BackendProtocol::h1)
      out.add(pool.place,
              "pool " + quoted(pool.name) +
                  " cannot have a 'proxy_protocol': it tells a backend whose a connection is, and "
                  "over HTTP/2 clients share connections; set 'protocol: h1'");
    Uniqueness backends(out);
    for (const auto& backend : pool.backends) {
      backends.add(backend.name, backend.place,
                   "backend " + quoted(backend.name) + " in pool " + quoted(pool.name));
      if (pool.tls && pool.tls->server_name.empty() && is_unix(backend.address.text))
        out.add(backend.place, "backend " + quoted(backend.name) +
                                   " is a unix socket, its 'tls' needs a 'server_name' to verify");
    }
  }
}

std::string percent(std::uint64_t units) {
  std::string text = format_share(static_cast<Share>(units));
  text.insert(text.size() - 1, " ");
  return text;
}

void check_sum(const ServiceSpec& service, Complaints& out) {
  std::uint64_t sum = 0;
  std::string terms;
  for (const auto& [pool, share] : service.split) {
    sum += share;
    terms += (terms.empty() ? "" : " + ") + pool + " " + percent(share);
  }
  if (sum == kWhole) return;
  out.add(service.places.of("split", service.place), "the shares of service " + quoted(service.name) +
                                                         " add up to " + percent(sum) + " (" + terms +
                                                         "), they must make 100 %");
}

std::string example_split(const ServiceSpec& service) {
  std::string text;
  for (const auto& pool : service.pools)
    text += (text.empty() ? "{" : ", ") + pool.name + (text.empty() ? ": 100%" : ": 0%");
  return text + "}";
}

void check_split(const ServiceSpec& service, Complaints& out) {
  for (const auto& [pool, share] : service.split)
    check_pool_name(service, pool, service.places.of("split/" + pool, service.place), out);
  if (service.pools.empty() || service.places.unread.contains("split")) return;
  if (!service.split.empty()) return check_sum(service, out);
  if (service.pools.size() > 1)
    out.add(service.places.of("split", service.place),
            "service " + quoted(service.name) + " has " + std::to_string(service.pools.size()) +
                " pools and no split, say what each gets, such as split: " + example_split(service));
}

void check_services(const Spec& spec, Complaints& out) {
  Uniqueness names(out);
  for (const auto& service : spec.services) {
    names.add(service.name, service.place, "service " + quoted(service.name));
    check_pools(service, out);
    check_split(service, out);
    check_pool_name(service, service.stable, service.places.of("stable", service.place), out);
  }
}

// ---- plans ----

void complain_about(const Invalid& invalid, const std::string& key, const GateSpec& gate, Complaints& out) {
  if (invalid)
    out.add(gate.places.of(key, gate.place), "'" + key + "': " + invalid->what, invalid->suggestion);
}

void check_gate(const GateSpec& gate, Complaints& out) {
  if (!gate.prometheus.empty()) complain_about(prometheus_error(gate.prometheus), "prometheus", gate, out);
  if (!gate.http.empty()) complain_about(url_error(gate.http), "http", gate, out);
  if (!gate.reach.user.empty() && !gate.reach.bearer_file.empty())
    out.add(gate.places.of_key("bearer_file", gate.place),
            "a gate has one of basic_auth and bearer_file, both are the Authorization of its requests");
  const bool in_clear = gate.prometheus.starts_with("http://") || gate.http.starts_with("http://");
  if (!gate.reach.ca.empty() && in_clear)
    out.add(gate.places.of_key("ca", gate.place), "'ca' has a meaning only with an https:// URL");
}

// A plan that was made of flags has no name.
std::string of_plan(const PlanSpec& plan) {
  return plan.name.empty() ? std::string() : " of plan " + quoted(plan.name);
}

// Before the first share there may be steps of 0 %: something must become of them.
void check_step_of_none(const PlanSpec& plan, const StepSpec& step, Share before, Complaints& out) {
  const std::string what = "a step of 0 %" + of_plan(plan);
  if (before > 0)
    out.add(step.place,
            what + " comes after one of " + percent(before) + ", it may only stand before the first share");
  if (step.mirror == 0 && step.hold == 0ms && !step.approve)
    out.add(step.place,
            what + " does nothing: give it a mirror (mirror: 10%) to be judged on, a hold or approve");
}

void check_plan(const PlanSpec& plan, Complaints& out) {
  for (const auto& gate : plan.gates) check_gate(gate, out);
  Share before = 0;
  for (const auto& step : plan.steps) {
    if (step.share == 0)
      check_step_of_none(plan, step, before, out);
    else if (step.mirror > 0)
      out.add(step.place, "'mirror' is for a step of 0 %: at " + percent(step.share) +
                              " the new pool is judged on its own requests");
    if (step.share != 0 && step.share <= before)
      out.add(step.place, "the steps" + of_plan(plan) + " must rise, " + percent(step.share) +
                              " does not come after " + percent(before));
    before = std::max(before, step.share);
  }
  if (plan.aa && !plan.equal_control)
    out.add(plan.place,
            "'aa'" + of_plan(plan) + " needs 'control: equal' beside it, it compares two such cohorts");
  Uniqueness names(out);
  for (const auto& gate : plan.gates)
    names.add(gate.name, gate.place, "gate " + quoted(gate.name) + of_plan(plan));
}

void check_plans(const Spec& spec, Complaints& out) {
  Uniqueness names(out);
  for (const auto& plan : spec.plans) {
    names.add(plan.name, plan.place, "plan " + quoted(plan.name));
    check_plan(plan, out);
  }
}

// ---- notices ----

void check_notify(const Spec& spec, const ServiceNames& services, Complaints& out) {
  Uniqueness names(out);
  for (const auto& target : spec.notify) {
    names.add(target.name, target.places.of("name", target.place),
              "target of notices " + quoted(target.name));
    for (const auto& pattern : target.services)
      if (!is_pattern(pattern)) services.check(pattern, target.places.of_key("services", target.place), out);
  }
}

}  // namespace

std::vector<Complaint> validate(const Spec& spec) {
  Complaints out(spec.sources());
  const ServiceNames services(spec);
  check_listeners(spec, services, out);
  check_services(spec, out);
  for (const auto& route : spec.routes)
    services.check(route.service, route.places.of("service", route.place), out);
  check_plans(spec, out);
  check_notify(spec, services, out);
  return std::move(out).sorted();
}

std::vector<Complaint> validate(const PlanSpec& plan, const std::string& file) {
  Complaints out(file);
  check_plan(plan, out);
  return std::move(out).sorted();
}

}  // namespace sluice::config
