#include "control/change/acme_host.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "control/acme/certificates.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::change {
namespace {

constexpr std::string_view kFolderOfProofs = "/.well-known/acme-challenge/";  // RFC 8555 8.3

// Not in the coroutine: g++ 12 frees lists in braces twice there.
worker::OwnCertificates own_certificates(const std::string& file) {
  worker::OwnCertificates own;
  if (!file.empty()) own.issued.push_back({file, file, ""});
  return own;
}

using Paths = std::map<std::string, std::string, std::less<>>;

// To the paths, or to what the listener shows.
void add_proofs(const std::vector<acme::Proof>& proofs, Paths& paths, worker::OwnCertificates& own) {
  for (const auto& proof : proofs)
    if (proof.type == acme::kHttp01)
      paths.emplace(std::string(kFolderOfProofs) + proof.token, proof.key_authorization);
    else
      own.challenges.push_back(acme::challenge_certificate(proof.domain, proof.key_authorization));
}

}  // namespace

// Published like a snapshot of the same generation: behind it, each worker has the listener's new context,
// too.
boost::asio::awaitable<std::string> AcmeHost::show(std::string listener, std::vector<acme::Proof> proofs) {
  worker::OwnCertificates own = own_certificates(files_[listener]);
  Paths paths;
  add_proofs(proofs, paths, own);
  const Committer::Lock held = co_await committer_.lock();
  if (std::string error = workers_.set_certificates(listener, std::move(own)); !error.empty())
    co_return error;
  publisher_.proofs = paths.empty() ? nullptr : std::make_shared<const Paths>(std::move(paths));
  route::SnapshotPtr made = publisher_.rebuild(in_force_, in_force_.state);
  co_await committer_.publish(std::move(made));
  co_return std::string();
}

std::string AcmeHost::take(const std::string& listener, const std::string& file) {
  std::string error = workers_.set_certificates(listener, own_certificates(file));
  if (error.empty()) files_[listener] = file;
  return error;
}

void AcmeHost::issued(const std::string& listener, const std::string& what) {
  ++recorder_.counters.certificates_issued;
  recorder_.audit(invocation_of("acme"), "certificate", {"", listener + ": " + what}, "done");
  recorder_.info("certificate", "", "listener " + listener + ": a certificate for " + what,
                 {{"listener", listener}, {"result", "issued"}});
}

void AcmeHost::failed(const std::string& listener, const std::string& what) {
  ++recorder_.counters.certificates_failed;
  recorder_.audit(invocation_of("acme"), "certificate", {"", listener}, "failed: " + what);
  recorder_.warn("certificate", "", "listener " + listener + ": no new certificate for " + what,
                 {{"listener", listener}, {"result", "failed"}});
}

}  // namespace sluice::change
