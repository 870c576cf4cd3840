// What Control says of itself: plain values, taken at one moment on the control thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/protocol/status.hpp"
#include "proxy/observe/metric.hpp"

namespace sluice::change {

// Filled by StatusWriter; `status` answers them and the metrics read them.
using StatusView = protocol::Status;
using ServiceView = protocol::ServiceStatus;
using PoolView = protocol::PoolStatus;
using BackendView = protocol::BackendStatus;
using DrainView = protocol::DrainStatus;
using RolloutView = protocol::RolloutStatus;

// /readyz: false while starting and from the first moment of a shutdown (D6).
struct Readiness {
  bool ready = false;
  std::string why;
};

// For the metrics; since start.
struct ControlCounters {
  std::uint64_t changes = 0, refused = 0;  // verbs that changed something; that were refused
  std::uint64_t reloads_ok = 0, reloads_failed = 0;
  std::uint64_t drains_clean = 0, drains_forced = 0;  // requests and tunnels
  std::uint64_t ejections = 0;
  std::uint64_t journal_errors = 0;
  std::uint64_t certificates_issued = 0, certificates_failed = 0;  // orders of ACME
};

inline constexpr std::string_view kVerbResults[] = {"accepted", "refused"},
                                  kReloadResults[] = {"ok", "failed"}, kDrainResults[] = {"clean", "forced"},
                                  kOrderResults[] = {"issued", "failed"};

inline constexpr observe::Metric<ControlCounters> kControlMetrics[] = {
    {"sluice_changes_total", "counter", "Verbs that changed something, and those that were refused.",
     [](const ControlCounters& all, std::size_t i) { return i == 0 ? all.changes : all.refused; }, "result",
     kVerbResults},
    {"sluice_config_reloads_total", "counter", "Readings of the configuration after the first.",
     [](const ControlCounters& all, std::size_t i) { return i == 0 ? all.reloads_ok : all.reloads_failed; },
     "result", kReloadResults},
    {"sluice_drained_total", "counter",
     "Requests and tunnels on draining backends: ended by themselves, or closed.",
     [](const ControlCounters& all, std::size_t i) { return i == 0 ? all.drains_clean : all.drains_forced; },
     "result", kDrainResults},
    {"sluice_acme_orders_total", "counter", "Certificates that were ordered by ACME: came, or did not.",
     [](const ControlCounters& all, std::size_t i) {
       return i == 0 ? all.certificates_issued : all.certificates_failed;
     },
     "result", kOrderResults},
    {"sluice_journal_errors_total", "counter", "Changes that the state folder did not take.",
     [](const ControlCounters& all, std::size_t) { return all.journal_errors; }},
};

}  // namespace sluice::change
