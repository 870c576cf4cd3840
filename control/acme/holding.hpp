// What is known of one listener's certificate: the one that is there, how its orders went, when the next one
// is. Values; what to do is decided in schedule.hpp. Control thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/acme/folder.hpp"
#include "control/acme/schedule.hpp"
#include "proxy/config/spec.hpp"

namespace sluice::acme {

struct Holding {
  std::string listener;
  config::AcmeSpec spec;
  std::string file;                   // of the certificate; empty: there is none
  std::vector<std::string> names;     // that it covers
  std::optional<RenewalWindow> life;  // of it
  std::string renewal_id;             // of it
  Progress progress;
  std::optional<RenewalWindow> window;  // ARI
  UnixMilliseconds window_asked = 0;    // when it is asked for again
  double draw = 0;                      // of next_order()
  bool hurried = false;
  bool ordering = false;

  UnixMilliseconds next_order(UnixMilliseconds now) const;
  // When the server is asked for a window; nothing without a certificate.
  std::optional<UnixMilliseconds> next_window(UnixMilliseconds now) const;
  // Until the one after, as the server says or not.
  milliseconds window_interval(milliseconds retry_after) const;
  // tls-alpn-01 needs the listener alone, http-01 a port in clear: the one after the other, unless told.
  std::vector<std::string_view> challenges() const;
};

// `file` and what is in it. Why it cannot be used, or empty; then nothing has changed.
std::string load(Holding& holding, const std::string& file);

}  // namespace sluice::acme
