#include "control/change/notice_feed.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/change/notice_of.hpp"
#include "proxy/route/query.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {

namespace asio = boost::asio;
using notify::NoticeKind;

namespace {

constexpr std::chrono::minutes kBetweenCertificates{1};

std::string host_name() {
  boost::system::error_code failed;
  std::string name = asio::ip::host_name(failed);
  return failed ? std::string() : name;
}

// After an ejection's time nobody knows yet whether it is well.
bool is_on_probation(const Event& event) {
  const auto* was = event.detail.if_contains("was");
  return was && *was == "ejected";
}

bool is_there(const route::Snapshot& snapshot, std::string_view subject) {
  const auto service_end = subject.find('/'), pool_end = subject.find('/', service_end + 1);
  const auto* service = find_service(snapshot, std::string(subject.substr(0, service_end)));
  if (!service || pool_end == std::string_view::npos) return false;
  const auto* pool =
      find_pool(*service, std::string(subject.substr(service_end + 1, pool_end - service_end - 1)));
  return pool && std::ranges::any_of(pool->backends, [&](const route::Backend& backend) {
           return backend.name == subject.substr(pool_end + 1);
         });
}

}  // namespace

NoticeFeed::NoticeFeed(asio::any_io_executor loop, const InForce& in_force, io::Resolver& resolver,
                       Recorder& recorder, io::Background& background)
    : in_force_(in_force), recorder_(recorder), notices_({loop, resolver, *this, host_name()}, background) {
  recorder.events.on_added = [this](const Event& event) { take(event); };
}

void NoticeFeed::follow() {
  notices_.adopt(in_force_.spec.notify);
  if (!told_.empty())
    told_.keep_only([this](const std::string& subject) { return is_there(*in_force_.snapshot, subject); });
}

void NoticeFeed::tick() {
  const auto now = io::Clock::now();
  for (const auto& notice : told_.settled(now)) notices_.tell(notice);
  if (now < certificates_due_) return;
  certificates_due_ = now + kBetweenCertificates;
  look_at_certificates();
}

void NoticeFeed::look_at_certificates() {
  for (const auto& ending : certificates_.look(in_force_.spec, unix_milliseconds() / 1000))
    recorder_.warn("certificate", "", ending.text,
                   {{"listener", ending.listener},
                    {"certificate", ending.certificate},
                    {"not_after", time_text(ending.not_after * 1000)},
                    {"left", ending.left}});
}

void NoticeFeed::take(const Event& event) {
  auto notice = notice_of(event, in_force_.state.generation);
  if (!notice) return;
  if (notice->kind == NoticeKind::backend_down && !told_.down(notice->subject)) return;
  if (notice->kind == NoticeKind::backend_up) {
    if (is_on_probation(event)) {
      const std::string subject = notice->subject;
      return told_.perhaps_up(subject, std::move(*notice), io::Clock::now());
    }
    if (!told_.up(notice->subject)) return;
  }
  notices_.tell(*notice);
}

void NoticeFeed::ended(const std::string& target, const notify::Message& message,
                       const notify::Attempt& attempt) {
  const std::string what = std::string(event_of(message)) + ": " + sentence_of(message);
  const bool well = attempt.outcome == notify::Outcome::delivered;
  state::Texts texts;
  texts.after = target + ": " + what;
  recorder_.audit(invocation_of("daemon"), "notify", texts,
                  (well ? "delivered, " : "not delivered: ") + attempt.text);
  if (well)
    spdlog::debug("told {} of {}", target, what);
  else
    spdlog::warn("{} was not told of {} ({})", target, what, attempt.text);
}

void NoticeFeed::failing(const std::string& target, const notify::Attempt& attempt) {
  recorder_.warn("notify", "", "notices to " + target + " fail: " + attempt.text);
}

void NoticeFeed::recovered(const std::string& target) {
  recorder_.info("notify", "", "notices to " + target + " are taken again");
}

asio::awaitable<Result<protocol::NotifyTested>> NoticeFeed::test(Invocation invocation,
                                                                 protocol::NotifyTest message) {
  const auto names = notices_.names();
  if (names.empty())
    co_return recorder_.refuse(invocation, "notify test",
                               protocol::refused("there is no target of notices",
                                                 "write one in the configuration: notify: [{name: ops, "
                                                 "url_file: FILE, format: slack}]"));
  if (!message.target.empty() && !notices_.find(message.target))
    co_return recorder_.refuse(invocation, "notify test",
                               protocol::not_found("there is no target of notices " + quoted(message.target),
                                                   protocol::did_you_mean(message.target, names)));
  protocol::NotifyTested tested;
  std::string failed;
  for (const auto& name : message.target.empty() ? names : std::vector<std::string>{message.target}) {
    const auto courier = notices_.find(name);
    if (!courier) continue;  // a reload took it away meanwhile
    const auto began = io::Clock::now();
    const notify::Attempt attempt = co_await courier->test(unix_milliseconds());
    const double took = std::chrono::duration<double, std::milli>(io::Clock::now() - began).count();
    if (attempt.outcome == notify::Outcome::delivered)
      tested.targets.push_back({name, attempt.status, took});
    else
      failed += (failed.empty() ? "" : "; ") + name + " was not told: " + attempt.text;
  }
  if (!failed.empty()) co_return recorder_.refuse(invocation, "notify test", protocol::refused(failed));
  recorder_.audit(invocation, "notify test", {}, "delivered");
  co_return tested;
}

}  // namespace sluice::change
