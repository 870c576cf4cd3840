#include "proxy/worker/worker.hpp"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "proxy/worker/listener.hpp"

namespace sluice::worker {

using std::chrono::milliseconds;

namespace {
constexpr auto kEnd = std::chrono::seconds(2);  // what was closed has this long to unwind
constexpr milliseconds kIdleSpread{10'000};     // idle clients leave one by one within
}  // namespace

Worker::Worker(std::size_t index, std::size_t workers) : workers_(workers), context_(index) {}

Worker::~Worker() { join(); }

void Worker::end() {
  if (!thread_.joinable()) return;
  post([this] {
    shut_down(milliseconds(0), Shutdown(), [](std::size_t) {});
    end_at_ = net::Clock::now() + kEnd;
  });
}

void Worker::join() {
  end();
  if (thread_.joinable()) thread_.join();
}

void Worker::post(std::function<void()> work) {
  if (!thread_.joinable()) return work();
  enqueue(std::move(work));
}

void Worker::enqueue(std::function<void()> work) { mail_.post(std::move(work)); }

void Worker::start(route::SnapshotPtr first) {
  adopt(std::move(first));
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("sluice-" + std::to_string(context_.worker)).c_str());
    run();
    exchange_.view.reset();
  });
}

void Worker::run() {
  auto next_tick = net::Clock::now();
  while (!ended_) {
    const auto now = net::Clock::now();
    if (now >= next_tick) {
      tick(now);
      next_tick = now + net::TimerWheel::kTick;
    }
    if (context_.poller.wait(std::chrono::ceil<milliseconds>(next_tick - now))) mail_.run();
  }
}

void Worker::tick(net::Clock::time_point now) {
  context_.wheel.advance(std::chrono::duration_cast<milliseconds>(now - started_));
  trimmer_.tick(now, context_.let_go);
  if (idle_until_) end_some_idle(now);
  if (shutdown_done_) watch_shutdown();
  if (end_at_ && exchange_.mirrors.active() > 0) exchange_.mirrors.end();
  const bool busy = connections() > 0 || exchange_.mirrors.active() > 0;
  if (!end_at_ || (busy && now <= *end_at_)) return;
  exchange_.mirrors.end();
  exchange_.backends.each_backend([](upstream::Backend& backend) { backend.close_idle(); });
  // HTTP/2 says goodbye first.
  ended_ = connector_.http2_connections() == 0 || now > *end_at_;
}

void Worker::add_listener(std::uint64_t id, std::shared_ptr<const client::ListenerInfo> info, int fd) {
  listeners_.push_back(std::make_unique<Listener>(*this, id, std::move(info), fd));
}

void Worker::update_listener(std::uint64_t id, std::shared_ptr<const client::ListenerInfo> info) {
  for (auto& listener : listeners_)
    if (listener->id() == id) listener->update(info);
}

void Worker::remove_listener(std::uint64_t id, Leave how) {
  for (auto& listener : listeners_)
    if (listener->id() == id) listener->leave(how);
  if (how != Leave::linger)
    std::erase_if(listeners_, [id](const auto& listener) { return listener->id() == id; });
}

void Worker::forget(Listener& gone) {
  std::erase_if(listeners_, [&gone](const auto& listener) { return listener.get() == &gone; });
}

void Worker::adopt(route::SnapshotPtr snapshot) {
  context_.generation = snapshot->generation;
  exchange_.view = exchange_.backends.adopt(std::move(snapshot));
  exchange_.pauses.adopt(*exchange_.view);
  exchange_.mirrors.adopt(*exchange_.view);
}

void Worker::close_tunnels(const std::vector<std::uint32_t>& ids, TunnelPolicy policy) {
  if (policy.kind == TunnelPolicy::Kind::wait) return;
  for (const auto id : ids) {
    upstream::Backend* backend = exchange_.backends.find(id);
    if (!backend) continue;
    backend->each_activity([this, &policy](upstream::Activity& activity) {
      if (!activity.is_tunnel()) return;
      if (policy.kind == TunnelPolicy::Kind::now) return activity.end_within(milliseconds(0));
      const auto window = static_cast<std::uint64_t>(std::max<std::int64_t>(1, policy.window.count()));
      activity.end_within(milliseconds(exchange_.random.next() % window));
    });
  }
}

// By chance, so that those who came first, or together, do not leave and come back together.
std::size_t Worker::close_some_tunnels(const std::vector<std::uint32_t>& ids, std::size_t count,
                                       milliseconds within) {
  std::vector<upstream::Activity*> open;
  for (const auto id : ids)
    if (upstream::Backend* backend = exchange_.backends.find(id))
      backend->each_activity([&open](upstream::Activity& activity) {
        if (activity.is_tunnel() && !activity.is_leaving()) open.push_back(&activity);
      });
  const auto window = static_cast<std::uint64_t>(std::max<std::int64_t>(1, within.count()));
  const std::size_t chosen = std::min(count, open.size());
  for (std::size_t i = 0; i < chosen; ++i) {
    std::swap(open[i], open[i + exchange_.random.next() % (open.size() - i)]);
    open[i]->end_within(milliseconds(exchange_.random.next() % window));
  }
  return open.size() - chosen;
}

std::size_t Worker::abort_in_flight(const std::vector<std::uint32_t>& ids) {
  std::size_t closed = 0;
  for (const auto id : ids)
    if (upstream::Backend* backend = exchange_.backends.find(id))
      backend->each_activity([&closed](upstream::Activity& activity) {
        activity.abort();
        ++closed;
      });
  return closed;
}

Blockers Worker::blockers(const std::vector<std::uint32_t>& ids) {
  Blockers result;
  const auto now = net::Clock::now();
  for (const auto id : ids) {
    upstream::Backend* backend = exchange_.backends.find(id);
    if (!backend) continue;
    backend->each_activity([&result, now](upstream::Activity& activity) {
      ++(activity.is_tunnel() ? result.tunnels : result.requests);
      const auto age = std::chrono::duration_cast<milliseconds>(now - activity.began());
      if (age < result.oldest || (!result.oldest_path.empty() && age == result.oldest)) return;
      result.oldest = age;
      result.oldest_path = activity.path();
      result.oldest_client = activity.client();
    });
  }
  return result;
}

std::size_t Worker::connections() const {
  std::size_t count = 0;
  for (const auto& listener : listeners_) count += listener->awaits();
  for (const net::WheelHook* hook = connections_.next; hook != &connections_; hook = hook->next) ++count;
  return count;
}

// After a hand-over, clients whose PROXY headers have not come yet are this process's as all others are.
void Worker::close_listeners(bool handed_over) {
  std::erase_if(listeners_, [handed_over](const auto& listener) {
    if (handed_over) listener->close_socket();
    return !handed_over || listener->awaits() == 0;
  });
}

void Worker::shut_down(milliseconds deadline, Shutdown how, std::function<void(std::size_t)> done) {
  const bool handed_over = how.handed_over;
  close_listeners(handed_over);
  context_.shutting_down = true;
  context_.holds_nothing = !handed_over;
  if (!handed_over) exchange_.pauses.give_up();
  for (net::WheelHook* hook = connections_.next; hook != &connections_; hook = hook->next) {
    client::Connection& connection = client::Connection::from(*hook);
    handed_over ? connection.retire() : connection.drain();
  }
  if (handed_over) idle_until_ = net::Clock::now() + std::min<milliseconds>(kIdleSpread, deadline / 2);
  end_tunnels(deadline, how);
  shutdown_time_ = deadline;
  shutdown_deadline_ = net::Clock::now() + deadline;
  shutdown_done_ = std::move(done);
  watch_shutdown();
}

// One by one in the first nine tenths of the time, so that their clients do not come back all at once. When
// another process serves already there is time to wait whether they end by themselves.
void Worker::end_tunnels(milliseconds deadline, Shutdown how) {
  const milliseconds most = deadline * 9 / 10;
  if (how.pace > 0) how.tunnels = time_at_pace(how.pace);
  const bool spread = how.handed_over && how.tunnels.count() > 0;
  const milliseconds last = std::max(milliseconds(1), spread ? std::min(most, how.tunnels) : most);
  const milliseconds first = how.handed_over && !spread ? last / 2 : milliseconds(0);
  const auto window = static_cast<std::uint64_t>((last - first).count());
  exchange_.backends.each_backend([this, first, window](upstream::Backend& backend) {
    backend.each_activity([this, first, window](upstream::Activity& activity) {
      const milliseconds wait = first + milliseconds(exchange_.random.next() % window);
      if (activity.is_tunnel()) activity.end_within(wait);
    });
  });
}

// What this worker's tunnels take at its part of a pace.
milliseconds Worker::time_at_pace(std::uint32_t of_all) {
  std::uint64_t tunnels = 0;
  exchange_.backends.each_backend([&tunnels](upstream::Backend& backend) {
    backend.each_activity(
        [&tunnels](upstream::Activity& activity) { tunnels += activity.is_tunnel() ? 1 : 0; });
  });
  return std::max(milliseconds(1), milliseconds(tunnels * 1000 * workers_ / of_all));
}

// One by one, so that they do not all come back at once. Who asks one thing after the other leaves with an
// answer that says so; who has just come, or has just asked, is waited for longest.
void Worker::end_some_idle(net::Clock::time_point now) {
  const auto left = std::chrono::duration_cast<milliseconds>(*idle_until_ - now);
  const auto ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(1, left / net::TimerWheel::kTick));
  for (net::WheelHook* hook = connections_.next; hook != &connections_;) {
    client::Connection& connection = client::Connection::from(*hook);
    hook = hook->next;
    const bool may_leave = left > milliseconds(0) ? connection.is_quiet() : connection.is_idle();
    if (may_leave && exchange_.random.next() % ticks == 0) connection.drain();
  }
}

// After a hand-over requests may be held (P1): the process that took over says when they go, and then they
// have as long as all others had.
void Worker::watch_shutdown() {
  if (idle_until_ && exchange_.pauses.holds_any()) shutdown_deadline_ = net::Clock::now() + shutdown_time_;
  const std::size_t left = connections();
  if (left > 0 && net::Clock::now() < shutdown_deadline_) return;
  if (left > 0 && !cut_) return abort_all(left);
  const auto done = std::exchange(shutdown_done_, nullptr);
  if (left > 0) close_connections();
  done(cut_.value_or(0));
}

// What still runs ends as at a drain's deadline (D3): a gRPC call with its status, a request that has no
// answer yet with one. These get a moment to go out.
void Worker::abort_all(std::size_t left) {
  constexpr milliseconds kLastWords{200};
  cut_ = left;
  exchange_.backends.each_backend([](upstream::Backend& backend) {
    backend.each_activity([](upstream::Activity& activity) { activity.abort(); });
  });
  shutdown_deadline_ += kLastWords;
}

void Worker::close_connections() {
  for (net::WheelHook* hook = connections_.next; hook != &connections_; hook = hook->next)
    client::Connection::from(*hook).close_now();
}

}  // namespace sluice::worker
