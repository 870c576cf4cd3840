#include "control/change/tickets.hpp"

#include <spdlog/spdlog.h>

#include "control/change/invocation.hpp"
#include "control/state/secret_file.hpp"
#include "proxy/tls/tickets.hpp"

namespace sluice::change {
namespace {

constexpr std::string_view kTicketFile = "/tickets.key";

}  // namespace

void TicketKeeper::restore() {
  tls::TicketKeys* const keys = workers_.tickets();
  const std::string path = in_force_.spec.state_dir + std::string(kTicketFile);
  if (!keys || !files_.exists(path)) return;
  const auto text = files_.read(path);
  const auto now = tls::TicketKeys::Clock::now();
  // Kept keys that are too old are no error: the daemon was down for hours.
  if (text && keys->restore(*text, now, unix_milliseconds() / 1000)) kept_ = keys->turn(now);
  if (!text) spdlog::warn("{}; clients cannot resume their TLS sessions", text.error().message());
}

void TicketKeeper::keep() {
  tls::TicketKeys* const keys = workers_.tickets();
  const auto now = tls::TicketKeys::Clock::now();
  if (!keys || kept_ == keys->turn(now)) return;
  kept_ = keys->turn(now);
  const std::string text = keys->text(now, unix_milliseconds() / 1000);
  if (const auto error = state::write_secret_file(files_, in_force_.spec.state_dir, kTicketFile, text))
    spdlog::warn("the keys of TLS tickets are not kept: {}", error.message());
}

}  // namespace sluice::change
