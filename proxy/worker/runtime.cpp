#include "proxy/worker/runtime.hpp"

#include <map>
#include <utility>

#include "proxy/base/signal_mask.hpp"
#include "proxy/worker/listener_set.hpp"
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

}  // namespace

struct Runtime::Impl {
  Impl(const std::vector<std::unique_ptr<Worker>>& all, std::size_t workers)
      : listeners(all), access_log(workers), spans(workers) {}

  ListenerSet listeners;
  observe::AccessLog access_log;
  observe::Spans spans;
};

Runtime::Runtime(PostToControl control, RuntimeOptions options)
    : control_(std::move(control)),
      options_(std::move(options)),
      impl_(std::make_shared<Impl>(workers_, options_.workers)) {
  for (std::size_t i = 0; i < options_.workers; ++i) {
    auto worker = std::make_unique<Worker>(i, options_.workers);
    worker->context().access_log = &impl_->access_log;
    exchange::Context& context = worker->exchange();
    context.suspect = [this, alive = std::weak_ptr<Impl>(impl_)](std::uint32_t id) {
      control_([this, alive, id] {  // may come when there is no runtime any more
        if (!alive.expired() && on_suspect) on_suspect(id);
      });
    };
    context.unreachable = [this, alive = std::weak_ptr<Impl>(impl_)](std::uint32_t id) {
      control_([this, alive, id] {
        if (!alive.expired() && on_unreachable) on_unreachable(id);
      });
    };
    context.offer_slot = [this, i, turn = i](exchange::QueueKey key) mutable {
      const std::size_t first = turn++ % workers_.size();
      if (first == i) return offer(key, i, workers_.size());
      workers_[first]->enqueue([this, key, first] { offer(key, first, workers_.size()); });
    };
    workers_.push_back(std::move(worker));
  }
}

// On the thread of workers_[index]; `left` of the workers, this one included, have not been asked.
void Runtime::offer(exchange::QueueKey key, std::size_t index, std::size_t left) {
  if (workers_[index]->exchange().concurrency.wake_next(key) || left == 1) return;
  const std::size_t next = (index + 1) % workers_.size();
  workers_[next]->enqueue([this, key, next, left] { offer(key, next, left - 1); });
}

// All threads end before the first worker goes: until then one may write to another.
Runtime::~Runtime() {
  for (auto& worker : workers_) worker->end();
  for (auto& worker : workers_) worker->join();
  workers_.clear();
}

// --- listeners

std::string Runtime::prepare_listeners(const std::vector<config::ListenerSpec>& listeners) {
  return impl_->listeners.prepare(listeners, std::exchange(options_.inherited, {}));
}
std::string Runtime::listen() { return impl_->listeners.listen(); }
void Runtime::take_listeners() { impl_->listeners.take(); }
void Runtime::forget_listeners() { impl_->listeners.forget(); }
std::string Runtime::set_certificates(const std::string& listener, OwnCertificates certificates) {
  return impl_->listeners.set_certificates(listener, std::move(certificates));
}
std::uint16_t Runtime::port_of(const std::string& listener) const {
  return impl_->listeners.port_of(listener);
}
std::vector<ListeningSockets> Runtime::listening() const { return impl_->listeners.listening(); }
tls::TicketKeys* Runtime::tickets() const { return impl_->listeners.tickets(); }

std::string Runtime::set_access_log(const config::AccessLogSpec& spec) {
  const SignalsBlocked blocked;  // in the log's thread
  auto format = parse_log_format(spec.format);
  return impl_->access_log.open(spec.path, format ? std::move(*format) : LogFormat());
}
void Runtime::reopen_access_log() { impl_->access_log.reopen(); }

void Runtime::set_tracing(const config::TracingSpec& spec) {
  if (spec.on()) impl_->spans.make_rings();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    observe::Tracing tracing;
    if (spec.on()) tracing = {impl_->spans.ring(i), spec.ratio, spec.errors};
    workers_[i]->post([w = workers_[i].get(), tracing] { w->context().tracing = tracing; });
  }
}
observe::Spans* Runtime::spans() { return &impl_->spans; }

// --- publishing

void Runtime::start(route::SnapshotPtr first) {
  const SignalsBlocked blocked;  // in the workers' threads
  for (auto& worker : workers_) worker->start(first);
}

void Runtime::publish(route::SnapshotPtr next, std::function<void()> done) {
  auto gather = std::make_shared<Gather<int>>(workers_.size(), [done = std::move(done)](int) { done(); });
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), next, gather] {
      w->adopt(next);
      control_([gather] { gather->report(0, [](int&, int) {}); });
    });
}

// --- drains

void Runtime::close_tunnels(std::vector<std::uint32_t> ids, TunnelPolicy policy) {
  for (auto& worker : workers_)
    worker->post([w = worker.get(), ids, policy] { w->close_tunnels(ids, policy); });
}

void Runtime::close_some_tunnels(std::vector<std::uint32_t> ids, std::vector<std::size_t> of_each,
                                 milliseconds within, std::function<void(std::vector<std::size_t>)> done) {
  using Left = std::vector<std::size_t>;
  auto gather = std::make_shared<Gather<Left>>(workers_.size(), std::move(done));
  gather->sum.resize(workers_.size());
  of_each.resize(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->post([this, i, w = workers_[i].get(), ids, count = of_each[i], within, gather] {
      const std::size_t left = w->close_some_tunnels(ids, count, within);
      control_(
          [gather, i, left] { gather->report({}, [i, left](Left& sum, const Left&) { sum[i] = left; }); });
    });
}

void Runtime::abort_in_flight(std::vector<std::uint32_t> ids, std::function<void(std::size_t)> done) {
  auto gather = std::make_shared<Gather<std::size_t>>(workers_.size(), std::move(done));
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), ids, gather] {
      const std::size_t closed = w->abort_in_flight(ids);
      control_(
          [gather, closed] { gather->report(closed, [](std::size_t& sum, std::size_t n) { sum += n; }); });
    });
}

void Runtime::blockers(std::vector<std::uint32_t> ids, std::function<void(Blockers)> done) {
  auto gather = std::make_shared<Gather<Blockers>>(workers_.size(), std::move(done));
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), ids, gather] {
      control_(
          [gather, found = w->blockers(ids)]() mutable { gather->report(std::move(found), add_blockers); });
    });
}

void Runtime::shut_down(milliseconds deadline, Shutdown how, std::function<void(std::size_t)> done) {
  auto gather = std::make_shared<Gather<std::size_t>>(workers_.size(), std::move(done));
  for (auto& worker : workers_)
    worker->post([this, w = worker.get(), deadline, how, gather] {
      w->shut_down(deadline, how, [this, gather](std::size_t cut) {
        control_([gather, cut] { gather->report(cut, [](std::size_t& sum, std::size_t n) { sum += n; }); });
      });
    });
}

observe::AllWorkers Runtime::counters() const {
  observe::AllWorkers all;
  for (const auto& worker : workers_) all.workers.push_back(&worker->context().counters);
  return all;
}

std::uint64_t Runtime::access_log_dropped() const { return impl_->access_log.dropped(); }

}  // namespace sluice::worker
