#include "proxy/worker/listener_set.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "proxy/worker/worker.hpp"

namespace sluice::worker {
namespace {

tls::ServerOptions tls_options(const config::ListenerSpec& spec, const OwnCertificates& own,
                               std::shared_ptr<tls::TicketKeys> tickets) {
  tls::ServerOptions options;
  options.listener = spec.name;
  for (const auto& files : spec.tls->certificates)
    options.certificates.push_back({files.cert, files.key, files.ocsp});
  if (spec.tls->acme) {
    options.issued = own.issued;
    options.promised = spec.tls->acme->domains;
    options.challenges = own.challenges;
  }
  options.client_ca = spec.tls->client_ca;
  options.client_certificate_must = spec.tls->client_auth == "require";
  options.only_tls13 = spec.tls->min_version == "1.3";
  options.h2 = spec.protocols.h2;
  options.http1 = spec.protocols.h1;
  options.tickets = std::move(tickets);
  return options;
}

static_assert(config::kMostHeaderBytes == http1::kMaxHead && config::kMostTarget == http1::kMaxTarget &&
              config::kMostHeaders == http::kMaxFields);

void close_all(const std::vector<int>& fds) {
  for (const int fd : fds) ::close(fd);
}

// `before` is of the same listener before a reload, or null.
std::shared_ptr<client::ListenerInfo> make_info(const config::ListenerSpec& spec,
                                                const client::ListenerInfo* before,
                                                std::shared_ptr<const tls::ServerContext> tls) {
  auto info = std::make_shared<client::ListenerInfo>();
  if (before) info->connections = before->connections;  // counted on
  if (spec.max_connections_per_client > 0)
    info->clients = before && before->clients ? before->clients : std::make_shared<observe::ClientTable>();
  info->spec = spec;
  info->tls = std::move(tls);
  return info;
}

}  // namespace

ListenerSet::~ListenerSet() {
  forget();
  for (const auto& spare : spare_) close_all(spare.fds);
  for (const auto& [name, open] : open_)
    if (open.lent >= 0) ::close(open.lent);
}

// --- prepare

std::string ListenerSet::prepare(const std::vector<config::ListenerSpec>& wanted,
                                 std::vector<ListeningSockets> inherited) {
  forget();
  for (auto& sockets : inherited) spare_.push_back(std::move(sockets));
  for (const auto& spec : wanted) wanted_.push_back({spec, nullptr, {}, {}, -1});
  std::string error;
  for (auto& one : wanted_)
    if (error.empty()) one.tls = secured(one.spec, own_[one.spec.name], error);
  // A listener's own socket first, so that two of one address do not swap theirs.
  for (auto& one : wanted_) reuse(one, wanted, true);
  for (auto& one : wanted_)
    if (one.from.empty()) reuse(one, wanted, false);
  for (auto& one : wanted_)
    if (error.empty() && one.from.empty() && !adopt_spare(one)) error = open(one);
  if (error.empty()) error = same_place_twice();
  if (!error.empty()) forget();
  return error;
}

// Null for a listener that speaks clear text, and with an error.
std::shared_ptr<const tls::ServerContext> ListenerSet::secured(const config::ListenerSpec& spec,
                                                               const OwnCertificates& own,
                                                               std::string& error) {
  if (!spec.tls) return nullptr;
  if (!tickets_) tickets_ = std::make_shared<tls::TicketKeys>(tls::TicketKeys::Clock::now());
  return tls::ServerContext::make(tls_options(spec, own, tickets_), error);
}

// Connections keep what they have; a listener that is prepared meanwhile has read what was there before, so
// this one goes to it, too.
std::string ListenerSet::set_certificates(const std::string& listener, OwnCertificates certificates) {
  std::string error;
  std::shared_ptr<const tls::ServerContext> next, prepared;
  const auto open = open_.find(listener);
  const auto wanted = std::ranges::find(wanted_, listener, [](const Wanted& one) { return one.spec.name; });
  if (open != open_.end()) next = secured(open->second.spec, certificates, error);
  if (error.empty() && wanted != wanted_.end()) prepared = secured(wanted->spec, certificates, error);
  if (!error.empty()) return error;
  own_[listener] = std::move(certificates);
  if (prepared) wanted->tls = std::move(prepared);
  if (!next) return {};
  Open& in_force = open->second;
  in_force.info = make_info(in_force.spec, in_force.info.get(), std::move(next));
  give_to_workers(in_force, false);
  return {};
}

bool ListenerSet::is_claimed(const std::string& name) const {
  return std::any_of(wanted_.begin(), wanted_.end(), [&name](const Wanted& one) { return one.from == name; });
}

// Of another listener only what that one does not want itself: one that is renamed keeps its socket, two that
// swap their addresses swap their sockets. A port that the kernel chose is kept by whoever asks for one.
bool ListenerSet::reuse(Wanted& wanted, const std::vector<config::ListenerSpec>& all, bool same_name) {
  const auto& bind = wanted.spec.bind;
  for (const auto& [name, open] : open_) {
    if ((name == wanted.spec.name) != same_name || is_claimed(name)) continue;
    const config::ListenerSpec& had = open.spec;
    const bool still_there = std::any_of(all.begin(), all.end(), [&had](const config::ListenerSpec& spec) {
      return spec.name == had.name && spec.bind.text == had.bind.text;
    });
    if (!same_name && still_there) continue;
    const bool same_text = had.bind.text == bind.text;
    const bool same_place = bind.port != 0 && net::listens_on(open.sockets.fds.front(), bind.host, bind.port);
    if (!same_text && !same_place) continue;
    wanted.from = name;
    return true;
  }
  return false;
}

// Passed in under the listener's name, or for its address; or used by it before it moved away.
bool ListenerSet::fits(const ListeningSockets& spare, const config::ListenerSpec& spec) const {
  const bool taken = std::any_of(wanted_.begin(), wanted_.end(),
                                 [&spare](const Wanted& one) { return one.spare == spare.fds.front(); });
  if (taken) return false;
  if (spare.bind.empty() && spare.name == spec.name) return true;
  // Of several listeners with a port that the kernel chose each gets its own.
  if (spec.bind.port == 0 && spare.name != spec.name) return false;
  return spare.bind == spec.bind.text || net::listens_on(spare.fds.front(), spec.bind.host, spec.bind.port);
}

bool ListenerSet::adopt_spare(Wanted& wanted) {
  for (const ListeningSockets& spare : spare_) {
    if (spare.fds.empty() || !fits(spare, wanted.spec)) continue;
    wanted.opened.sockets = net::adopt(spare.fds, workers_.size());
    if (!wanted.opened.sockets.error.empty()) return false;
    if (spare.lent) net::let_others_beside(wanted.opened.sockets.fds.front());
    wanted.spare = spare.fds.front();
    return true;
  }
  return false;
}

std::string ListenerSet::open(Wanted& wanted) {
  const auto ours = own_sockets();
  const auto& bind = wanted.spec.bind;
  wanted.opened.sockets = net::bind(wanted.spec.name, bind.host, bind.port, workers_.size(), ours);
  return wanted.opened.sockets.error;
}

net::Ours ListenerSet::own_sockets() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(leaving_, [now](const auto& one) { return now - one.first > 2 * kLinger; });
  net::Ours ours;
  const auto add = [&all = ours.sockets](const net::Bound& sockets) {
    all.insert(all.end(), sockets.fds.begin(), sockets.fds.end());
  };
  for (const auto& [name, open] : open_) add(open.sockets);
  for (const auto& wanted : wanted_) add(wanted.opened.sockets);
  for (const auto& spare : spare_)
    ours.sockets.insert(ours.sockets.end(), spare.fds.begin(), spare.fds.end());
  for (const auto& [since, inode] : leaving_) ours.leaving.push_back(inode);
  return ours;
}

// SO_REUSEPORT would let two of our own share an address, and each client would meet one of them by chance.
std::string ListenerSet::same_place_twice() const {
  const auto socket_of = [this](const Wanted& wanted) {
    const auto& sockets = wanted.from.empty() ? wanted.opened.sockets : open_.at(wanted.from).sockets;
    return sockets.fds.front();
  };
  for (auto one = wanted_.begin(); one != wanted_.end(); ++one)
    for (auto other = std::next(one); other != wanted_.end(); ++other)
      if (net::same_address(socket_of(*one), socket_of(*other)))
        return "listeners " + one->spec.name + " and " + other->spec.name + " have the same address, " +
               one->spec.bind.text + " is " + other->spec.bind.text;
  return {};
}

void ListenerSet::forget() {
  for (auto& wanted : wanted_) wanted.opened.sockets.close();
  wanted_.clear();
}

// --- in force

std::string ListenerSet::listen() {
  std::string error;
  const auto ours = own_sockets();
  for (const auto& wanted : wanted_)
    if (error.empty()) error = net::listen(wanted.spec.name, wanted.opened.sockets, ours);
  if (!error.empty()) forget();
  return error;
}

// A listener's count of connections goes with its name, or with its socket when it has a new one.
std::shared_ptr<client::ListenerInfo> ListenerSet::info_for(const Wanted& wanted) const {
  const auto named = open_.find(wanted.spec.name);
  const auto from = named != open_.end() ? named : open_.find(wanted.from);
  return make_info(wanted.spec, from == open_.end() ? nullptr : from->second.info.get(), wanted.tls);
}

void ListenerSet::take() {
  std::map<std::string, Open> next;
  std::vector<std::uint16_t> new_ports;
  for (auto& wanted : wanted_) {
    Open& open = next[wanted.spec.name];
    const auto info = info_for(wanted);
    const bool is_new = wanted.from.empty();
    open = is_new ? std::move(wanted.opened) : open_.at(wanted.from);
    if (is_new) {
      open.id = ++last_id_;
      new_ports.push_back(open.sockets.port);
      settle_spare(wanted, open);
    }
    open.spec = wanted.spec;
    open.info = info;
    give_to_workers(open, is_new);
  }
  for (auto& [name, open] : open_)
    if (!is_claimed(name)) retire(open, new_ports);
  // What another process had and this one is not to have; a service manager's stays for a later reload.
  std::erase_if(spare_, [](const ListeningSockets& spare) {
    if (!spare.lent) close_all(spare.fds);
    return !spare.lent;
  });
  open_ = std::move(next);
  wanted_.clear();
}

// A process that had more workers leaves more sockets: the kernel spreads clients over all of them.
void ListenerSet::give_to_workers(const Open& open, bool is_new) {
  const std::size_t count = is_new ? open.sockets.fds.size() : workers_.size();
  for (std::size_t i = 0; i < count; ++i) {
    Worker* const worker = workers_[i % workers_.size()].get();
    worker->post([worker, info = open.info, id = open.id, is_new, fd = open.sockets.fds[i]] {
      is_new ? worker->add_listener(id, info, fd) : worker->update_listener(id, info);
    });
  }
}

// The listener has copies of the sockets that were passed in. The service manager's is kept beside them.
void ListenerSet::settle_spare(const Wanted& wanted, Open& open) {
  const auto spare = std::find_if(spare_.begin(), spare_.end(), [&wanted](const ListeningSockets& one) {
    return !one.fds.empty() && one.fds.front() == wanted.spare;
  });
  if (spare == spare_.end()) return;
  if (spare->lent)
    open.lent = spare->fds.front();
  else
    close_all(spare->fds);
  spare_.erase(spare);
}

std::vector<ListeningSockets> ListenerSet::listening() const {
  std::vector<ListeningSockets> all = spare_;
  for (const auto& [name, open] : open_) {
    const bool lent = open.lent >= 0;
    all.push_back({lent ? std::vector<int>{open.lent} : open.sockets.fds, name, open.spec.bind.text, lent});
  }
  return all;
}

// Where a new socket has the same port, clients go on to connect there meanwhile.
void ListenerSet::retire(Open& gone, const std::vector<std::uint16_t>& new_ports) {
  Leave how = Leave::close;
  if (gone.lent >= 0) {
    how = Leave::stop_listening;
    spare_.push_back({{gone.lent}, gone.spec.name, gone.spec.bind.text, true});
  } else {
    bool turned_away = true;
    for (const int fd : gone.sockets.fds) turned_away = net::turn_away(fd) && turned_away;
    const bool goes_on = std::find(new_ports.begin(), new_ports.end(), gone.sockets.port) != new_ports.end();
    if (turned_away && goes_on) how = Leave::linger;
    const auto now = std::chrono::steady_clock::now();
    for (const int fd : gone.sockets.fds) leaving_.emplace_back(now, net::inode_of(fd));
  }
  for (const auto& worker : workers_)
    worker->post([w = worker.get(), id = gone.id, how] { w->remove_listener(id, how); });
}

std::uint16_t ListenerSet::port_of(const std::string& listener) const {
  const auto found = open_.find(listener);
  return found == open_.end() ? 0 : found->second.sockets.port;
}

}  // namespace sluice::worker
