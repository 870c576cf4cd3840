// What an operator asks of a service at run time beside its shares: pause and stop (P1), flags (F1), mirror
// (M1). The changes of the state, as in apply.hpp, and how they are kept, told and carried over. The
// configuration does not know them, so they stay over a reload (T2). Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>
#include <vector>

#include "control/state/apply.hpp"

namespace sluice::state {

inline constexpr std::size_t kLongestMessage = 1000;  // bytes of a stopped service's answer

Result<Change> pause(const State& state, const std::string& service, std::chrono::milliseconds max_hold,
                     std::uint32_t max_queue);
Result<Change> stop(const State& state, const std::string& service, const std::string& message);
// Ends a pause or a stop.
Result<Change> resume(const State& state, const std::string& service);

inline constexpr std::size_t kMostFlags = 64;          // of a service: all of them travel with each request
inline constexpr std::size_t kLongestConfig = 16'384;  // bytes of JSON

// Without `config` the flag keeps the configuration that it has; an empty `config` takes it away.
Result<Change> set_flag(const State& state, const std::string& service, const std::string& name, Share share,
                        const std::optional<std::string>& config);
// Of `service`, or of every service that has the flag when `service` is empty.
Result<Change> remove_flag(const State& state, const std::string& name, const std::string& service);
// not_found, with a suggestion, when no service has it.
std::optional<protocol::Problem> missing_flag(const State& state, const std::string& name);

// `mirror.share` above 0. Off without one.
Result<Change> set_mirror(const State& state, const std::string& service,
                          const std::optional<route::Mirror>& mirror);

// --- for the journal, history, reload and undo

void add_traffic(const ServiceState& service, boost::json::object& out);
bool read_traffic(const boost::json::value& value, ServiceState& service);  // false: not readable
// What differs, each as it was and as it is: {"open", "paused 30s"}.
std::vector<std::pair<std::string, std::string>> traffic_texts(const ServiceState& before,
                                                               const ServiceState& after);
void merge_traffic(ServiceState& merged, const ServiceState& runtime, std::vector<std::string>& conflicts);
void restore_traffic(ServiceState& service, const ServiceState& recorded);

std::string hold_text(const std::optional<route::Hold>& hold);  // "open", "paused 30s", "stopped"

}  // namespace sluice::state
