#include "control/change/pause_verbs.hpp"

#include <boost/asio/use_awaitable.hpp>

#include "control/change/replies.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
namespace json = boost::json;
using protocol::Changed;
using std::chrono::milliseconds;

namespace {

milliseconds passed_since(io::Clock::time_point began) {
  return std::chrono::duration_cast<milliseconds>(io::Clock::now() - began);
}

std::string requests_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " request is" : " requests are");
}

std::uint32_t held_by(const observe::HoldLive& hold) { return hold.held.load() + hold.held_elsewhere.load(); }

// What the process before this one holds came first, and takes so long to be let go.
std::int64_t micros_for(std::uint32_t held, std::uint32_t rate) {
  return rate > 0 ? std::int64_t{held} * 1'000'000 / rate : 0;
}

// The held requests of a paused service; null when it is not.
observe::HoldLive* hold_of(const InForce& now, const std::string& service) {
  const route::Service* routed = now.routed(service);
  return routed && routed->hold ? &routed->live->hold : nullptr;
}

}  // namespace

std::int64_t steady_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(io::Clock::now().time_since_epoch()).count();
}

void begin_release(observe::HoldLive& hold, std::uint32_t rate, std::int64_t began) {
  hold.release_rate.store(rate);
  hold.release_began_micros.store(began);
  hold.released.store(0);
}

PauseVerbs::PauseVerbs(const Planning& planning, Committer& committer, Waits& waits, Recorder& recorder,
                       io::Background& background)
    : planning_(planning),
      committer_(committer),
      waits_(waits),
      recorder_(recorder),
      background_(background) {}

asio::awaitable<Result<Changed>> PauseVerbs::pause(Invocation invocation, protocol::Pause message) {
  const bool dry = invocation.options.dry_run;
  const std::string service = message.service;
  Proposal proposal = propose(planning_, invocation, message);
  auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (!reply || dry) co_return reply;
  const auto began = io::Clock::now();
  announce_quiet(service);
  if (message.wait) {
    const auto limit = message.timeout.count() > 0 ? began + message.timeout : io::Clock::time_point::max();
    const bool quiet = co_await waits_.until_quiet(service, limit);
    if (!quiet)
      co_return protocol::timed_out(service + " is paused, and " + requests_text(waits_.under_way(service)) +
                                    " still in flight after " + duration_text(message.timeout) +
                                    "; generation " + std::to_string(reply->generation) + " is in force");
    reply->more["quiet_ms"] = passed_since(began).count();
  }
  const std::uint64_t left = waits_.under_way(service);
  reply->more["in_flight"] = left;
  add_notes(*reply, {left == 0 ? "nothing is in flight: in flight 0"
                               : requests_text(left) +
                                     " still in flight; status, and the event 'quiet', say when there are "
                                     "none"});
  co_return reply;
}

// The workers get the release rate when the resume is in the journal and before it is published: a resume
// that is refused leaves the pause as it is.
asio::awaitable<Result<Changed>> PauseVerbs::resume(Invocation invocation, protocol::Resume message) {
  const auto waiting = std::make_shared<std::uint32_t>(0);
  if (const auto* hold = hold_of(planning_.in_force, message.service)) *waiting = held_by(*hold);
  Proposal proposal = propose(planning_, invocation, message);
  proposal.before_publish = [this, waiting, service = message.service, rate = message.rate] {
    observe::HoldLive* hold = hold_of(planning_.in_force, service);
    if (!hold) return;
    *waiting = held_by(*hold);
    begin_release(*hold, rate, steady_micros() + micros_for(hold->held_elsewhere.load(), rate));
  };
  auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (!reply || !reply->changed) co_return reply;
  reply->more["held"] = *waiting;
  if (*waiting > 0)
    add_notes(*reply, {requests_text(*waiting) + " let go" +
                       (message.rate > 0 ? ", " + std::to_string(message.rate) + " a second" : " at once")});
  co_return reply;
}

asio::awaitable<Result<Changed>> PauseVerbs::stop(Invocation invocation, protocol::Stop message) {
  const bool dry = invocation.options.dry_run;
  const std::string service = message.service;
  Proposal proposal = propose(planning_, invocation, std::move(message));
  auto reply = co_await committer_.commit(std::move(invocation), std::move(proposal));
  if (!reply || dry) co_return reply;
  announce_quiet(service);
  reply->more["in_flight"] = waits_.under_way(service);
  co_return reply;
}

void PauseVerbs::announce_quiet(const std::string& service) {
  if (announcing_.insert(service).second) background_.spawn(wait_and_announce(service));
}

asio::awaitable<void> PauseVerbs::wait_and_announce(std::string service) {
  const auto began = io::Clock::now();
  const bool quiet = co_await waits_.until_quiet(service, io::Clock::time_point::max());
  announcing_.erase(service);
  if (!quiet) co_return;
  const auto took = passed_since(began);
  json::object detail{{"in_flight", 0}, {"took_ms", took.count()}};
  recorder_.events.add("quiet", service,
                       "nothing is in flight any more, " + duration_text(took) + " after the change",
                       std::move(detail));
}

}  // namespace sluice::change
