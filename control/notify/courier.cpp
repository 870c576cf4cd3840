#include "control/notify/courier.hpp"

#include <algorithm>
#include <boost/asio/use_awaitable.hpp>

#include "control/io/reach.hpp"
#include "proxy/config/secret_file.hpp"
#include "proxy/config/syntax.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::notify {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMostAnswer = 4096;  // bytes of an answer's body

std::int64_t unix_milliseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

// Where messages go; empty with a clause in `why`, which shows nothing of it. Its file may be another one
// since it was checked.
std::string url_of(const config::NotifySpec& spec, std::string& why) {
  if (spec.url_file.empty()) return spec.url;
  std::string url = config::read_secret(spec.url_file, config::SecretKind::token, why);
  if (why.empty())
    if (const auto invalid = config::secret_url_error(url)) why = "holds no URL: " + invalid->what;
  if (!why.empty()) why = "the file " + quoted(spec.url_file) + " " + why;
  return url;
}

}  // namespace

Courier::Courier(Surroundings around, config::NotifySpec spec)
    : around_(std::move(around)),
      spec_(std::move(spec)),
      outbox_(spec_.per_minute, spec_.group_wait),
      wakeup_(around_.loop),
      tried_(around_.loop) {}

asio::awaitable<void> Courier::run(std::shared_ptr<Courier> self) {
  while (!self->stopped_) {
    const Message* next = self->outbox_.next(Clock::now());
    if (!next) {
      const auto due = self->outbox_.due().value_or(Clock::time_point::max());
      co_await self->wakeup_.wait_until(due);
      continue;
    }
    self->sending_ = true;
    Message message = *next;
    const Attempt attempt = co_await self->post(message);
    self->sending_ = false;
    if (!self->stopped_) self->take(message, attempt);
    self->tried_.notify();
  }
}

void Courier::stop(const std::string& why) {
  stopped_ = true;
  wakeup_.notify();
  const Attempt given_up{Outcome::refused, 0, why, {}};
  for (const auto& message : outbox_.take_all()) around_.log.ended(spec_.name, message, given_up);
}

void Courier::adopt(config::NotifySpec spec) {
  if (spec == spec_) return;
  spec_ = std::move(spec);
  outbox_.set_limits(spec_.per_minute, spec_.group_wait);
  outbox_.forget_failures();
  wakeup_.notify();
}

void Courier::tell(Notice notice) {
  if (stopped_ || !is_for(spec_, notice)) return;
  outbox_.add(std::move(notice), Clock::now());
  wakeup_.notify();
}

void Courier::hurry(Clock::time_point deadline) {
  until_ = deadline;
  outbox_.hurry(Clock::now());
  wakeup_.notify();
}

asio::awaitable<void> Courier::hurried() const {
  while (Clock::now() < *until_) {
    const auto due = outbox_.due();
    if (!sending_ && (!due || *due > *until_)) break;
    co_await tried_.wait_until(*until_);
  }
}

asio::awaitable<Attempt> Courier::test(std::int64_t time) {
  Message message;
  message.kind = Message::Kind::test;
  message.time = time;
  const Attempt attempt = co_await post(message);
  if (attempt.outcome == Outcome::delivered && !stopped_) {
    note(attempt);
    outbox_.forget_failures();
    wakeup_.notify();
  }
  co_return attempt;
}

asio::awaitable<Attempt> Courier::post(Message message) {
  std::string body = body_of(message, spec_.format, around_.host);
  config::NotifySpec spec = spec_;
  co_return co_await ask(std::move(spec), std::move(body));
}

// What keeps a try from being made may be mended until the next one.
asio::awaitable<Attempt> Courier::ask(config::NotifySpec spec, std::string body) {
  Attempt attempt;
  const std::string url = url_of(spec, attempt.text);
  if (!attempt.text.empty()) co_return attempt;
  const io::Reached reached = co_await io::look_up(around_.resolver, url, spec.reach);
  attempt.text = reached.problem;
  if (!reached.request) co_return attempt;
  io::HttpRequest request = *reached.request;
  request.method = "POST";
  request.content_type = "application/json";
  request.body = std::move(body);
  request.limit = limit();
  request.most_body = kMostAnswer;
  request.fields = {"retry-after"};
  const auto answer = co_await io::fetch(around_.loop, std::move(request));
  attempt = judged(answer, url, unix_milliseconds_now() / 1000);
  attempt.text = io::without_secret(std::move(attempt.text), reached);
  co_return attempt;
}

// Of a try that begins now.
milliseconds Courier::limit() const {
  if (!until_) return spec_.timeout;
  const auto left = std::chrono::duration_cast<milliseconds>(*until_ - Clock::now());
  return std::clamp(left, milliseconds(1), spec_.timeout);
}

void Courier::take(const Message& message, const Attempt& attempt) {
  note(attempt);
  bool ends = true;
  switch (attempt.outcome) {
    case Outcome::delivered:
      outbox_.delivered();
      break;
    case Outcome::refused:
      outbox_.refused();
      break;
    case Outcome::later:
      ends = !outbox_.failed(Clock::now(), attempt.wait);
      break;
  }
  if (ends) around_.log.ended(spec_.name, message, attempt);
}

// Told when it begins and when it is over, not at every try.
void Courier::note(const Attempt& attempt) {
  const bool was_well = trouble_.empty();
  const bool is_well = attempt.outcome == Outcome::delivered;
  trouble_ = is_well ? std::string() : attempt.text;
  if (was_well == is_well) return;
  trouble_since_ = is_well ? 0 : unix_milliseconds_now();
  if (is_well)
    around_.log.recovered(spec_.name);
  else
    around_.log.failing(spec_.name, attempt);
}

}  // namespace sluice::notify
