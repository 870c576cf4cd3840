// What a dry run foretells of a shift, from the traffic of the last hour: what each step moves, whether the
// new pool's backends can carry it, and what a plan's gates would notice. Written by the daemon, read by
// sluicectl (answer.hpp); docs/before-a-shift.md explains it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/protocol/answer.hpp"

namespace sluice::protocol {

// Seconds in the step; what is not there is longer than is worth waiting for.
struct ForecastTimes {
  std::optional<double> median, most;  // most: in 95 of 100 rollouts

  static void fields(auto& self, auto& visit) {
    visit.or_null("median_s", self.median);
    visit.or_null("p95_s", self.most);
  }
};

struct ForecastWorse {
  double value = 0;
  ForecastTimes found;

  static void fields(auto& self, auto& visit) {
    visit("value", self.value);
    ForecastTimes::fields(self.found, visit);
  }
};

// One limit of a gate that the proxy counts for itself.
struct ForecastGate {
  std::string gate, unit;            // unit: "rate" or "seconds", of the values
  double baseline = 0, limit = 0;    // what a canary like stable has; where the limit is, for it
  std::vector<ForecastWorse> worse;  // canaries beyond the limit, the slightest first
  std::optional<double> least;       // that is found within the hold in 95 of 100 rollouts
  ForecastTimes passed;              // a canary like stable is shown to keep the limit
  std::string why;                   // why nothing is said of it

  static void fields(auto& self, auto& visit) {
    visit("gate", self.gate);
    visit("unit", self.unit);
    visit("baseline", self.baseline);
    visit("limit", self.limit);
    visit("worse", self.worse);
    visit.or_null("least_within_hold", self.least);
    visit("passed", self.passed);
    visit.some("why", self.why);
  }
};

// A pool that gets more, and what each of its backends has then; rates a second.
struct ForecastPool {
  std::string pool;
  std::uint64_t eligible = 0;               // backends that take requests
  double rate_now = 0, rate = 0;            // of a backend
  double in_flight_now = 0, in_flight = 0;  // on average, by Little's law
  double in_flight_peak = 0;                // at the highest of the last 24 hours
  std::uint64_t max_in_flight = 0;          // the least of its backends'; 0: no limit
  double rate_peak = 0;                     // a backend's of any pool had in the last 24 hours
  std::string problem;                      // a sentence; empty: it can carry it as far as is known

  static void fields(auto& self, auto& visit) {
    visit("pool", self.pool);
    visit("eligible", self.eligible);
    visit("rate_now", as<Thousandths>(self.rate_now));
    visit("rate", as<Thousandths>(self.rate));
    visit("in_flight_now", as<Thousandths>(self.in_flight_now));
    visit("in_flight", as<Thousandths>(self.in_flight));
    visit("in_flight_peak", as<Thousandths>(self.in_flight_peak));
    visit("max_in_flight", self.max_in_flight);
    visit("rate_peak", as<Thousandths>(self.rate_peak));
    visit.some("problem", self.problem);
  }
};

struct ForecastStep {
  Share share = 0;  // of the pool that the shift is to; of a step of copies theirs
  bool mirrored = false;
  std::optional<milliseconds> hold;      // of a plan's step
  Share users_moved = 0;                 // of those with a key; the step before has the others
  double requests_moved = 0;             // a minute
  double rate = 0;                       // requests a second that the new pool has then
  std::optional<double> enough, broken;  // seconds: min_requests are seen; a canary that fails all is stopped
  std::vector<ForecastPool> pools;
  std::vector<ForecastGate> gates;

  static void fields(auto& self, auto& visit) {
    visit("share", as<Percentage>(self.share));
    visit.some("mirrored", self.mirrored);
    visit.some("hold_ms", self.hold);
    visit("users_moved", as<Percentage>(self.users_moved));
    visit("requests_moved_per_minute", as<Thousandths>(self.requests_moved));
    visit("requests_per_second", as<Thousandths>(self.rate));
    visit.some("min_requests_s", self.enough);
    visit.some("broken_found_s", self.broken);
    visit("pools", self.pools);
    visit("gates", self.gates);
  }
};

struct Forecast {
  std::string name;                 // of the service
  double known_seconds = 0;         // of the last hour
  double rate = 0, error_rate = 0;  // of all pools
  std::optional<double> p50_ms, p95_ms, p99_ms;
  double hours_known = 0;  // of the last 24
  double rate_peak = 0;    // the highest minute of these
  bool sticky = false;     // users have keys
  std::string why;         // why nothing is foretold, and what to do
  std::vector<ForecastStep> steps;

  static void fields(auto& self, auto& visit) {
    visit("known_s", as<Thousandths>(self.known_seconds));
    visit("requests_per_second", as<Thousandths>(self.rate));
    visit("error_rate", self.error_rate);
    visit.or_null("p50_ms", self.p50_ms);
    visit.or_null("p95_ms", self.p95_ms);
    visit.or_null("p99_ms", self.p99_ms);
    visit("hours_known", as<Thousandths>(self.hours_known));
    visit("rate_peak", as<Thousandths>(self.rate_peak));
    visit("sticky", self.sticky);
    visit.some("why", self.why);
    visit("steps", self.steps);
  }
};

// By service, in Changed::more["forecast"].
struct Forecasts {
  std::vector<Forecast> services;

  static void fields(auto& self, auto& visit) { visit.named("services", self.services); }
};

}  // namespace sluice::protocol
