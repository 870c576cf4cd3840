#include "control/io/resolver.hpp"

#include <algorithm>

#include "proxy/base/origin.hpp"
#include "proxy/base/values.hpp"

namespace sluice::io {

namespace asio = boost::asio;
using route::Endpoint;
using std::chrono::milliseconds;

namespace {

// Those of `before` that are still there keep their places: what was chosen by place stays chosen.
std::vector<Endpoint> in_the_order_of(const std::vector<Endpoint>& before, const std::vector<Endpoint>& now) {
  std::vector<Endpoint> merged;
  for (const auto& endpoint : before)
    if (std::find(now.begin(), now.end(), endpoint) != now.end()) merged.push_back(endpoint);
  for (const auto& endpoint : now)
    if (std::find(merged.begin(), merged.end(), endpoint) == merged.end()) merged.push_back(endpoint);
  return merged;
}

bool by_priority(const Service& a, const Service& b) {
  return std::tie(a.priority, a.host, a.port, a.weight) < std::tie(b.priority, b.host, b.port, b.weight);
}

std::string described(const NameQuestion& question) {
  return quoted(question.name) + (question.services ? " (SRV)" : "");
}

// What a member has of its tier, before the parts are made to add up.
void make_parts(std::vector<Member>& members) {
  for (std::size_t first = 0; first < members.size();) {
    std::size_t end = first;
    double sum = 0;
    for (; end < members.size() && members[end].tier == members[first].tier; ++end) sum += members[end].part;
    for (std::size_t i = first; i < end; ++i)
      members[i].part = sum > 0 ? members[i].part / sum : 1.0 / static_cast<double>(end - first);
    first = end;
  }
}

}  // namespace

std::optional<Endpoint> literal(const Address& address) {
  Endpoint endpoint;
  if (is_unix(address.text)) {
    endpoint.path = address.host;
    return endpoint;
  }
  endpoint.port = address.port;
  const auto ip = parse_ip(address.host);
  if (!ip) return std::nullopt;
  endpoint.ip = *ip;
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  if (!endpoint.path.empty()) return std::string(kUnix) + endpoint.path;
  IpText storage;
  const std::string text(format_ip(endpoint.ip, storage));
  const std::string port = ":" + std::to_string(endpoint.port);
  return endpoint.ip.is_v4() ? text + port : "[" + text + "]" + port;
}

Resolver::Resolver(asio::any_io_executor loop, LookUp look)
    : loop_(loop), look_(std::move(look)), notifier_(loop), timer_(loop) {}

Resolver::~Resolver() { *alive_ = false; }

void Resolver::limits(milliseconds min, milliseconds max) {
  min_ = min;
  max_ = max;
  for (auto& [key, name] : names_) name.due = std::min(name.due, Clock::now() + max_);
  schedule();
}

std::vector<Endpoint> Resolver::find(const std::string& text) const {
  std::vector<Endpoint> found;
  for (auto& member : members(text)) found.push_back(std::move(member.endpoint));
  return found;
}

std::vector<Member> Resolver::members(const std::string& text) const {
  const auto address = parse_origin(text);
  if (!address) return {};
  if (auto known = literal(*address)) return {{std::move(*known), 1, 0, ""}};
  const Name* name = find_name(key_of(*address));
  std::vector<Member> found;
  if (!name) return found;
  const auto add = [&found](Endpoint endpoint, std::uint16_t port, double part, std::uint16_t tier,
                            const std::string& authority) {
    endpoint.port = port;
    const auto same = std::find_if(found.begin(), found.end(),
                                   [&](const Member& member) { return member.endpoint == endpoint; });
    if (same == found.end()) found.push_back({std::move(endpoint), part, tier, authority});
  };
  if (!name->question.services) {
    for (const auto& endpoint : name->answer.addresses) add(endpoint, address->port, 1, 0, "");
    make_parts(found);
    return found;
  }
  std::uint16_t tier = 0;
  std::optional<std::uint16_t> priority;
  for (const auto& service : name->answer.services) {
    const Name* host = find_name(service.host);
    if (!host || host->answer.addresses.empty()) continue;
    if (priority && *priority != service.priority) ++tier;
    priority = service.priority;
    const double part =
        static_cast<double>(service.weight) / static_cast<double>(host->answer.addresses.size());
    const std::string authority = service.host + ":" + std::to_string(service.port);
    for (const auto& endpoint : host->answer.addresses) add(endpoint, service.port, part, tier, authority);
  }
  make_parts(found);
  return found;
}

std::string Resolver::error_of(const std::string& text) const {
  if (!find(text).empty()) return {};
  const auto address = parse_origin(text);
  if (!address) return address.error().text();
  const Name* name = find_name(key_of(*address));
  std::string error = name ? name->standing.error : "";
  if (name && name->question.services && error.empty())
    for (const auto& service : name->answer.services)
      if (const Name* host = find_name(service.host); host && !host->standing.error.empty())
        error = "its host " + quoted(service.host) + ": " + host->standing.error;
  const NameQuestion question{address->host, is_srv(text)};
  return "cannot be resolved: " + described(question) + ": " + (error.empty() ? "no answer yet" : error);
}

std::optional<Resolver::Standing> Resolver::standing(const std::string& text) const {
  const auto address = parse_origin(text);
  const Name* name = address && !literal(*address) ? find_name(key_of(*address)) : nullptr;
  if (!name) return std::nullopt;
  Standing all = name->standing;
  for (const auto& service : name->answer.services) {
    const Name* host = find_name(service.host);
    if (!host || host->standing.error.empty() || !all.error.empty()) continue;
    all.error = "its host " + quoted(service.host) + ": " + host->standing.error;
    all.stale = host->standing.stale;
  }
  return all;
}

std::vector<std::string> Resolver::troubles() const {
  std::vector<std::string> all;
  for (const auto& [key, name] : names_) {
    if (!name.kept || !name.standing.stale) continue;
    all.push_back(described(name.question) + " cannot be resolved since " + time_text(*name.standing.stale) +
                  ": " + name.standing.error +
                  (name.standing.since ? "; its last known addresses stay in force" : ""));
  }
  return all;
}

void Resolver::keep(const std::vector<std::string>& addresses) {
  for (auto& [key, name] : names_) name.kept = false;
  for (const auto& text : addresses)
    if (const auto address = parse_origin(text); address && !literal(*address)) keep_name(key_of(*address));
  std::erase_if(names_, [](const auto& entry) {
    return !entry.second.kept && !entry.second.asked && Clock::now() >= entry.second.due;
  });
  schedule();
}

// The hosts that SRV records name are kept with them.
void Resolver::keep_name(const std::string& key) {
  Name& kept = name(key);
  kept.kept = true;
  for (const auto& service : kept.answer.services) name(service.host).kept = true;
}

asio::awaitable<void> Resolver::resolve(std::vector<std::string> addresses) {
  for (const auto& text : addresses) {
    const auto address = parse_origin(text);
    if (!address || literal(*address)) continue;
    const std::string key = key_of(*address);
    const Name& known = name(key);
    const bool fresh = known.kept ? known.standing.since.has_value() : Clock::now() < known.due;
    if (!fresh) ask(key);
  }
  const auto limit = Clock::now() + kLimit;
  while (!all_settled(addresses))
    if (!co_await notifier_.wait_until(limit)) break;
}

void Resolver::hurry(const std::string& text) {
  const auto address = parse_origin(text);
  if (!address || literal(*address)) return;
  const auto soon = [this](const std::string& key) {
    const auto found = names_.find(key);
    if (found != names_.end())
      found->second.due = std::min(found->second.due, found->second.last_asked + min_);
  };
  soon(key_of(*address));
  if (const Name* known = find_name(key_of(*address)))
    for (const auto& service : known->answer.services) soon(service.host);
  schedule();
}

std::string Resolver::key_of(const Address& address) {
  return is_srv(address.text) ? address.text : address.host;
}

Resolver::Name& Resolver::name(const std::string& key) {
  const auto [place, is_new] = names_.try_emplace(key);
  if (is_new) place->second.question = {is_srv(key) ? key.substr(kSrv.size()) : key, is_srv(key)};
  return place->second;
}

const Resolver::Name* Resolver::find_name(const std::string& key) const {
  const auto found = names_.find(key);
  return found == names_.end() ? nullptr : &found->second;
}

void Resolver::ask(const std::string& key) {
  Name& asked = name(key);
  if (std::exchange(asked.asked, true)) return;
  asked.last_asked = Clock::now();
  look_(asked.question, [this, alive = alive_, key](Found found) {
    if (*alive) arrived(key, std::move(found));
  });
}

void Resolver::arrived(const std::string& key, Found found) {
  Name& known = name(key);
  known.asked = false;
  const auto now = Clock::now();
  if (found.error.empty()) {
    known.due = now + std::clamp(milliseconds(found.ttl), min_, std::max(min_, max_));
    if (take_in(known, std::move(found))) ++changes_;
  } else {
    failed(known, found.error);
    constexpr milliseconds kPatience{5'000};
    const auto wait = min_ * (1 << std::min(known.failures - 1, 10));
    known.due = now + std::min(wait, std::max(min_, std::min(max_, kPatience)));
  }
  if (known.question.services)
    for (const auto& service : known.answer.services) {
      Name& host = name(service.host);
      host.kept = host.kept || known.kept;
      if (!host.standing.since && !host.asked && host.failures == 0) ask(service.host);
    }
  notifier_.notify();
  schedule();
}

// True when it differs from what was in force.
bool Resolver::take_in(Name& known, Found found) {
  known.failures = 0;
  if (known.standing.stale && known.standing.since && on_notice)
    on_notice(described(known.question) + " resolves again");
  known.standing.error.clear();
  known.standing.stale.reset();
  std::sort(found.services.begin(), found.services.end(), by_priority);
  found.addresses = in_the_order_of(known.answer.addresses, found.addresses);
  const bool same = known.standing.since && found.addresses == known.answer.addresses &&
                    found.services == known.answer.services;
  known.answer = std::move(found);
  if (!same) known.standing.since = SystemClock::now();
  return !same;
}

void Resolver::failed(Name& known, const std::string& error) {
  ++known.failures;
  known.standing.error = error;
  if (known.standing.stale) return;
  known.standing.stale = SystemClock::now();
  if (!on_notice) return;
  on_notice(described(known.question) + " cannot be resolved: " + error +
            (known.standing.since ? "; its last known addresses stay in force" : ""));
}

void Resolver::schedule() {
  auto next = Clock::time_point::max();
  for (const auto& [key, name] : names_)
    if (name.kept && !name.asked) next = std::min(next, name.due);
  if (next == Clock::time_point::max()) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(next);
  timer_.async_wait([this, alive = alive_](boost::system::error_code failure) {
    if (!failure && *alive) look();
  });
}

void Resolver::look() {
  std::vector<std::string> due;
  for (const auto& [key, name] : names_)
    if (name.kept && !name.asked && Clock::now() >= name.due) due.push_back(key);
  for (const auto& key : due) ask(key);
  schedule();
}

bool Resolver::all_settled(const std::vector<std::string>& addresses) const {
  return std::all_of(addresses.begin(), addresses.end(), [this](const std::string& text) {
    const auto address = parse_origin(text);
    return !address || literal(*address) || is_settled(key_of(*address));
  });
}

// It was answered, one way or the other, and so were the hosts that it names.
bool Resolver::is_settled(const std::string& key) const {
  const Name* known = find_name(key);
  if (!known) return true;
  if (known->asked && !known->standing.since) return false;
  return std::all_of(known->answer.services.begin(), known->answer.services.end(),
                     [this](const Service& service) { return is_settled(service.host); });
}

}  // namespace sluice::io
