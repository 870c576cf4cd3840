// The keys of TLS session tickets in the state folder: clients resume their sessions after a restart, too.
#include "proxy/tls/tickets.hpp"

#include <spdlog/spdlog.h>

#include "control/change/control_impl.hpp"
#include "control/change/kept_secret.hpp"

namespace sluice::change {
namespace {

constexpr std::string_view kTicketFile = "/tickets.key";

}  // namespace

void Control::Impl::open_tickets() {
  tls::TicketKeys* const keys = workers.tickets();
  const std::string path = spec.state_dir + std::string(kTicketFile);
  if (!keys || !options.files->exists(path)) return;
  const auto text = options.files->read(path);
  const auto now = tls::TicketKeys::Clock::now();
  // Those that are too old are no error: the daemon was down for hours.
  if (text && keys->restore(*text, now, unix_milliseconds() / 1000)) kept_tickets = keys->turn(now);
  if (!text) spdlog::warn("{}; clients cannot resume their TLS sessions", text.error().message());
}

void Control::Impl::keep_tickets() {
  tls::TicketKeys* const keys = workers.tickets();
  const auto now = tls::TicketKeys::Clock::now();
  if (!keys || kept_tickets == keys->turn(now)) return;
  kept_tickets = keys->turn(now);
  const std::string text = keys->text(now, unix_milliseconds() / 1000);
  if (const auto error = keep_secret(*options.files, spec.state_dir, kTicketFile, text))
    spdlog::warn("the keys of TLS tickets are not kept: {}", error.message());
}

}  // namespace sluice::change
