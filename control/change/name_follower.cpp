#include "control/change/name_follower.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>
#include <map>

#include "proxy/base/suggest.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;

namespace {

using Place = std::pair<std::string, std::string>;  // service, and POOL/BACKEND

std::map<Place, const route::Backend*> looked_up_in(const route::Snapshot& snapshot) {
  std::map<Place, const route::Backend*> all;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends)
        if (!backend.looked_up.empty()) all[{service.spec.name, pool.name + "/" + backend.name}] = &backend;
  return all;
}

std::string addresses_text(const route::Backend& backend) {
  std::vector<std::string> texts;
  for (const auto& endpoint : backend.endpoints) texts.push_back(io::to_string(endpoint));
  return texts.empty() ? "no address" : list_of(texts);
}

io::LookUp by_name_servers(io::Dns& dns) {
  return [&dns](io::NameQuestion question, io::Answered answered) {
    dns.ask(std::move(question), std::move(answered));
  };
}

}  // namespace

Names::Names(asio::any_io_executor loop, const config::ResolveSpec& how, io::LookUp look_up)
    : dns_(loop, how.servers),
      asks_dns_(!look_up),
      resolver_(loop, look_up ? std::move(look_up) : by_name_servers(dns_)) {
  resolver_.limits(how.min, how.max);
}

void Names::ask_as(const config::ResolveSpec& how) {
  if (asks_dns_) dns_.use(how.servers);
  resolver_.limits(how.min, how.max);
}

NameFollower::NameFollower(const InForce& in_force, io::Resolver& resolver, Committer& committer,
                           Drains& drains, Recorder& recorder)
    : in_force_(in_force), resolver_(resolver), committer_(committer), drains_(drains), recorder_(recorder) {}

void NameFollower::listen(BackendHealth& health, worker::Workers& workers) {
  resolver_.on_notice = [this](const std::string& text) { recorder_.warn("warning", "", text); };
  health.prober.on_failed = [this](const std::string& looked_up) { resolver_.hurry(looked_up); };
  workers.on_unreachable = [this, &health](std::uint32_t id) {
    const health::MonitoredBackend* backend = health.registry.find(id);
    if (!backend) return;
    backend->live->told_unreachable.store(false);
    resolver_.hurry(backend->looked_up);
  };
}

asio::awaitable<void> NameFollower::run() {
  std::uint64_t seen = 0;
  while (!stopped_) {
    if (seen == resolver_.changes()) {
      co_await resolver_.changed().wait();
      continue;
    }
    const Committer::Lock held = co_await committer_.lock();
    if (stopped_) break;
    seen = resolver_.changes();
    co_await publish_names();
  }
}

void NameFollower::stop() {
  stopped_ = true;
  resolver_.changed().notify();
}

// Requires: the committer's lock.
asio::awaitable<void> NameFollower::publish_names() {
  const route::SnapshotPtr before = in_force_.snapshot;
  if (auto next = without_gone_members()) {
    const Invocation invocation = invocation_of("daemon", "the addresses are gone");
    const state::Edit edit = committer_.edit_for(invocation, *next, "resolve");
    route::SnapshotPtr made = committer_.build(*next);
    co_await committer_.put_in_force(edit, std::move(*next), std::move(made), true);
    recorder_.audit(invocation, "resolve", {edit.before, edit.after}, "done");
  } else {
    route::SnapshotPtr made = committer_.build(in_force_.state);
    co_await committer_.publish(std::move(made));
  }
  record_moves(*before, *in_force_.snapshot);
  drains_.follow(in_force_, std::nullopt);
}

void NameFollower::record_moves(const route::Snapshot& before, const route::Snapshot& after) {
  const auto was = looked_up_in(before), is = looked_up_in(after);
  const auto record = [this](const Place& place, const std::string& what) {
    recorder_.info("resolved", place.first, place.first + "/" + place.second + what);
  };
  for (const auto& [place, backend] : is) {
    const auto former = was.find(place);
    if (former == was.end())
      record(place, " is new");
    else if (former->second->endpoints != backend->endpoints)
      record(place, " is at " + addresses_text(*backend) + ", was at " + addresses_text(*former->second));
  }
  for (const auto& [place, backend] : was)
    if (!is.contains(place) && !backend->group.empty()) record(place, " is gone");
}

std::optional<state::State> NameFollower::without_gone_members() const {
  std::optional<state::State> next;
  for (const auto& service : in_force_.state.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) {
        if (backend.members.empty()) continue;
        const auto now = resolver_.find(backend.address);
        const auto is_gone = [&](const state::MemberState& member) {
          return std::none_of(now.begin(), now.end(),
                              [&](const auto& one) { return io::to_string(one) == member.address; });
        };
        if (now.empty() || std::none_of(backend.members.begin(), backend.members.end(), is_gone)) continue;
        if (!next) next = in_force_.state;
        next->generation = in_force_.state.generation + 1;
        std::erase_if(next->service(service.name)->pool(pool.name)->backend(backend.name)->members, is_gone);
      }
  return next;
}

}  // namespace sluice::change
