// Certificates of an ACME server as this daemon shows them: proofs and certificates go to the listeners, what
// came of an order into log, events and audit. Control thread only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/acme/host.hpp"
#include "control/change/committer.hpp"

namespace sluice::change {

class AcmeHost : public acme::Host {
 public:
  // All of them outlive this.
  AcmeHost(const InForce& in_force, Publisher& publisher, worker::Workers& workers, Committer& committer,
           Recorder& recorder)
      : in_force_(in_force),
        publisher_(publisher),
        workers_(workers),
        committer_(committer),
        recorder_(recorder) {}

  boost::asio::awaitable<std::string> show(std::string listener, std::vector<acme::Proof> proofs) override;
  std::string take(const std::string& listener, const std::string& file) override;
  void issued(const std::string& listener, const std::string& what) override;
  void failed(const std::string& listener, const std::string& what) override;

 private:
  const InForce& in_force_;
  Publisher& publisher_;
  worker::Workers& workers_;
  Committer& committer_;
  Recorder& recorder_;
  std::map<std::string, std::string> files_;  // by listener
};

}  // namespace sluice::change
