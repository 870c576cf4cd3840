#include "control/acme/keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "control/acme/certificates.hpp"
#include "control/io/http_client.hpp"
#include "control/io/reach.hpp"
#include "control/io/retry_after.hpp"
#include "control/state/read_json.hpp"
#include "proxy/base/suggest.hpp"
#include "proxy/base/values.hpp"
#include "proxy/config/secret_file.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::acme {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr milliseconds kRequestLimit = 30s;
constexpr std::size_t kMostBody = 256 * 1024;  // a chain of certificates is some 6 KiB
constexpr milliseconds kLongestSleep = 1h;     // the system's clock may be set meanwhile
constexpr milliseconds kWithoutWindows = 24h;  // until a server that has no renewalInfo is asked again

UnixMilliseconds unix_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(now).count();
}

Failure refusal(std::string why) { return {FailureKind::refused, std::move(why), 0ms}; }

Answer no_answer(std::string why) {
  Answer answer;
  answer.problem = std::move(why);
  return answer;
}

Answer answer_of(io::HttpAnswer fetched) {
  if (fetched.status == 0) return no_answer(fetched.problem);
  if (fetched.truncated) return no_answer("its answer is longer than 256 KiB");
  if (!fetched.problem.empty()) return no_answer(fetched.problem);
  Answer answer;
  answer.status = fetched.status;
  answer.body = std::move(fetched.body);
  answer.nonce = fetched.fields["replay-nonce"];
  answer.location = fetched.fields["location"];
  answer.retry_after = io::read_retry_after(fetched.fields["retry-after"], unix_now() / 1000).value_or(0s);
  return answer;
}

std::string method_of(Question::Method method) {
  switch (method) {
    case Question::Method::get:
      return "GET";
    case Question::Method::head:
      return "HEAD";
    case Question::Method::post:
      return "POST";
  }
  return "GET";
}

// All but the endpoints. Not in the coroutine: g++ 12 frees lists in braces twice there.
io::Reached reach_for(const config::AcmeSpec& spec, Question& question) {
  config::ReachSpec by;
  by.ca = spec.ca;
  io::Reached reached = io::reach(question.url, by);
  if (!reached.request) return reached;
  io::HttpRequest& request = *reached.request;
  request.method = method_of(question.method);
  request.body = std::move(question.body);
  if (question.method == Question::Method::post) request.content_type = "application/jose+json";
  request.limit = kRequestLimit;
  request.most_body = kMostBody;
  request.fields = {"replay-nonce", "location", "retry-after"};
  return reached;
}

Question get(std::string url) { return {Question::Method::get, std::move(url), ""}; }

Wanted wanted_for(const Holding& holding, std::optional<Wanted::Binding> binding,
                  const std::string& account_url) {
  const config::AcmeSpec& spec = holding.spec;
  Wanted wanted{spec.directory,     spec.email, spec.domains, holding.challenges(),
                std::move(binding), "",         account_url};
  if (holding.window) wanted.replaces = holding.renewal_id;  // a server that knows of renewals (RFC 9773 5)
  return wanted;
}

std::string names_text(const config::AcmeSpec& spec) { return list_of(spec.domains); }

// What the order's account is bound to; with a sentence in `why` when its file cannot be used.
std::optional<Wanted::Binding> binding_of(const config::AcmeSpec& spec, std::string& why) {
  if (!spec.eab) return std::nullopt;
  const std::string text = config::read_secret(spec.eab->hmac_file, config::SecretKind::token, why);
  if (!why.empty()) {
    why = "the file " + quoted(spec.eab->hmac_file) + " " + why;
    return std::nullopt;
  }
  const auto key = from_base64url(text);
  if (!key) {
    why = "the file " + quoted(spec.eab->hmac_file) + " holds no key in base64url";
    return std::nullopt;
  }
  return Wanted::Binding{spec.eab->kid, *key};
}

}  // namespace

struct Keeper::Work {
  Work(std::string of, config::AcmeSpec wanted_spec, Account the_account, Wanted wanted)
      : listener(std::move(of)),
        spec(std::move(wanted_spec)),
        account(std::move(the_account)),
        order(std::move(wanted), account.key, key) {}

  const std::string listener;
  const config::AcmeSpec spec;
  Account account;
  const Key key = Key::make();
  Order order;
  bool shown = false;
};

Keeper::Keeper(asio::any_io_executor loop, Host& host, io::Resolver& resolver, state::FileSystem& files,
               std::function<std::uint64_t()> random)
    : loop_(loop),
      host_(host),
      resolver_(resolver),
      files_(files),
      random_(std::move(random)),
      changed_(loop),
      pause_(loop) {}

// --- what is wanted

void Keeper::follow(const config::Spec& spec) {
  if (!folder_) folder_.emplace(files_, spec.state_dir);  // which needs a restart to change
  std::map<std::string, Holding> before = std::exchange(holdings_, {});
  for (const auto& listener : spec.listeners) {
    if (!listener.tls || !listener.tls->acme) continue;
    Holding& holding = holdings_[listener.name];
    if (const auto known = before.find(listener.name); known != before.end())
      holding = std::move(known->second);
    holding.spec = *listener.tls->acme;
    if (holding.listener.empty()) {
      holding.listener = listener.name;
      adopt(holding);
    }
    if (holding.progress.tried_for == asked_for_by(holding.spec)) continue;
    holding.window.reset();
    holding.progress.failures = 0;  // of another order
    holding.progress.error.clear();
  }
  for (const auto& [name, gone] : before)
    if (!holdings_.contains(name)) host_.take(name, "");
  changed_.notify();
}

void Keeper::adopt(Holding& holding) {
  holding.draw = draw();
  holding.progress = folder_->progress(holding.listener);
  if (!folder_->has_certificate(holding.listener)) return;
  const std::string file = folder_->certificate_file(holding.listener);
  std::string why = load(holding, file);
  if (why.empty()) why = host_.take(holding.listener, file);
  if (!why.empty())
    spdlog::warn("listener {}: {} cannot be used, another one is ordered: {}", holding.listener, file, why);
}

void Keeper::hurry() {
  for (auto& [name, holding] : holdings_) holding.hurried = holding.progress.failures > 0;
  changed_.notify();
}

Holding* Keeper::find(const std::string& listener) {
  const auto found = holdings_.find(listener);
  return found == holdings_.end() ? nullptr : &found->second;
}

double Keeper::draw() { return static_cast<double>(random_() >> 11) / static_cast<double>(1ULL << 53); }

// --- what is due

asio::awaitable<void> Keeper::run() {
  while (!stopped_) {
    const UnixMilliseconds now = unix_now();
    UnixMilliseconds next = now + kLongestSleep.count();
    std::string to_order, to_ask;
    for (const auto& [name, holding] : holdings_) {
      const auto order = holding.next_order(now);
      const auto window = holding.next_window(now).value_or(next + 1);
      if (order < next || window < next) next = std::min(order, window);
      if (order <= now && to_order.empty()) to_order = name;
      if (window <= now) to_ask = name;
    }
    if (!to_ask.empty())
      co_await ask_window(std::move(to_ask));
    else if (!to_order.empty())
      co_await order(std::move(to_order));
    else
      co_await changed_.wait_until(io::Clock::now() + milliseconds(next - now));
  }
}

void Keeper::stop() {
  stopped_ = true;
  pause_.cancel();
  changed_.notify();
}

// --- an order

asio::awaitable<void> Keeper::order(std::string listener) {
  const config::AcmeSpec spec = find(listener)->spec;
  Failure failure;
  const std::unique_ptr<Work> work = begin(listener, failure);
  if (work) {
    Next end = Failure();
    try {
      end = co_await carry_out(*work);
    } catch (const std::exception& broken) {  // memory is short, or OpenSSL refuses
      end = refusal(broken.what());
    }
    if (stopped_) co_return;
    Holding* const holding = find(listener);
    if (holding && asked_for_by(holding->spec) != asked_for_by(spec)) {  // a reload wants another by now
      holding->ordering = false;
      co_return;
    }
    if (const auto* issued = std::get_if<Issued>(&end))
      failure.what = take(listener, work->key, issued->chain);
    else
      failure = std::get<Failure>(std::move(end));
  }
  finish(listener, spec, std::move(failure));
}

// Null when there is nothing to begin with, and why is in `failure`.
std::unique_ptr<Keeper::Work> Keeper::begin(const std::string& listener, Failure& failure) {
  failure.kind = FailureKind::refused;
  Holding& holding = *find(listener);
  auto binding = binding_of(holding.spec, failure.what);
  if (!failure.what.empty()) return nullptr;
  auto account = folder_->account(holding.spec);
  if (!account) {
    failure.what = account.error();
    return nullptr;
  }
  holding.ordering = true;
  Wanted wanted = wanted_for(holding, std::move(binding), account->url);
  return std::make_unique<Work>(listener, holding.spec, std::move(*account), std::move(wanted));
}

// To its end: Issued or a Failure.
asio::awaitable<Next> Keeper::carry_out(Work& work) {
  Answer answer;
  for (;;) {
    Next next = work.order.resume(answer);
    answer = Answer();
    if (work.order.account_url() != work.account.url) {
      work.account.url = work.order.account_url();
      spdlog::info("the ACME account {} is used{}", work.account.url,
                   work.order.terms().empty() ? "" : ", by the terms of " + work.order.terms());
      if (const auto error = folder_->keep(work.spec, work.account)) spdlog::warn("{}", error.message());
    }
    if (auto* question = std::get_if<Ask>(&next)) {
      answer = co_await ask(work.spec, std::move(*question));
    } else if (auto* show = std::get_if<Show>(&next)) {
      work.shown = true;
      std::string error = co_await host_.show(work.listener, std::move(show->proofs));
      if (!error.empty()) next = refusal(std::move(error));
    } else if (auto* wait = std::get_if<Wait>(&next)) {
      pause_.expires_after(wait->time);
      co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    const bool is_over = std::holds_alternative<Issued>(next) || std::holds_alternative<Failure>(next);
    if (!is_over && !stopped_) continue;
    if (work.shown && !stopped_) co_await host_.show(work.listener, {});
    co_return next;
  }
}

asio::awaitable<Answer> Keeper::ask(config::AcmeSpec spec, Question question) {
  io::Reached reached = reach_for(spec, question);
  if (!reached.request) co_return no_answer(reached.problem);
  io::HttpRequest request = std::move(*reached.request);
  std::vector<std::string> addresses{request.to.address};
  co_await resolver_.resolve(std::move(addresses));
  request.to.endpoints = resolver_.find(request.to.address);
  if (request.to.endpoints.empty()) co_return no_answer(resolver_.error_of(request.to.address));
  io::HttpAnswer fetched = co_await io::fetch(loop_, std::move(request));
  co_return answer_of(std::move(fetched));
}

// Why what came cannot be used, or empty: then it is in force, and on the disk.
std::string Keeper::take(const std::string& listener, const Key& key, const std::string& chain) {
  const Holding* const holding = find(listener);
  if (!holding) return {};  // a reload has taken it away
  const std::string why = why_not_ordered(chain, key, holding->spec.domains, unix_now() / 1000);
  if (!why.empty()) return "the certificate that came is refused: " + why;
  if (const auto error = folder_->keep_certificate(listener, chain, key)) return error.message();
  return host_.take(listener, folder_->certificate_file(listener));
}

// An empty `failure.what`: the certificate is there.
void Keeper::finish(const std::string& listener, const config::AcmeSpec& spec, Failure failure) {
  Holding* const holding = find(listener);
  if (!holding) return;
  holding->ordering = holding->hurried = false;
  holding->draw = draw();
  Progress& progress = holding->progress;
  progress.tried_for = asked_for_by(spec);
  if (failure.what.empty()) failure.what = load(*holding, folder_->certificate_file(listener));
  progress.error = failure.what;
  if (failure.what.empty()) {
    progress.asked_for = progress.tried_for;
    progress.issued = unix_now();
    progress.failures = 0;
    progress.not_before = 0;
  } else {
    progress.failures += 1;
    progress.kind = failure.kind;
    progress.failed = unix_now();
    progress.not_before = failure.retry_after > 0ms ? progress.failed + failure.retry_after.count() : 0;
  }
  if (const auto error = folder_->keep(listener, progress)) spdlog::warn("{}", error.message());
  if (failure.what.empty())
    host_.issued(listener, names_text(spec) + " until " + time_text(holding->life->end));
  else
    host_.failed(listener, names_text(spec) + ": " + failure.what);
}

// --- when a renewal is suggested (ARI, RFC 9773). No answer is none: two thirds of the life go on to count.

asio::awaitable<void> Keeper::ask_window(std::string listener) {
  const config::AcmeSpec spec = find(listener)->spec;
  const std::string id = find(listener)->renewal_id;
  Answer answer = co_await ask(spec, get(spec.directory));
  milliseconds pause = answer.retry_after;
  std::optional<RenewalWindow> window;
  if (answer.status == 200) {
    const auto url = state::text_field(state::parse_json(answer.body), "renewalInfo");
    if (!url) pause = kWithoutWindows;
    if (url) {
      answer = co_await ask(spec, get(*url + "/" + id));
      pause = answer.retry_after;
      window = read_window(answer);
    }
  }
  Holding* const holding = find(listener);
  if (!holding || holding->renewal_id != id) co_return;
  if (window) holding->window = window;
  holding->window_asked = unix_now() + holding->window_interval(pause).count();
}

}  // namespace sluice::acme
