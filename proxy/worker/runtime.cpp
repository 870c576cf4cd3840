#include "proxy/worker/runtime.hpp"

#include <boost/asio/post.hpp>
#include <map>
#include <utility>

#include "proxy/worker/worker.hpp"

namespace sluice::worker {

using std::chrono::milliseconds;

namespace {

// Calls `done` on control after `count` workers have reported, with the sum of what they reported.
template <class Value>
struct Gather {
  Gather(std::size_t count, std::function<void(Value)> done_) : left(count), done(std::move(done_)) {}
  std::size_t left;
  Value sum{};
  std::function<void(Value)> done;

  template <class Add>
  void report(Value value, Add add) {
    add(sum, std::move(value));
    if (--left == 0) done(std::move(sum));
  }
};

void add_blockers(Blockers& sum, Blockers one) {
  const bool older = one.oldest > sum.oldest || sum.oldest_path.empty();
  const std::size_t requests = sum.requests + one.requests, tunnels = sum.tunnels + one.tunnels;
  if (older && one.requests + one.tunnels > 0) sum = std::move(one);
  sum.requests = requests;
  sum.tunnels = tunnels;
}

tls::ServerOptions tls_options(const config::ListenerSpec& spec, std::shared_ptr<tls::TicketKeys> tickets) {
  tls::ServerOptions options;
  options.listener = spec.name;
  for (const auto& files : spec.tls->certificates)
    options.certificates.push_back({files.cert, files.key, files.ocsp});
  options.client_ca = spec.tls->client_ca;
  options.client_certificate_must = spec.tls->client_auth == "require";
  options.only_tls13 = spec.tls->min_version == "1.3";
  options.tickets = std::move(tickets);
  return options;
}

}  // namespace

struct Runtime::Impl {
  explicit Impl(std::size_t workers) : access_log(workers) {}

  struct Bound {
    config::ListenerSpec spec;
    std::uint16_t port;
    std::shared_ptr<session::ListenerInfo> info;
  };
  std::map<std::string, Bound> bound;  // by listener name
  // Of all listeners and workers; only TLS makes them.
  std::shared_ptr<tls::TicketKeys> tickets;
  observe::AccessLog access_log;
};

Runtime::Runtime(asio::io_context& control, RuntimeOptions options)
    : control_(control), options_(std::move(options)), impl_(std::make_shared<Impl>(options_.workers)) {
  for (std::size_t i = 0; i < options_.workers; ++i) {
    auto worker = std::make_unique<Worker>(i);
    session::Context& context = worker->context();
    context.access_log = &impl_->access_log;
    context.suspect = [this, alive = std::weak_ptr<Impl>(impl_)](std::uint32_t id) {
      asio::post(control_, [this, alive, id] {  // may come when there is no runtime any more
        if (!alive.expired() && on_suspect) on_suspect(id);
      });
    };
    context.unreachable = [this, alive = std::weak_ptr<Impl>(impl_)](std::uint32_t id) {
      asio::post(control_, [this, alive, id] {
        if (!alive.expired() && on_unreachable) on_unreachable(id);
      });
    };
    context.offer = [this, i, turn = i](const void* line) mutable {
      const std::size_t first = turn++ % workers_.size();
      if (first == i) return offer(line, i, workers_.size());
      workers_[first]->enqueue([this, line, first] { offer(line, first, workers_.size()); });
    };
    workers_.push_back(std::move(worker));
  }
}

// On the thread of workers_[index]; `left` of the workers, this one included, have not been asked.
void Runtime::offer(const void* line, std::size_t index, std::size_t left) {
  if (workers_[index]->context().admission.wake(line) || left == 1) return;
  const std::size_t next = (index + 1) % workers_.size();
  workers_[next]->enqueue([this, line, next, left] { offer(line, next, left - 1); });
}

// All threads end before the first worker goes: until then one may write to another.
Runtime::~Runtime() {
  for (auto& worker : workers_) worker->end();
  for (auto& worker : workers_) worker->join();
  workers_.clear();
}

tls::TicketKeys* Runtime::tickets() const { return impl_->tickets.get(); }

// --- listeners

std::string Runtime::set_listeners(const std::vector<config::ListenerSpec>& listeners,
                                   std::vector<InheritedSocket> inherited) {
  struct Opened {
    const config::ListenerSpec* spec;
    net::Bound sockets;
  };
  std::map<std::string, std::shared_ptr<const tls::ServerContext>> secured;  // by listener name
  for (const auto& spec : listeners) {
    if (!spec.tls) continue;
    if (!impl_->tickets) impl_->tickets = std::make_shared<tls::TicketKeys>(tls::TicketKeys::Clock::now());
    std::string error;
    secured[spec.name] = tls::ServerContext::make(tls_options(spec, impl_->tickets), error);
    if (!error.empty()) return error;
  }
  std::vector<Opened> opened;
  for (const auto& spec : listeners) {
    const auto known = impl_->bound.find(spec.name);
    if (known != impl_->bound.end() && known->second.spec.bind.text == spec.bind.text) continue;
    net::Bound sockets = open(spec, inherited);
    if (!sockets.error.empty()) {
      for (auto& other : opened) other.sockets.close();
      return sockets.error;
    }
    opened.push_back({&spec, std::move(sockets)});
  }
  const auto wanted = [&listeners](const std::string& name) -> const config::ListenerSpec* {
    for (const auto& spec : listeners)
      if (spec.name == name) return &spec;
    return nullptr;
  };
  for (auto known = impl_->bound.begin(); known != impl_->bound.end();) {
    const auto* spec = wanted(known->first);
    const bool moved = spec && spec->bind.text != known->second.spec.bind.text;
    if (spec && !moved) {
      known->second.spec = *spec;
      const auto info = make_info(*spec, known->second.info.get(), secured[spec->name]);
      known->second.info = info;
      for (auto& worker : workers_) worker->post([w = worker.get(), info] { w->update_listener(info); });
      ++known;
      continue;
    }
    for (auto& worker : workers_)
      worker->post([w = worker.get(), name = known->first] { w->remove_listener(name); });
    known = impl_->bound.erase(known);
  }
  for (auto& [spec, sockets] : opened) {
    const auto info = make_info(*spec, nullptr, secured[spec->name]);
    for (std::size_t i = 0; i < workers_.size(); ++i)
      workers_[i]->post([w = workers_[i].get(), info, fd = sockets.fds[i]] { w->add_listener(info, fd); });
    impl_->bound[spec->name] = {*spec, sockets.port, info};
  }
  return {};
}

// An inherited socket of the listener's name or address first, else one of our own.
net::Bound Runtime::open(const config::ListenerSpec& spec, std::vector<InheritedSocket>& inherited) {
  for (auto& socket : inherited) {
    if (socket.fd < 0) continue;
    if (socket.name != spec.name && !net::listens_on(socket.fd, spec.bind.host, spec.bind.port)) continue;
    return net::adopt(std::exchange(socket.fd, -1), workers_.size());
  }
  return net::bind(spec.name, spec.bind.host, spec.bind.port, workers_.size());
}

static_assert(config::kMostHeaderBytes == http::kMaxHead && config::kMostTarget == http::kMaxTarget &&
              config::kMostHeaders == http::kMaxFields);

std::shared_ptr<session::ListenerInfo> Runtime::make_info(const config::ListenerSpec& spec,
                                                          const session::ListenerInfo* before,
                                                          std::shared_ptr<const tls::ServerContext> tls) {
  auto info = std::make_shared<session::ListenerInfo>();
  if (before) info->connections = before->connections;  // counted on
  if (spec.max_connections_per_client > 0)
    info->clients = before && before->clients ? before->clients : std::make_shared<observe::ClientTable>();
  info->name = spec.name;
  info->header_timeout = spec.header_timeout;
  info->body_timeout = spec.body_timeout;
  info->idle_timeout = spec.idle_timeout;
  info->max_connections = spec.max_connections;
  info->max_per_client = spec.max_connections_per_client;
  info->max_requests = spec.max_requests;
  info->head = {spec.max_header_bytes, spec.max_target, spec.max_headers};
  info->max_body = spec.max_body;
  info->min_body_rate = spec.min_body_rate;
  info->tls = std::move(tls);
  if (spec.tls) {
    info->handshake_timeout = spec.tls->handshake_timeout;
    info->check_host = spec.tls->check_host;
  }
  info->proxy_protocol = spec.proxy_protocol;
  info->trusted_proxies = spec.trusted_proxies;
  return info;
}

std::uint16_t Runtime::port_of(const std::string& listener) const {
  const auto found = impl_->bound.find(listener);
  return found == impl_->bound.end() ? 0 : found->second.port;
}

std::string Runtime::set_access_log(const config::AccessLogSpec& spec) {
  auto format = parse_log_format(spec.format);
  return impl_->access_log.open(spec.path, format ? std::move(*format) : LogFormat());
}
void Runtime::reopen_access_log() { impl_->access_log.reopen(); }

// --- publishing

void Runtime::start(route::SnapshotPtr first) {
  for (auto& worker : workers_) worker->start(first);
}

void Runtime::publish(route::SnapshotPtr next, std::function<void()> done) {
  auto gather = std::make_shared<Gather<int>>(workers_.size(), [done = std::move(done)](int) { done(); });
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), next, gather] {
      w->adopt(next);
      asio::post(control_, [gather] { gather->report(0, [](int&, int) {}); });
    });
}

// --- drains

void Runtime::close_tunnels(std::vector<std::uint32_t> ids, TunnelPolicy policy) {
  for (auto& worker : workers_)
    worker->post([w = worker.get(), ids, policy] { w->close_tunnels(ids, policy); });
}

void Runtime::abort_in_flight(std::vector<std::uint32_t> ids, std::function<void(std::size_t)> done) {
  auto gather = std::make_shared<Gather<std::size_t>>(workers_.size(), std::move(done));
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), ids, gather] {
      const std::size_t closed = w->abort_in_flight(ids);
      asio::post(control_, [gather, closed] {
        gather->report(closed, [](std::size_t& sum, std::size_t n) { sum += n; });
      });
    });
}

void Runtime::blockers(std::vector<std::uint32_t> ids, std::function<void(Blockers)> done) {
  auto gather = std::make_shared<Gather<Blockers>>(workers_.size(), std::move(done));
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), ids, gather] {
      asio::post(control_, [gather, found = w->blockers(ids)]() mutable {
        gather->report(std::move(found), add_blockers);
      });
    });
}

void Runtime::shut_down(milliseconds deadline, std::function<void(std::size_t)> done) {
  auto gather = std::make_shared<Gather<std::size_t>>(workers_.size(), std::move(done));
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), deadline, gather] {
      w->shut_down(deadline, [this, gather](std::size_t cut) {
        asio::post(control_,
                   [gather, cut] { gather->report(cut, [](std::size_t& sum, std::size_t n) { sum += n; }); });
      });
    });
}

namespace {

void add(Handshakes& to, const session::HandshakeCounters& some) {
  to.done += some.done.get();
  to.resumed += some.resumed.get();
  to.slow += some.slow.get();
  to.closed += some.closed.get();
  to.broken += some.broken.get();
  to.untrusted += some.untrusted.get();
}

}  // namespace

Totals Runtime::totals() const {
  Totals totals;
  for (const auto& worker : workers_) {
    const auto& counters = worker->context().counters;
    totals.connections += counters.connections.get();
    totals.accepted += counters.accepted.get();
    totals.accept_errors += counters.accept_errors.get();
    totals.over_connection_limit += counters.over_connection_limit.get();
    totals.over_client_limit += counters.over_client_limit.get();
    totals.bad_proxy_header += counters.bad_proxy_header.get();
    for (std::size_t i = 0; i < kRefusalReasons.size(); ++i)
      totals.refused_requests[i] += counters.refused_requests[i].get();
    add(totals.client_handshakes, counters.client_handshakes);
    add(totals.backend_handshakes, counters.backend_handshakes);
  }
  totals.access_log_dropped = impl_->access_log.dropped();
  return totals;
}

}  // namespace sluice::worker
