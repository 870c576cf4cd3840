// Where a listener's certificate comes from when nobody brings it: an ACME server (RFC 8555). Plain structs;
// every default and every key stands here once (kinds.hpp). Pure data, constant after loading.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/kinds.hpp"

namespace sluice::config {

// External account binding (RFC 8555 7.3.4): what a server that does not take everybody has given out.
struct AcmeBinding {
  std::string kid;
  std::string hmac_file;  // its only line is the key, in base64url
  bool operator==(const AcmeBinding&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("kid", self.kid, Text{}, kRequired);
    visit("hmac_file", self.hmac_file, File{}, kRequired);
  }
};

struct AcmeSpec {
  static constexpr std::string_view kChallenges[] = {"tls-alpn-01", "http-01"};

  std::string directory;  // its URL
  std::string email;      // empty: the account has none
  std::vector<std::string> domains;
  std::string challenge;  // empty: the first of kChallenges, and after a failure the next in turn
  std::string ca;         // PEM, whom the directory's own certificate is believed by; empty: the system's
  std::optional<AcmeBinding> eab;
  Place place;
  bool operator==(const AcmeSpec&) const = default;
  static void fields(auto& self, auto& visit) {
    visit("directory", self.directory, Text{acme_directory_error}, kRequired);
    visit("email", self.email, Text{email_error});
    visit("domains", self.domains, Domains{}, kRequired);
    visit("challenge", self.challenge, OneOf{kChallenges});
    visit("ca", self.ca, File{});
    visit("eab", self.eab);
  }
};

}  // namespace sluice::config
