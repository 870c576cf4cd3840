// What the keeper of certificates needs of the rest of control, as an interface. Control thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "control/acme/order.hpp"

namespace sluice::acme {

class Host {
 public:
  virtual ~Host() = default;

  // `listener` and HTTP in clear show these proofs and no others; of every worker when it returns. An error
  // text, or empty.
  virtual boost::asio::awaitable<std::string> show(std::string listener, std::vector<Proof> proofs) = 0;
  // `listener` shows the certificate in this file from now on; empty: none. An error text, or empty, and then
  // what it showed before is shown still.
  virtual std::string take(const std::string& listener, const std::string& file) = 0;
  // What came of an order, for the log, events and the audit log.
  virtual void issued(const std::string& listener, const std::string& what) = 0;
  virtual void failed(const std::string& listener, const std::string& what) = 0;
};

}  // namespace sluice::acme
