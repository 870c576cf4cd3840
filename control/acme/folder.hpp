// What is kept of ACME in the state folder, in files that nobody else may read: accounts, certificates with
// their keys, and how the last orders went, so that a restart needs no order and forgets no patience. Control
// thread; blocks on the disk.
#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <string>

#include "control/acme/jose.hpp"
#include "control/acme/schedule.hpp"
#include "control/state/file.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::acme {

struct Account {
  Key key;
  std::string url;  // empty: not registered yet
};

// How the orders for one listener went.
struct Progress {
  std::string asked_for;  // what the certificate was ordered with: asked_for_by(); empty: not known
  std::string tried_for;  // the same of the last order, however it went
  UnixMilliseconds issued = 0;
  std::uint32_t failures = 0;  // in a row
  FailureKind kind = FailureKind::unreachable;
  UnixMilliseconds failed = 0, not_before = 0;
  std::string error;  // of the last failure; empty: the last order was good
};

// Two configurations that need the same certificate say the same.
std::string asked_for_by(const config::AcmeSpec& spec);

class Folder {
 public:
  // `files` outlives it; `path` is the state folder.
  Folder(state::FileSystem& files, const std::string& state_dir)
      : files_(files), path_(state_dir + "/acme") {}

  // The account for this server, address and binding, made when there is none. A sentence when it cannot be
  // read or kept.
  boost::system::result<Account, std::string> account(const config::AcmeSpec& spec);
  state::Error keep(const config::AcmeSpec& spec, const Account& account);

  // The certificate of a listener, PEM with its key.
  std::string certificate_file(const std::string& listener) const;
  bool has_certificate(const std::string& listener) const {
    return files_.exists(certificate_file(listener));
  }
  state::Error keep_certificate(const std::string& listener, const std::string& chain, const Key& key);

  Progress progress(const std::string& listener);  // of none: everything is empty
  state::Error keep(const std::string& listener, const Progress& progress);

 private:
  state::Error write(const std::string& name, const std::string& text);

  state::FileSystem& files_;
  const std::string path_;
};

}  // namespace sluice::acme
