// One order for one certificate (RFC 8555 7.4), from the directory to the chain: a state machine without
// sockets, clock or files. Each step says what is to be done next, and is resumed with what came of it.
// Control thread.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/acme/jose.hpp"
#include "control/acme/messages.hpp"

namespace sluice::acme {

inline constexpr std::string_view kHttp01 = "http-01", kTlsAlpn01 = "tls-alpn-01";

// What shows the server that a domain is ours.
struct Proof {
  std::string domain;
  std::string_view type;          // kHttp01 or kTlsAlpn01
  std::string token;              // base64url, nothing else
  std::string key_authorization;  // RFC 8555 8.1
};

struct Wanted {
  std::string directory;  // its URL
  std::string email;      // empty: none
  std::vector<std::string> domains;
  std::vector<std::string_view> challenges;  // in the order in which they are to be used
  struct Binding {
    std::string kid, hmac_key;
  };
  std::optional<Binding> binding;
  std::string replaces;     // the certificate that this one follows (renewal_id()); empty: none
  std::string account_url;  // of an earlier order; empty: not known
};

// --- what is to be done next
using Ask = Question;
// resume() when the server can see them.
struct Show {
  std::vector<Proof> proofs;
};
struct Wait {
  milliseconds time;
};
struct Issued {
  std::string chain;  // PEM, as it came
};
using Next = std::variant<Ask, Show, Wait, Issued, Failure>;

class Order {
 public:
  // `account` and `key`, the certificate's, outlive it.
  Order(Wanted wanted, const Key& account, const Key& key);

  // First with an Answer of nothing; after Show and Wait likewise. Not after Issued or a Failure.
  Next resume(const Answer& answer);

  // As soon as the server has said it; the caller keeps it for the next order.
  const std::string& account_url() const { return wanted_.account_url; }
  const std::string& terms() const {
    return directory_.terms;
  }  // what the account has agreed to, a URL or empty

 private:
  enum class Step : std::uint8_t {
    begin,
    directory,
    nonce,
    account,
    order,
    authorization,
    show,
    respond,
    validation,
    finalize,
    issuing,
    download
  };
  struct Authorization {
    std::string url, challenge_url;
    std::string domain;
    bool valid = false;
  };

  Next post(Step step, std::string url, std::string payload);
  Next post_signed();
  Next ask(Step step, Question::Method method, std::string url);
  Next again_or_fail(const Answer& answer);
  Next after(const Answer& answer);
  Next read_directory(const Answer& answer);
  Next register_account();
  Next take_account(const Answer& answer);
  Next place_order();
  Next take_order(const Answer& answer);
  Next next_authorization();
  Next take_authorization(const Answer& answer);
  Next choose_challenge(const boost::json::value& authorization, Authorization& one);
  Next next_response();
  Next next_validation();
  Next take_validation(const Answer& answer);
  Next finalize();
  Next follow_order(const Answer& answer);
  Next wait_for(std::string url, Step step, const Answer& answer, const std::string& what);
  std::string doing() const;

  Wanted wanted_;
  const Key& account_;
  const Key& key_;
  Step step_ = Step::begin;
  struct Directory {  // what it names: URLs
    std::string new_nonce, new_account, new_order, terms;
  } directory_;
  std::string order_url_, finalize_url_;
  std::string nonce_;
  struct Request {  // under way: a nonce that is refused, or has to be fetched, sends it again
    std::string url, payload;
    Step step = Step::begin;
  } request_;
  int refused_nonces_ = 0;
  bool registered_anew_ = false;
  std::vector<Authorization> authorizations_;
  std::vector<Proof> proofs_;
  std::size_t at_ = 0;               // of authorizations_
  std::optional<std::string> poll_;  // what is looked at again after a Wait
  milliseconds waited_{0}, pause_{0};
};

}  // namespace sluice::acme
