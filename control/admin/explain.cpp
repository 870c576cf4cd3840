#include "control/admin/explain.hpp"

#include <chrono>
#include <set>
#include <vector>

#include "control/change/trial_of.hpp"
#include "proxy/base/hash.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/grpc_web/content_type.hpp"
#include "proxy/http/authority.hpp"
#include "proxy/http/text.hpp"
#include "proxy/http1/parser.hpp"
#include "proxy/route/assets.hpp"
#include "proxy/route/balance.hpp"
#include "proxy/route/decide.hpp"

namespace sluice::admin {

using protocol::malformed;

namespace {

bool is_field(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if ((line[i] | 0x20) != (name[i] | 0x20)) return false;
  return true;
}

struct Url {
  std::string host, target;
};

// "http://HOST/PATH", "https://...", "HOST/PATH", "HOST", or "/PATH" ("*" for OPTIONS).
Result<Url> parse_url(const std::string& text) {
  const auto wrong = [&text](const std::string& why) {
    return malformed(quoted(text) + " is no URL, " + why + "; write HOST/PATH, http://HOST/PATH or /PATH",
                     "url");
  };
  if (text.empty()) return wrong("it is empty");
  if (text.find_first_of(" \t\r\n") != std::string::npos) return wrong("it has a blank (%20 in a URL)");
  const std::string whole = text.substr(0, text.find('#'));  // a fragment never leaves the browser
  if (whole.starts_with('/') || whole == "*") return Url{"localhost", whole};
  const auto scheme = whole.find("://");
  if (scheme != std::string::npos && !sluice::http::iequals(whole.substr(0, scheme), "http") &&
      !sluice::http::iequals(whole.substr(0, scheme), "https"))
    return wrong("its scheme is neither http nor https");
  const std::string rest = scheme == std::string::npos ? whole : whole.substr(scheme + 3);
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  Url url{rest.substr(0, end), rest.substr(end)};
  if (!sluice::http::is_authority(url.host)) return wrong(quoted(url.host) + " is no host");
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

// The request as a client would send it.
Result<std::string> request_text(const protocol::Explain& message) {
  const auto url = parse_url(message.url);
  if (!url) return url.error();
  bool has_host = false;
  std::string fields;
  for (const auto& line : message.headers) {
    if (line.find(':') == std::string::npos)
      return malformed(quoted(line) + " is no header, write 'Name: value'", "headers");
    has_host |= is_field(line, "host");
    fields += line + "\r\n";
  }
  if (!has_host) fields = "Host: " + url->host + "\r\n" + fields;
  return message.method + " " + url->target + " HTTP/1.1\r\n" + fields + "\r\n";
}

// Index of the pool that every request of this service on this listener goes to; -1 when there is none.
int fixed_pool(const route::Snapshot& snapshot, const std::string& listener, std::size_t service) {
  for (const auto& fixed : snapshot.listener_pools) {
    if (fixed.listener != listener) continue;
    for (const auto& pool : fixed.pools)
      if (pool.service == service) return static_cast<int>(pool.pool);
  }
  return -1;
}

std::vector<route::Candidate> eligible_of(const route::Pool& pool) {
  std::vector<route::Candidate> out;
  const bool has_up = route::pool_has_up(pool);
  for (std::uint32_t i = 0; i < pool.backends.size(); ++i) {
    const auto& backend = pool.backends[i];
    if (!route::eligible(backend, has_up) || route::outranked(pool, backend, has_up)) continue;
    out.push_back({i, backend.weight, backend.live->in_flight(), route::backend_identity(backend.name)});
  }
  return out;
}

// The backend is certain when only one can be, or when the key decides; else it is one of several in turn.
void explain_backend(const route::Service& service, const route::Pool& pool, std::string_view key,
                     protocol::Explained& out) {
  const auto candidates = eligible_of(pool);
  protocol::Strings names;
  for (const auto& candidate : candidates) names.push_back(pool.backends[candidate.index].name);
  out.candidates = names;
  if (candidates.empty()) {
    const bool rescues = service.spec.retries.rescue_stable && &pool != &service.pools[service.rescue];
    out.result = rescues ? "rescued by the stable pool" : "503 no_backend";
    out.steps.push_back("backend: none of " + std::to_string(pool.backends.size()) + " is eligible; " +
                        (rescues ? "the stable pool " + service.pools[service.rescue].name +
                                       " answers, it counts as a failure of " + pool.name
                                 : "the answer is 503 no_backend"));
    return;
  }
  out.result = "forwarded";
  const bool by_key = service.spec.balance == config::Balance::hash && !key.empty();
  if (candidates.size() > 1 && !by_key) {
    const bool least = service.spec.balance == config::Balance::least_requests;
    out.steps.push_back("backend: " + std::string(least ? "the least busy of " : "the next in turn of ") +
                        list_of(names));
    return;
  }
  route::RoundRobinState state;
  const auto hash = service.spec.sticky ? hash64("backend", service.spec.sticky->salt, key) : 0;
  const auto& backend = pool.backends[route::pick(service.spec.balance, candidates, state, hash)];
  out.backend = backend.name;
  out.address = backend.address;
  out.steps.push_back("backend: " + backend.name +
                      (by_key ? ", by the hash of the key" : ", the only eligible one"));
}

// What becomes of a call of gRPC-Web.
void explain_grpc_web(const route::Service& service, const sluice::http::RequestHead& head,
                      protocol::Explained& out) {
  const auto call = grpc_web::read_call(head);
  if (!call) return;
  const std::string type(grpc_web::type_for_client(*call).view());
  out.steps.push_back(service.spec.grpc_web
                          ? "gRPC-Web: the backend gets a call of gRPC, its answer becomes " + type
                          : "gRPC-Web: it goes on as it is, 'grpc_web' of this service is off");
}

// The rest of the way is told as well: it is what would happen afterwards.
void explain_hold(const route::Hold& hold, protocol::Explained& out) {
  if (hold.kind == route::Hold::Kind::stopped) {
    out.held = "503 stopped";
    out.steps.push_back("stopped: the answer is 503 stopped; after 'resume':");
    return;
  }
  out.held = "paused";
  out.steps.push_back("paused: the request is held, " + duration_text(hold.max_hold) +
                      " at most, then the answer is 503 paused; after 'resume':");
}

// What the request's preview token does; nothing when it carries none.
std::optional<route::Preview> preview_in(const route::Snapshot& snapshot, const route::Service& service,
                                         const sluice::http::RequestHead& head) {
  const auto token = route::preview_token(head);
  if (token.empty()) return std::nullopt;
  if (!snapshot.preview_key) return route::Preview{-1, "not valid"};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return route::preview_of(*snapshot.preview_key, service, token,
                           std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

// Flags and mirror: not where it goes, but what goes with it.
void explain_flags_and_mirror(const route::Service& service, const route::Decision& decision,
                              const sluice::http::RequestHead& head, const std::string& client,
                              protocol::Explained& out) {
  const auto key = route::user_key(service, decision, head, client);
  const std::string who = key.empty() ? "without a key" : "for key " + quoted(key);
  if (!service.flags.empty()) {
    std::string flags;
    route::append_flags(flags, service.flags, key);
    out.flags = flags;
    out.steps.push_back("flags " + who + ": " + flags);
  }
  if (!service.mirror) return;
  const auto& to = service.pools[service.mirror->pool].name;
  std::string mirrored = "no";
  if (route::is_override(decision.by) || decision.pool == service.mirror->pool)
    mirrored = "no, it is a preview or goes there anyway";
  else if (key.empty())
    mirrored = "with a chance of " + format_share(service.mirror->share);
  else if (route::is_mirrored(service.mirror->share, service.spec.sticky->salt, key, 0))
    mirrored = "yes";
  out.mirror = to;
  out.steps.push_back("mirrored to pool " + to + " " + who + ": " + mirrored);
}

// A file that the pool does not have.
void explain_assets(const route::Service& service, const route::Decision& decision,
                    const sluice::http::RequestHead& head, protocol::Explained& out) {
  if (!route::is_asset(service.spec, head.path)) return;
  const auto& pool = service.pools[decision.pool].name;
  protocol::Strings others;
  for (const auto& other : service.asset_pools)
    if (other.pool != decision.pool) others.push_back(service.pools[other.pool].name);
  std::string step = "assets: the answer carries no cookie and no header of ours; ";
  if (route::is_override(decision.by))
    step += "what " + pool + " does not have is not asked for elsewhere, because the pool is fixed";
  else if (others.empty())
    step += "no other pool has or had a share lately, so none is asked for what " + pool + " does not have";
  else
    step += "what " + pool + " does not have, " + list_of(others) + (others.size() > 1 ? " are" : " is") +
            " asked for";
  out.steps.push_back(std::move(step));
}

void explain_service(const route::Snapshot& snapshot, const route::Service& service,
                     const sluice::http::RequestHead& head, const protocol::Explain& message, int fixed,
                     protocol::Explained& out) {
  if (!service.disabled.empty()) {
    out.steps.push_back("service: " + service.spec.name + " is set aside: " + service.disabled);
    out.result = "503 no_backend";
    return;
  }
  if (service.hold) explain_hold(*service.hold, out);
  explain_grpc_web(service, head, out);
  const auto preview = preview_in(snapshot, service, head);
  for (const auto& step : route::explain_steps(service, head, message.client, fixed, preview))
    out.steps.push_back(step);
  const auto decision =
      route::would_decide(service, head, message.client, fixed, preview ? preview->pool : -1);
  if (auto said = change::judged_as(service, decision); !said.empty()) out.steps.push_back(std::move(said));
  explain_flags_and_mirror(service, decision, head, message.client, out);
  explain_assets(service, decision, head, out);
  const auto& pool = service.pools[decision.pool];
  out.pool = pool.name;
  explain_backend(service, pool, decision.sticky_key, out);
}

}  // namespace

Result<protocol::Explained> explain(const route::Snapshot& snapshot, const protocol::Explain& message) {
  const auto text = request_text(message);
  if (!text) return text.error();
  http1::RequestParser parser;
  http1::RequestHead head;
  const auto parsed = parser.parse(*text, head);
  if (parsed != http1::Status::done)
    return malformed("the proxy would refuse this request: " + std::to_string(parser.refusal().status) + " " +
                         (parser.refusal().reason ? parser.refusal().reason : "malformed"),
                     "url");
  protocol::Explained out;
  const auto found = snapshot.routes->find(head);
  const auto looked_at = found ? found->route + 1 : snapshot.routes->size();
  std::set<std::string, std::less<>> told;  // a route that asks for the same as one before says nothing new
  for (std::size_t i = 0; i < looked_at; ++i)
    if (const std::string why = snapshot.routes->why(i, head); told.insert(why.substr(why.find('('))).second)
      out.steps.push_back(why);
  if (found) {
    const auto& service = snapshot.services[found->service];
    out.route = found->route + 1;
    out.service = service.spec.name;
    explain_service(snapshot, service, head, message, fixed_pool(snapshot, message.listener, found->service),
                    out);
  } else {
    out.result = "404 no_route";
    out.steps.push_back("no route matches: the answer is 404 no_route");
  }
  out.generation = snapshot.generation;
  return out;
}

}  // namespace sluice::admin
