#include "control/rehearse/replay.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <random>

#include "proxy/route/shares.hpp"

namespace sluice::rehearse {
namespace {

using Layout = observe::HistogramLayout;
using Random = std::mt19937_64;

double chance(Random& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

// The bucket of an answer that takes `times` as long.
std::uint16_t slower(std::uint16_t bucket, double times) {
  if (bucket == Seen::kNoTime || times == 1) return bucket;
  const double micros = static_cast<double>(Layout::upper(bucket)) * times;
  return static_cast<std::uint16_t>(Layout::index(static_cast<std::uint64_t>(std::min(micros, 4e9))));
}

// The last answers of one pool, of which one is drawn where the log has none.
class Answers {
 public:
  void add(const Seen& seen) {
    if (kept_.size() < kKept)
      kept_.push_back(seen);
    else
      kept_[next_++ % kKept] = seen;
  }
  bool empty() const { return kept_.empty(); }
  const Seen& draw(Random& random) const { return kept_[random() % kept_.size()]; }

 private:
  static constexpr std::size_t kKept = 1'000;
  std::vector<Seen> kept_;
  std::size_t next_ = 0;
};

class Replay {
 public:
  Replay(const Traffic& traffic, Rehearsal& rehearsal)
      : traffic_(traffic), rehearsal_(rehearsal), random_(traffic.seed) {
    // So that there is an answer to draw before the first.
    for (const Seen& seen : traffic.log.requests)
      if (const auto pool = pool_of(seen); pool && seen.counted && first_[*pool].empty())
        first_[*pool].add(seen);
  }

  void run() {
    for (const Seen& seen : traffic_.log.requests) {
      const auto recorded = pool_of(seen);
      if (!recorded) continue;
      rehearsal_.look_until(seen.ended_micros);
      if (rehearsal_.over()) return;
      rehearsal_.request_passed();
      pass(seen, *recorded);
      if (seen.counted) last_[*recorded].add(seen);
      if (rehearsal_.over()) return;
    }
    rehearsal_.log_ended(traffic_.log.requests.back().ended_micros);
  }

 private:
  enum Pool : std::size_t { kStable, kCanary };

  std::optional<Pool> pool_of(const Seen& seen) const {
    if (seen.pool == traffic_.stable) return kStable;
    if (traffic_.canary && seen.pool == *traffic_.canary) return kCanary;
    return std::nullopt;
  }

  void pass(const Seen& seen, Pool recorded) {
    if (rehearsal_.mirror() > 0) {
      answer(kStable, seen, recorded);
      if (seen.safe && point() < rehearsal_.mirror()) answer(kCanary, seen, recorded);
      return;
    }
    answer(decide(seen, recorded), seen, recorded);
  }

  Pool decide(const Seen& seen, Pool recorded) {
    const Share share = rehearsal_.share();
    if (share == 0) return kStable;
    if (share == kWhole) return kCanary;
    if (!traffic_.canary && traffic_.log.by_client() && seen.slot != Seen::kNoSlot)
      return rehearsal_.canary_owns(seen.slot) ? kCanary : kStable;
    if (!traffic_.canary) return point() < share ? kCanary : kStable;
    return as_recorded(recorded, share);
  }

  // Within a block of 1,000 an exact split strays from its share by less than this many requests (S3).
  static constexpr double kStrays = 60;
  Pool as_recorded(Pool recorded, Share share) {
    if (share != share_) owed_ = 0;
    share_ = share;
    owed_ += static_cast<double>(share) / kWhole;
    const bool canary = owed_ > kStrays || (owed_ > -kStrays && recorded == kCanary);
    owed_ -= canary;
    return canary ? kCanary : kStable;
  }

  std::uint32_t point() { return route::split_point(traffic_.seed, number_++); }

  void answer(Pool pool, const Seen& seen, Pool recorded) {
    const Seen* said = &seen;
    if (pool != recorded) said = &drawn(pool, seen);
    bool error = said->error;
    std::uint16_t bucket = said->bucket;
    if (pool == kCanary) {
      if (traffic_.fault.errors) error = chance(random_) < *traffic_.fault.errors;
      bucket = slower(bucket, traffic_.fault.slower);
    }
    if (said->counted)
      rehearsal_.count(pool == kCanary, error, bucket, seen.ended_micros);
    else
      rehearsal_.count_latency(pool == kCanary, bucket);
  }

  // A canary that the log does not know answers as the request was answered.
  const Seen& drawn(Pool pool, const Seen& seen) {
    if (!last_[pool].empty()) return last_[pool].draw(random_);
    return first_[pool].empty() ? seen : first_[pool].draw(random_);
  }

  const Traffic& traffic_;
  Rehearsal& rehearsal_;
  Random random_;
  std::array<Answers, 2> first_, last_;  // by Pool
  Share share_ = 0;
  double owed_ = 0;  // to the canary
  std::uint64_t number_ = 0;
};

// What a pool answered in a part of the log's time.
struct Mixture {
  std::uint64_t answers = 0, errors = 0;
  std::vector<std::uint64_t> buckets = std::vector<std::uint64_t>(Layout::kBuckets);
  std::vector<std::pair<std::uint16_t, double>> latency;  // bucket, its part; made of `buckets`

  void add(const Seen& seen) {
    ++answers;
    errors += seen.error;
    if (seen.bucket != Seen::kNoTime) ++buckets[seen.bucket];
  }
  void close(double times) {
    std::uint64_t all = 0;
    for (const auto n : buckets) all += n;
    for (std::size_t i = 0; i < buckets.size(); ++i)
      if (buckets[i] > 0)
        latency.emplace_back(slower(static_cast<std::uint16_t>(i), times),
                             static_cast<double>(buckets[i]) / static_cast<double>(all));
    buckets.clear();
    buckets.shrink_to_fit();
  }
};

std::uint64_t binomial(std::uint64_t n, double p, Random& random) {
  if (n == 0 || p <= 0) return 0;
  if (p >= 1) return n;
  const double mean = static_cast<double>(n) * p;
  if (mean < 20 || static_cast<double>(n) - mean < 20)
    return std::binomial_distribution<std::uint64_t>(n, p)(random);
  std::normal_distribution<double> normal(mean, std::sqrt(mean * (1 - p)));
  return static_cast<std::uint64_t>(std::clamp(std::round(normal(random)), 0.0, static_cast<double>(n)));
}

Rehearsal::Many drawn(const Mixture& from, std::uint64_t answers, std::optional<double> errors,
                      Random& random) {
  Rehearsal::Many many;
  many.answers = answers;
  const double rate =
      from.answers == 0 ? 0 : static_cast<double>(from.errors) / static_cast<double>(from.answers);
  many.errors = binomial(answers, errors.value_or(rate), random);
  double left = 1;
  for (std::uint64_t rest = answers; const auto& [bucket, part] : from.latency) {
    const std::uint64_t n = part >= left ? rest : binomial(rest, part / left, random);
    if (n > 0) many.latency.emplace_back(bucket, n);
    left -= part;
    rest -= n;
    if (rest == 0) break;
  }
  return many;
}

class DrawnOut {
 public:
  DrawnOut(const Traffic& traffic, double rate, Rehearsal& rehearsal)
      : rehearsal_(rehearsal), fault_(traffic.fault), rate_(rate), random_(traffic.seed) {
    const auto& requests = traffic.log.requests;
    began_ = requests.front().ended_micros;
    const std::int64_t all = std::max<std::int64_t>(1'000'000, requests.back().ended_micros - began_ + 1);
    length_ = std::max<std::int64_t>(1'000'000, (all + kParts - 1) / kParts);
    parts_.resize(static_cast<std::size_t>((all + length_ - 1) / length_));
    for (const Seen& seen : requests) {
      if (!seen.counted) continue;
      const auto part = static_cast<std::size_t>((seen.ended_micros - began_) / length_);
      if (seen.pool == traffic.stable) add(0, part, seen);
      if (traffic.canary ? seen.pool == *traffic.canary : seen.pool == traffic.stable) add(1, part, seen);
    }
    for (auto& part : parts_)
      for (std::size_t pool = 0; pool < 2; ++pool) part[pool].close(pool == 1 ? fault_.slower : 1);
    for (std::size_t pool = 0; pool < 2; ++pool) whole_[pool].close(pool == 1 ? fault_.slower : 1);
  }

  void run(double seconds) {
    const std::int64_t end = began_ + static_cast<std::int64_t>(seconds * 1e6);
    std::int64_t now = began_;
    while (!rehearsal_.over() && now < end) {
      const auto step = std::chrono::microseconds(rehearsal_.looking()).count();
      now += step;
      pass(now, static_cast<double>(step) * 1e-6);
      rehearsal_.look_until(now);
    }
    rehearsal_.log_ended(now);
  }

 private:
  static constexpr std::int64_t kParts = 96;  // a quarter of an hour of a day
  static constexpr std::uint64_t kEnough = 200;

  void add(std::size_t pool, std::size_t part, const Seen& seen) {
    parts_[part][pool].add(seen);
    whole_[pool].add(seen);
  }
  // Of few answers nothing is drawn: then of all.
  const Mixture& mixture(std::size_t pool, std::int64_t now) const {
    const auto part = static_cast<std::size_t>((now - began_) / length_) % parts_.size();
    const Mixture& found = parts_[part][pool];
    return found.answers < kEnough ? whole_[pool] : found;
  }

  void pass(std::int64_t now, double seconds) {
    owed_ += rate_ * seconds;
    const auto all = static_cast<std::uint64_t>(owed_);
    owed_ -= static_cast<double>(all);
    const Share part = rehearsal_.mirror() > 0 ? rehearsal_.mirror() : rehearsal_.share();
    owed_canary_ += static_cast<double>(all) * part / kWhole;
    const auto canary = std::min(all, static_cast<std::uint64_t>(std::max(0.0, owed_canary_)));
    owed_canary_ -= static_cast<double>(canary);
    rehearsal_.requests_passed(all);
    rehearsal_.count_many(
        false, drawn(mixture(0, now), rehearsal_.mirror() > 0 ? all : all - canary, {}, random_), 0);
    rehearsal_.count_many(true, drawn(mixture(1, now), canary, fault_.errors, random_), random_());
  }

  Rehearsal& rehearsal_;
  const Fault fault_;
  const double rate_;
  Random random_;
  std::int64_t began_ = 0, length_ = 1;
  std::vector<std::array<Mixture, 2>> parts_;  // stable, canary
  std::array<Mixture, 2> whole_;
  double owed_ = 0, owed_canary_ = 0;
};

}  // namespace

Parsed<Fault> parse_fault(std::string_view text) {
  Fault fault;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const std::string_view one = text.substr(at, end - at);
    at = end + 1;
    if (one.starts_with("errors=")) {
      const auto share = parse_share(one.substr(7));
      if (!share) return ValueError{"errors: " + share.error().text(), ""};
      fault.errors = static_cast<double>(*share) / kWhole;
    } else if (one.starts_with("p95=x")) {
      const auto number = one.substr(5);
      const auto [last, error] = std::from_chars(number.data(), number.data() + number.size(), fault.slower);
      if (error != std::errc() || last != number.data() + number.size() || !(fault.slower > 0) ||
          fault.slower > 1000)
        return ValueError{"'" + std::string(one) + "' is no factor, write p95=x1.4", ""};
    } else {
      return ValueError{
          "'" + std::string(one) + "' is not known, write errors=3%, p95=x1.4 or both with a comma", ""};
    }
  }
  return fault;
}

void replay(const Traffic& traffic, Rehearsal& rehearsal) { Replay(traffic, rehearsal).run(); }

void draw_out(const Traffic& traffic, double rate, double seconds, Rehearsal& rehearsal) {
  DrawnOut(traffic, rate, rehearsal).run(seconds);
}

}  // namespace sluice::rehearse
