#include "control/daemon/upgrader.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "control/io/command.hpp"
#include "control/io/notifier.hpp"
#include "proxy/base/shell_quoted.hpp"
#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::daemon {

namespace asio = boost::asio;
using change::Result;
using protocol::Problem;

namespace {

constexpr std::chrono::milliseconds kWord{200}, kFollowedWithin{1'000};
constexpr int kMostTries = 3;                  // of a process that ends although it was ready
constexpr char kRunning[] = "/proc/self/exe";  // this program, also when its file was replaced

// Where this program can be started from: its own path, if it is still there.
std::string this_program(const std::string& path) {
  std::error_code error;
  return std::filesystem::equivalent(path, kRunning, error) && !error ? path : kRunning;
}

Problem failed(const std::string& binary, const std::string& why) {
  Problem problem = protocol::internal(binary + ": " + why + "; this process goes on");
  problem.title = "upgrade failed";
  return problem;
}

handoff::Descriptors copies_of(const std::vector<int>& descriptors) {
  std::vector<int> copies;
  for (const int one : descriptors)
    if (const int copy = handoff::copy_of(one); copy >= 0) copies.push_back(copy);
  return handoff::Descriptors(std::move(copies));
}

std::vector<std::uint32_t> all_backends(const route::Snapshot& snapshot) {
  std::vector<std::uint32_t> ids;
  for (const auto& service : snapshot.services)
    for (const auto& pool : service.pools)
      for (const auto& backend : pool.backends) ids.push_back(backend.live->id);
  return ids;
}

}  // namespace

Upgrader::Upgrader(Surroundings surroundings, handoff::Program program, bool has_config_file,
                   std::uint64_t upgrades)
    : around_(surroundings),
      program_(std::move(program)),
      has_config_file_(has_config_file),
      upgrades_(upgrades) {}

std::optional<protocol::PredecessorStatus> Upgrader::predecessor() const {
  return predecessor_ ? predecessor_->status() : std::nullopt;
}

void Upgrader::follow(handoff::Predecessor* predecessor) {
  predecessor_ = predecessor;
  if (!predecessor_) return;
  predecessor_->on_word = [this](const boost::json::value& under_way) {
    around_.control.set_under_way_elsewhere(under_way);
  };
}

asio::awaitable<void> Upgrader::tell_predecessor(std::string news) {
  if (!predecessor_) co_return;
  const bool followed = co_await predecessor_->tell(std::move(news), kFollowedWithin);
  if (!followed)
    spdlog::warn(
        "the process before this one has not said within {} that it follows: the requests that are "
        "left there may be routed as before",
        duration_text(kFollowedWithin));
}

asio::awaitable<Result<protocol::Changed>> Upgrader::upgrade(change::Invocation invocation,
                                                             protocol::Upgrade message) {
  if (message.binary.empty()) message.binary = program_.path;
  const auto began = io::Clock::now();
  auto done = co_await try_to(invocation, message);
  if (!done) co_return around_.control.refuse(invocation, "upgrade", done.error());
  done->took_ms = std::chrono::duration<double, std::milli>(io::Clock::now() - began).count();
  co_return done;
}

asio::awaitable<Result<protocol::Changed>> Upgrader::try_to(const change::Invocation& invocation,
                                                            const protocol::Upgrade& message) {
  if (auto problem = refuse(message)) co_return *problem;
  const UnderWay whole(under_way_);
  if (auto problem = co_await check(message.binary)) co_return *problem;
  const auto frozen = co_await around_.control.freeze();
  if (!frozen) co_return frozen.error();
  protocol::Changed reply;
  reply.generation = around_.control.generation();
  const auto& expected = invocation.options.if_generation;
  if (expected && *expected != reply.generation)
    co_return protocol::generation_moved(*expected, reply.generation);
  reply.more["binary"] = message.binary;
  reply.more["predecessor"] = ::getpid();
  reply.dry_run = invocation.options.dry_run;
  if (reply.dry_run) co_return reply;
  spdlog::info("upgrade to {} by {}", message.binary, to_string(invocation.actor));
  parcel_ = pack();
  const std::string why = co_await start(message.binary, {});
  if (!why.empty()) {
    spdlog::error("upgrade to {}: {}; this process goes on", message.binary, why);
    co_return failed(message.binary, why);
  }
  around_.control.audit(invocation, "upgrade", message.binary);
  let_go();
  reply.changed = true;
  reply.more["pid"] = successor_->pid();
  co_return reply;
}

// The other process says the same, and ends.
asio::awaitable<void> Upgrader::give_way(handoff::Visitor visitor) {
  change::Invocation invocation = change::invocation_of("upgrade.socket");
  invocation.actor.uid = visitor.uid;
  if (visitor.pid > 0) invocation.actor.pid = static_cast<std::uint32_t>(visitor.pid);
  const std::string by = to_string(invocation.actor);
  spdlog::info("upgrade by {}", by);
  const std::string why = co_await try_for(visitor);
  if (why.empty()) {
    around_.control.audit(invocation, "upgrade", "by a process that was started elsewhere");
    co_return let_go();
  }
  around_.control.refuse(invocation, "upgrade", protocol::refused(why));
  if (visitor.channel.is_open()) visitor.channel.send(handoff::kRefused + why);
}

// Empty: it is ready.
asio::awaitable<std::string> Upgrader::try_for(handoff::Visitor& visitor) {
  if (const auto problem = refuse_any()) co_return problem->detail;
  const UnderWay whole(under_way_);
  const auto frozen = co_await around_.control.freeze();
  if (!frozen) co_return frozen.error().detail;
  parcel_ = pack();
  add_knowledge(parcel_);
  co_return co_await until_ready(handoff::Successor::welcome(around_.loop.get_executor(),
                                                             std::move(visitor.channel), visitor.pid,
                                                             std::move(visitor.process), parcel_));
}

std::optional<Problem> Upgrader::refuse_any() const {
  if (under_way_ || handed_over()) return protocol::conflict("an upgrade is under way");
  if (const auto before = predecessor())
    return protocol::conflict(
        "process " + std::to_string(before->pid) + ", whose place this one took, has " +
            std::to_string(before->connections) + " connections left",
        "try again when it has ended, within shutdown_timeout; what it holds for a paused "
        "service goes with `sluicectl resume`");
  return std::nullopt;
}

std::optional<Problem> Upgrader::refuse(const protocol::Upgrade& message) const {
  if (auto problem = refuse_any()) return problem;
  if (!has_config_file_)
    return protocol::refused(
        "this daemon was started without a configuration file, and so the new one would have none either");
  if (leads_container_)
    return protocol::refused(
        "this process cannot be replaced from here, its container would end with it",
        "start another container of the new image, which takes this one's place by upgrade.socket, or stop "
        "this one first");
  if (!message.binary.starts_with('/'))
    return protocol::malformed("the binary is given by a path that begins with /", "binary");
  if (::access(message.binary.c_str(), X_OK) != 0)
    return protocol::refused("cannot run " + message.binary + ": " + std::strerror(errno));
  return std::nullopt;
}

// With the program that is to run, which may know other keys.
asio::awaitable<std::optional<Problem>> Upgrader::check(const std::string& binary) {
  std::string command = "exec " + shell_quoted(binary) + " --check";
  for (const std::string& word : program_.arguments) command += " " + shell_quoted(word);
  const auto checked = co_await io::run_command(around_.loop.get_executor(), std::move(command), {},
                                                protocol::Upgrade::kCheckedWithin);
  if (checked.end == io::CommandResult::End::exited && checked.code == 0) co_return std::nullopt;
  co_return protocol::invalid_config(binary + " does not take the configuration: " + checked.text());
}

// Empty: it is ready.
asio::awaitable<std::string> Upgrader::start(std::string path, std::string program) {
  parcel_.program = std::move(program);
  add_knowledge(parcel_);
  handoff::Program wanted = program_;
  wanted.path = std::move(path);
  wanted.environment = around_.notify.environment();
  co_return co_await until_ready(handoff::Successor::start(around_.loop.get_executor(), wanted, parcel_));
}

asio::awaitable<std::string> Upgrader::until_ready(
    boost::system::result<std::unique_ptr<handoff::Successor>, std::string> made) {
  if (!made) co_return made.error();
  starting_ = std::move(*made);
  std::string why = co_await starting_->ready(protocol::Upgrade::kReadyWithin);
  if (why.empty() && !handed_over() && !around_.control.readiness().ready)
    why = "this process is " + around_.control.readiness().why;
  if (why.empty()) co_return why;
  starting_.reset();
  if (!handed_over()) around_.control.doubt_the_disk();
  co_return why;
}

void Upgrader::let_go() {
  successor_ = std::move(starting_);
  successor_->let_go();
  followed_ = 0;
  asio::co_spawn(around_.loop, hear(successor_), asio::detached);
  around_.admin.hand_over();
  around_.control.hand_over();
  around_.notify.hand_over(successor_->pid());
  spdlog::info("process {} has taken over", successor_->pid());
  if (on_handed_over) on_handed_over();
}

handoff::Parcel Upgrader::pack() const {
  handoff::Parcel parcel;
  parcel.from = static_cast<std::uint32_t>(::getpid());
  parcel.upgrades = upgrades_ + 1;
  parcel.kept = around_.notify.somebody_listens();
  if (const int lock = around_.control.lock_descriptor(); lock >= 0) parcel.lock = copies_of({lock});
  for (const auto& one : around_.workers.listening())
    parcel.listeners.push_back({one.name, one.bind, one.lent, copies_of(one.fds)});
  for (const auto& one : around_.admin.listening())
    parcel.admin.push_back({one.key, one.bind, false, copies_of({one.fd})});
  return parcel;
}

void Upgrader::add_knowledge(handoff::Parcel& parcel) const {
  change::Knowledge knowledge = around_.control.knowledge();
  parcel.knowledge = std::move(knowledge.text);
  parcel.memories = copies_of(knowledge.descriptors);
}

// --- after it

asio::awaitable<void> Upgrader::hear(std::shared_ptr<handoff::Successor> successor) {
  for (;;) {
    const auto said = co_await successor->hear();
    if (!said) co_return;
    auto news = handoff::news_in(*said);
    if (!news || successor != successor_) continue;
    co_await around_.control.follow(std::move(news->text));
    followed_ = news->number;
    co_await tell(*successor);
  }
}

asio::awaitable<void> Upgrader::stand_by(std::function<bool()> left) {
  asio::steady_timer timer(around_.loop);
  for (int tries = 0; left(); co_await timer.async_wait(asio::use_awaitable)) {
    timer.expires_after(kWord);
    if (!successor_->has_ended()) {
      const auto successor = successor_;
      co_await tell(*successor);
    } else if (tries++ < kMostTries) {
      spdlog::error("process {}, which had taken over, has ended: another one is started", successor_->pid());
      const std::string why = co_await start(this_program(program_.path), program_.path);
      if (why.empty())
        let_go();
      else
        spdlog::error("it could not take over: {}", why);
    }
  }
}

bool Upgrader::holds_successor_up() const {
  return leads_container_ && successor_ && successor_->was_started() && !successor_->has_ended();
}

asio::awaitable<void> Upgrader::outlive_successor() {
  asio::steady_timer timer(around_.loop);
  while (holds_successor_up()) {
    timer.expires_after(kWord);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

bool Upgrader::pass_on_termination() {
  if (!holds_successor_up()) return false;
  successor_->terminate();
  return true;
}

asio::awaitable<void> Upgrader::tell(handoff::Successor& successor) const {
  const auto blockers = std::make_shared<io::AsyncResult<worker::Blockers>>(around_.loop.get_executor());
  around_.workers.blockers(all_backends(*around_.control.snapshot()),
                           [blockers](worker::Blockers found) { blockers->set(std::move(found)); });
  const worker::Blockers found = co_await blockers->wait();
  handoff::Word word;
  word.status.pid = static_cast<std::uint64_t>(::getpid());
  word.status.connections = around_.workers.counters().sum(
      [](const observe::WorkerCounters& worker) { return worker.connections.get(); });
  word.status.requests = found.requests + found.tunnels;
  word.status.oldest = found.oldest;
  word.status.oldest_path = found.oldest_path;
  word.under_way = around_.control.under_way();
  word.followed = followed_;
  successor.tell(handoff::text_of(word));
}

}  // namespace sluice::daemon
