#include "control/acme/holding.hpp"

#include <algorithm>

#include "control/acme/certificates.hpp"
#include "control/acme/order.hpp"
#include "proxy/tls/certificate.hpp"

namespace sluice::acme {
namespace {

using namespace std::chrono_literals;

}  // namespace

UnixMilliseconds Holding::next_order(UnixMilliseconds now) const {
  Situation situation;
  situation.life = life;
  situation.issued = progress.issued;
  const auto is_covered = [this](const std::string& domain) {
    return std::ranges::find(names, domain) != names.end();
  };
  situation.is_another = !std::ranges::all_of(spec.domains, is_covered) ||
                         (!progress.asked_for.empty() && progress.asked_for != asked_for_by(spec));
  situation.window = window;
  situation.failures = progress.failures;
  situation.kind = progress.kind;
  situation.failed = progress.failed;
  situation.not_before = progress.not_before;
  situation.hurried = hurried;
  return acme::next_order(situation, now, draw);
}

std::optional<UnixMilliseconds> Holding::next_window(UnixMilliseconds now) const {
  if (!life || renewal_id.empty()) return std::nullopt;
  return std::max(now, window_asked);
}

// RFC 9773 4.3.2: some six hours, or as the server says within bounds; of short lives in proportion.
milliseconds Holding::window_interval(milliseconds retry_after) const {
  const milliseconds tenth(life ? (life->end - life->start) / 10 : 0);
  if (retry_after > 0ms) return std::clamp<milliseconds>(retry_after, 1min, 24h);
  return std::clamp<milliseconds>(tenth, 1s, 6h);
}

std::vector<std::string_view> Holding::challenges() const {
  if (spec.challenge == kHttp01) return {kHttp01};
  if (spec.challenge == kTlsAlpn01) return {kTlsAlpn01};
  std::vector<std::string_view> all{kTlsAlpn01, kHttp01};
  if (progress.failures % 2 == 1 && progress.kind == FailureKind::refused) std::swap(all[0], all[1]);
  return all;
}

std::string load(Holding& holding, const std::string& file) {
  std::string text;
  if (!tls::read_file(file, text)) return "it cannot be read";
  const tls::Certificate loaded = tls::load_certificate({file, file, ""});
  if (loaded.wrong != tls::Certificate::Part::none) return loaded.error;
  holding.file = file;
  holding.names = loaded.names;
  holding.life = RenewalWindow{loaded.not_before * 1000, loaded.not_after * 1000};
  holding.renewal_id = renewal_id(text);
  holding.window.reset();
  holding.window_asked = 0;
  return {};
}

}  // namespace sluice::acme
