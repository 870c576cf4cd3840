// Traffic as services have it, made without the judge's code, so that what the judge says of it can be
// checked: users who ask often and users who ask once, users with errors of their own, sessions that come in
// bursts, and short outages that hit whoever asks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace sluice::simulation {

struct Kind {
  std::size_t users = 3'000;
  double pareto = 1.3;          // of how many sessions a user has; 0: all have as many
  double error_rate = 0.01;     // of an ordinary user, on average
  double alike = 0.05;          // the correlation of two requests of one user (beta); 0: none
  double always_failing = 0.0;  // this part of the users
  double session = 8;           // requests, on average
  double slow_users = 0;        // the spread of the logarithm of a user's own latency
  bool bursts = false;          // of arrivals, eight times as many for two seconds
  bool outages = false;         // about every two minutes one second in which a quarter fails
};

struct Asked {
  std::uint32_t place = 0;  // of the user, below 100,000
  bool error = false;
  std::uint64_t micros = 0;
};

class Traffic {
 public:
  Traffic(const Kind& kind, std::uint64_t seed) : kind_(kind), random_(seed) {
    double sum = 0;
    for (std::size_t i = 0; i < kind.users; ++i) {
      User user;
      user.place = static_cast<std::uint32_t>(random_() % 100'000);
      user.error_rate = error_rate_of_a_user();
      user.slow = std::exp(kind.slow_users * normal_(random_));
      users_.push_back(user);
      sums_.push_back(sum += kind.pareto > 0 ? std::pow(uniform(), -1 / kind.pareto) : 1);
    }
    for (auto& session : sessions_) session = a_user();
  }

  Asked next() {
    pass_time();
    std::size_t& session = sessions_[random_() % kSessions];
    const User& user = users_[session];
    Asked asked{user.place, uniform() < user.error_rate || (outage_ && uniform() < 0.25),
                static_cast<std::uint64_t>(50'000 * user.slow * std::exp(0.5 * normal_(random_)))};
    // Who fails tries again.
    if (uniform() < (asked.error ? 0.3 : 1.0) / kind_.session) session = a_user();
    return asked;
  }
  double uniform() { return static_cast<double>((random_() >> 11) + 1) * 0x1p-53; }

 private:
  static constexpr std::size_t kSessions = 12;  // at a time
  struct User {
    std::uint32_t place = 0;
    double error_rate = 0, slow = 1;
  };

  // Beta with the mean and the correlation of the kind: gammas, one over the sum of both.
  double error_rate_of_a_user() {
    if (uniform() < kind_.always_failing) return 1;
    if (kind_.alike <= 0) return kind_.error_rate;
    const double size = 1 / kind_.alike - 1;
    std::gamma_distribution<> errors(size * kind_.error_rate), others(size * (1 - kind_.error_rate));
    const double a = errors(random_), b = others(random_);
    return a + b > 0 ? a / (a + b) : 0;
  }
  std::size_t a_user() {
    const double at = uniform() * sums_.back();
    return static_cast<std::size_t>(std::ranges::lower_bound(sums_, at) - sums_.begin()) % users_.size();
  }
  void pass_time() {
    const double passed = -std::log(uniform()) / (burst_ ? 400 : 50);  // seconds
    const auto changes = [&](double every) { return uniform() < passed / every; };
    if (kind_.bursts && changes(burst_ ? 2 : 20)) burst_ = !burst_;
    if (kind_.outages && changes(outage_ ? 1 : 120)) outage_ = !outage_;
  }

  const Kind kind_;
  std::mt19937_64 random_;
  std::normal_distribution<> normal_;
  std::vector<User> users_;
  std::vector<double> sums_;  // of the users' weights up to each
  std::size_t sessions_[kSessions];
  bool burst_ = false, outage_ = false;
};

}  // namespace sluice::simulation
