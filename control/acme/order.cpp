#include "control/acme/order.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "control/acme/certificates.hpp"
#include "control/state/read_json.hpp"
#include "proxy/base/values.hpp"

namespace sluice::acme {

namespace json = boost::json;
using state::field;
using state::text_field;

namespace {

using namespace std::chrono_literals;

constexpr int kMostRefusedNonces = 5;     // one after the other
constexpr milliseconds kPatience = 5min;  // with validations and with the issuing, all in all
constexpr milliseconds kFirstPause = 250ms, kLongestPause = 10s;
constexpr std::size_t kLongestToken = 256;  // some 43 in practice

std::string text_of(const json::value& document, std::string_view name) {
  return text_field(document, name).value_or("");
}

std::string domain_of(const json::value& authorization) {
  const auto* identifier = field(authorization, "identifier");
  return identifier ? text_of(*identifier, "value") : "";
}

Failure refused(std::string what) { return {FailureKind::refused, std::move(what), 0ms}; }

// It becomes a part of a path that workers answer.
bool is_token(std::string_view token) {
  return !token.empty() && token.size() <= kLongestToken && from_base64url(token) && token.back() != '=';
}

// Why the server did not believe it: the challenge's error, of those that were tried.
std::string why_invalid(const json::value& authorization) {
  std::string why;
  if (const auto* challenges = state::array_field(authorization, "challenges"))
    for (const auto& one : *challenges)
      if (const auto* error = field(one, "error"))
        why += (why.empty() ? "" : "; ") + text_of(one, "type") + ": " + complaint_in(*error).text;
  return why.empty() ? "the server does not say why" : why;
}

}  // namespace

Order::Order(Wanted wanted, const Key& account, const Key& key)
    : wanted_(std::move(wanted)), account_(account), key_(key) {}

Next Order::resume(const Answer& answer) {
  if (!answer.nonce.empty()) nonce_ = answer.nonce;
  if (step_ == Step::begin) return ask(Step::directory, Question::Method::get, wanted_.directory);
  if (step_ == Step::nonce) {
    if (answer.status / 100 != 2) return failure_of(answer, doing());
    if (nonce_.empty()) return refused(doing() + ": the answer has no Replay-Nonce");
    return post_signed();
  }
  if (poll_) {  // after a Wait
    const std::string url = *std::exchange(poll_, std::nullopt);
    return post(step_, url, "");
  }
  if (step_ == Step::show) return next_response();
  if (answer.status / 100 != 2) return again_or_fail(answer);
  refused_nonces_ = 0;
  return after(answer);
}

Next Order::after(const Answer& answer) {
  switch (step_) {
    case Step::directory:
      return read_directory(answer);
    case Step::account:
      return take_account(answer);
    case Step::order:
      return take_order(answer);
    case Step::authorization:
      return take_authorization(answer);
    case Step::respond:
      ++at_;
      return next_response();
    case Step::validation:
      return take_validation(answer);
    case Step::finalize:
    case Step::issuing:
      return follow_order(answer);
    case Step::download:
      return Issued{answer.body};
    case Step::begin:
    case Step::nonce:
    case Step::show:
      break;
  }
  return refused("the order lost its way");  // resume() has seen to these
}

// --- requests

Next Order::ask(Step step, Question::Method method, std::string url) {
  step_ = step;
  if (url.empty()) return refused(doing() + ": the server did not say where to ask next");
  if (wanted_.directory.starts_with("https://") && !url.starts_with("https://"))
    return refused(doing() + ": the server wants to be asked in clear, at " + quoted(url.substr(0, 200)));
  return Ask{method, std::move(url), ""};
}

Next Order::post(Step step, std::string url, std::string payload) {
  request_.url = std::move(url);
  request_.payload = std::move(payload);
  step_ = request_.step = step;
  return post_signed();
}

Next Order::post_signed() {
  if (nonce_.empty()) return ask(Step::nonce, Question::Method::head, directory_.new_nonce);
  Next next = ask(request_.step, Question::Method::post, request_.url);
  if (auto* question = std::get_if<Ask>(&next)) {
    const std::string kid = request_.step == Step::account ? "" : wanted_.account_url;
    question->body = signed_request(account_, kid, request_.url, std::exchange(nonce_, ""), request_.payload);
  }
  return next;
}

// A nonce that is too old is no failure (RFC 8555 6.5); an account that the server has forgotten is made
// again, and a predecessor that it does not accept is left out (RFC 9773 5).
Next Order::again_or_fail(const Answer& answer) {
  const Complaint complaint = complaint_in(state::parse_json(answer.body));
  if (complaint.type == "badNonce" && ++refused_nonces_ <= kMostRefusedNonces) return post_signed();
  const bool forgotten = complaint.type == "accountDoesNotExist" && step_ == Step::order;
  if (forgotten && !std::exchange(registered_anew_, true)) {
    wanted_.account_url.clear();
    return register_account();
  }
  if (step_ == Step::order && !wanted_.replaces.empty() &&
      (complaint.type == "alreadyReplaced" || complaint.type == "malformed")) {
    wanted_.replaces.clear();
    return place_order();
  }
  return failure_of(answer, doing());
}

// --- directory and account

Next Order::read_directory(const Answer& answer) {
  const json::value document = state::parse_json(answer.body);
  directory_.new_nonce = text_of(document, "newNonce");
  directory_.new_account = text_of(document, "newAccount");
  directory_.new_order = text_of(document, "newOrder");
  if (directory_.new_nonce.empty() || directory_.new_account.empty() || directory_.new_order.empty())
    return refused("the directory: the answer is not that of an ACME server");
  if (const auto* meta = field(document, "meta")) {
    directory_.terms = text_of(*meta, "termsOfService");
    const auto* external = field(*meta, "externalAccountRequired");
    if (external && external->is_bool() && external->get_bool() && !wanted_.binding)
      return refused("the server takes accounts of its customers only; set 'eab' to what it has given you");
  }
  return wanted_.account_url.empty() ? register_account() : place_order();
}

// One that exists already is found by its key (RFC 8555 7.3.1).
Next Order::register_account() {
  json::object payload{{"termsOfServiceAgreed", true}};
  if (!wanted_.email.empty()) payload["contact"] = json::array{"mailto:" + wanted_.email};
  if (wanted_.binding)
    payload["externalAccountBinding"] =
        binding(account_, wanted_.binding->kid, wanted_.binding->hmac_key, directory_.new_account);
  return post(Step::account, directory_.new_account, json::serialize(payload));
}

Next Order::take_account(const Answer& answer) {
  const std::string status = text_of(state::parse_json(answer.body), "status");
  if (status != "valid") return refused("the account is " + quoted(status) + ", not valid");
  if (answer.location.empty()) return refused("the account: the answer has no Location");
  wanted_.account_url = answer.location;
  return place_order();
}

// --- order and authorizations

Next Order::place_order() {
  json::array identifiers;
  for (const auto& domain : wanted_.domains)
    identifiers.push_back(json::object{{"type", "dns"}, {"value", domain}});
  json::object payload{{"identifiers", std::move(identifiers)}};
  if (!wanted_.replaces.empty()) payload["replaces"] = wanted_.replaces;
  return post(Step::order, directory_.new_order, json::serialize(payload));
}

Next Order::take_order(const Answer& answer) {
  const json::value document = state::parse_json(answer.body);
  order_url_ = answer.location;
  finalize_url_ = text_of(document, "finalize");
  const auto* urls = state::array_field(document, "authorizations");
  if (order_url_.empty() || finalize_url_.empty() || !urls || urls->size() > wanted_.domains.size())
    return refused("the order: the answer is not that of an ACME server");
  for (const auto& url : *urls)
    authorizations_.push_back({url.is_string() ? std::string(url.get_string()) : "", "", "", false});
  return text_of(document, "status") == "pending" ? next_authorization() : follow_order(answer);
}

Next Order::next_authorization() {
  if (at_ < authorizations_.size()) return post(Step::authorization, authorizations_[at_].url, "");
  at_ = 0;
  step_ = Step::show;
  if (proofs_.empty()) return next_response();
  return Show{proofs_};
}

Next Order::take_authorization(const Answer& answer) {
  const json::value document = state::parse_json(answer.body);
  Authorization& one = authorizations_[at_];
  const std::string status = text_of(document, "status");
  one.domain = domain_of(document);
  if (std::ranges::find(wanted_.domains, one.domain) == wanted_.domains.end())
    return refused("an authorization is for " + quoted(one.domain) + ", which was not asked for");
  if (status == "pending") return choose_challenge(document, one);
  if (status != "valid") return refused(one.domain + " is " + status + ": " + why_invalid(document));
  one.valid = true;
  ++at_;
  return next_authorization();
}

Next Order::choose_challenge(const json::value& authorization, Authorization& one) {
  const auto* challenges = state::array_field(authorization, "challenges");
  std::string offered;
  for (const auto type : wanted_.challenges)
    for (std::size_t i = 0; challenges && i < challenges->size(); ++i) {
      const json::value& challenge = (*challenges)[i];
      if (text_of(challenge, "type") != type) continue;
      const std::string token = text_of(challenge, "token");
      one.challenge_url = text_of(challenge, "url");
      if (!is_token(token) || one.challenge_url.empty())
        return refused(one.domain + ": the challenge that the server offers is malformed");
      proofs_.push_back({one.domain, type, token, token + "." + account_.thumbprint()});
      ++at_;
      return next_authorization();
    }
  for (std::size_t i = 0; challenges && i < challenges->size(); ++i)
    offered += (offered.empty() ? "" : ", ") + text_of((*challenges)[i], "type");
  return refused(one.domain + ": the server offers no challenge that can be used, only " +
                 (offered.empty() ? "none" : offered));
}

// Each challenge is to be looked at now (RFC 8555 7.5.1).
Next Order::next_response() {
  while (at_ < authorizations_.size() && authorizations_[at_].valid) ++at_;
  if (at_ < authorizations_.size()) return post(Step::respond, authorizations_[at_].challenge_url, "{}");
  at_ = 0;
  return next_validation();
}

Next Order::next_validation() {
  while (at_ < authorizations_.size() && authorizations_[at_].valid) ++at_;
  pause_ = 0ms;
  if (at_ < authorizations_.size()) return post(Step::validation, authorizations_[at_].url, "");
  return finalize();
}

Next Order::take_validation(const Answer& answer) {
  const json::value document = state::parse_json(answer.body);
  Authorization& one = authorizations_[at_];
  const std::string status = text_of(document, "status");
  if (status == "pending" || status == "processing")
    return wait_for(one.url, Step::validation, answer, "the server has not looked at " + one.domain);
  if (status != "valid")
    return refused("the server does not believe that " + one.domain + " is here: " + why_invalid(document));
  one.valid = true;
  return next_validation();
}

// --- the certificate

Next Order::finalize() {
  pause_ = 0ms;
  const std::string request = base64url(certificate_request(key_, wanted_.domains));
  return post(Step::finalize, finalize_url_, json::serialize(json::object{{"csr", request}}));
}

Next Order::follow_order(const Answer& answer) {
  const json::value document = state::parse_json(answer.body);
  const std::string status = text_of(document, "status");
  if (status == "valid") return post(Step::download, text_of(document, "certificate"), "");
  if (status == "ready" && step_ == Step::order) return finalize();
  if (status == "processing" || status == "pending" || status == "ready")
    return wait_for(order_url_, Step::issuing, answer, "the server has not issued the certificate");
  const auto* error = field(document, "error");
  const std::string why = error ? complaint_in(*error).text : "the server does not say why";
  return refused("the order is " + (status.empty() ? "not one" : status) + ": " + why);
}

// The server says how long, or it is asked at growing distances.
Next Order::wait_for(std::string url, Step step, const Answer& answer, const std::string& what) {
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  const milliseconds pause = std::max(pause_, answer.retry_after);
  waited_ += pause;
  if (waited_ > kPatience)
    return Failure{FailureKind::refused, what + " within " + duration_text(kPatience), answer.retry_after};
  step_ = step;
  poll_ = std::move(url);
  return Wait{pause};
}

std::string Order::doing() const {
  switch (step_) {
    case Step::begin:
    case Step::directory:
      return "the directory";
    case Step::nonce:
      return "a nonce";
    case Step::account:
      return "the account";
    case Step::order:
      return "the order";
    case Step::authorization:
    case Step::validation:
      return "an authorization";
    case Step::show:
    case Step::respond:
      return "a challenge";
    case Step::finalize:
    case Step::issuing:
      return "the issuing";
    case Step::download:
      return "the certificate";
  }
  return "the order";
}

}  // namespace sluice::acme
