#include "control/change/pool_memory.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <initializer_list>

#include "control/state/read_json.hpp"

namespace sluice::change {

namespace json = boost::json;

namespace {

using Layout = observe::HistogramLayout;
using Minutes = std::chrono::duration<std::uint32_t, std::ratio<60>>;
using Slices = std::chrono::duration<std::uint32_t, std::ratio<20 * 60>>;
using Hours = std::chrono::duration<std::uint32_t, std::ratio<3600>>;

// What is under way counts as well: of days 24 whole hours, and that.
constexpr std::uint32_t kMinutes = 60, kSlices = 3, kHours = 25;
constexpr std::uint32_t kFine = 4;  // buckets of the histogram in one that is kept

template <class Unit>
std::uint32_t number_of(PoolMemory::Time time) {
  return std::chrono::floor<Unit>(time.time_since_epoch()).count();
}

// The one of this number, at the end; those that are older than `kept` of them are gone.
template <class Entry>
Entry& current(std::vector<Entry>& entries, std::uint32_t number, std::uint32_t kept) {
  if (!entries.empty() && entries.back().number == number) return entries.back();
  std::erase_if(entries, [&](const Entry& entry) { return entry.number + kept <= number; });
  Entry& made = entries.emplace_back();
  made.number = number;
  return made;
}

// Fewer than 2^32 in every case that is not an attack; then it stays there.
std::uint32_t narrow(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

void raise(std::uint32_t& peak, std::uint64_t value) { peak = std::max(peak, narrow(value)); }

json::array numbers(std::initializer_list<std::uint64_t> values) {
  return json::array(values.begin(), values.end());
}

std::optional<std::vector<std::uint64_t>> numbers_in(const json::value& value) {
  const auto* list = value.if_array();
  if (!list) return std::nullopt;
  std::vector<std::uint64_t> all;
  for (const auto& item : *list) {
    const auto number = state::number_in<std::uint64_t>(item);
    if (!number) return std::nullopt;
    all.push_back(*number);
  }
  return all;
}

// Gives each list of numbers to read(list), in order; false when that refuses one, or something else is
// there.
template <class Read>
bool each_list(const json::value& known, std::string_view name, std::size_t most, const Read& read) {
  const auto* lists = state::array_field(known, name);
  if (!lists || lists->size() > most) return false;
  std::uint64_t last = 0;
  for (const auto& one : *lists) {
    const auto list = numbers_in(one);
    if (!list || list->empty() || list->front() < last || !read(*list)) return false;
    last = list->front();
  }
  return true;
}

}  // namespace

double PoolMemory::Hour::error_rate() const {
  return requests == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(requests);
}

double PoolMemory::Hour::mean_seconds() const {
  if (latency.count == 0) return 0;
  return static_cast<double>(latency.sum_micros) * 1e-6 / static_cast<double>(latency.count);
}

void PoolMemory::add(Time end, const Piece& piece, const Buckets& ended) {
  if (piece.requests == 0 && piece.in_flight == 0 && ended.empty()) return;
  const Time within = end - Time::duration(1);
  const std::uint64_t backends = std::max<std::size_t>(1, piece.eligible);
  Minute& minute = current(minutes_, number_of<Minutes>(within), kMinutes);
  minute.requests = narrow(minute.requests + piece.requests);
  minute.errors = narrow(minute.errors + piece.errors);
  minute.requests_per_backend = narrow(minute.requests_per_backend + piece.requests * 1000 / backends);
  raise(minute.in_flight, piece.in_flight);
  Peak& hour = current(hours_, number_of<Hours>(within), kHours);
  raise(hour.requests, minute.requests);
  raise(hour.requests_per_backend, minute.requests_per_backend);
  raise(hour.in_flight, piece.in_flight);
  raise(hour.in_flight_per_backend, piece.in_flight * 1000 / backends);
  if (ended.empty()) return;
  Slice& slice = current(slices_, number_of<Slices>(within), kSlices);
  slice.sum_micros += piece.sum_micros;
  auto& counts = slice.counts;
  for (const auto& [fine, n] : ended) {
    const auto bucket = static_cast<std::uint16_t>(fine / kFine);
    const auto place =
        std::ranges::lower_bound(counts, bucket, {}, [](const auto& one) { return one.first; });
    if (place != counts.end() && place->first == bucket)
      place->second = narrow(place->second + n);
    else
      counts.emplace(place, bucket, narrow(n));
  }
}

PoolMemory::Hour PoolMemory::last_hour(Time now, Time followed) const {
  Hour hour;
  const Time begins = std::chrono::floor<Minutes>(now) - std::chrono::minutes(kMinutes - 1);
  hour.seconds = std::chrono::duration<double>(now - std::max(begins, followed)).count();
  for (const Minute& minute : minutes_) {
    if (minute.number + kMinutes <= number_of<Minutes>(now)) continue;
    hour.requests += minute.requests;
    hour.errors += minute.errors;
    hour.in_flight = std::max<std::uint64_t>(hour.in_flight, minute.in_flight);
  }
  for (const Slice& slice : slices_) {
    if (slice.number + kSlices <= number_of<Slices>(now)) continue;
    for (const auto& [bucket, n] : slice.counts) {
      hour.latency.buckets[bucket * kFine + kFine - 1] += n;
      hour.latency.count += n;
    }
    hour.latency.sum_micros += slice.sum_micros;
  }
  return hour;
}

PoolMemory::Peaks PoolMemory::last_day(Time now) const {
  Peak highest;
  for (const Peak& hour : hours_) {
    if (hour.number + kHours <= number_of<Hours>(now)) continue;
    raise(highest.requests, hour.requests);
    raise(highest.requests_per_backend, hour.requests_per_backend);
    raise(highest.in_flight, hour.in_flight);
    raise(highest.in_flight_per_backend, hour.in_flight_per_backend);
  }
  return {highest.requests / 60.0, highest.requests_per_backend / 60'000.0,
          static_cast<double>(highest.in_flight), highest.in_flight_per_backend / 1000.0};
}

json::object PoolMemory::known() const {
  json::array minutes, hours, latencies;
  for (const Minute& one : minutes_)
    minutes.push_back(
        numbers({one.number, one.requests, one.errors, one.in_flight, one.requests_per_backend}));
  for (const Peak& one : hours_)
    hours.push_back(numbers(
        {one.number, one.requests, one.requests_per_backend, one.in_flight, one.in_flight_per_backend}));
  for (const Slice& slice : slices_) {
    json::array list = numbers({slice.number, slice.sum_micros});
    for (const auto& [bucket, n] : slice.counts) {
      list.emplace_back(bucket);
      list.emplace_back(n);
    }
    latencies.push_back(std::move(list));
  }
  return {{"minutes", std::move(minutes)}, {"hours", std::move(hours)}, {"latencies", std::move(latencies)}};
}

std::optional<PoolMemory> PoolMemory::from(const json::value& known) {
  PoolMemory made;
  const bool whole = each_list(known, "minutes", kMinutes,
                               [&made](const auto& list) {
                                 if (list.size() != 5) return false;
                                 made.minutes_.push_back({narrow(list[0]), narrow(list[1]), narrow(list[2]),
                                                          narrow(list[3]), narrow(list[4])});
                                 return true;
                               }) &&
                     each_list(known, "hours", kHours,
                               [&made](const auto& list) {
                                 if (list.size() != 5) return false;
                                 made.hours_.push_back({narrow(list[0]), narrow(list[1]), narrow(list[2]),
                                                        narrow(list[3]), narrow(list[4])});
                                 return true;
                               }) &&
                     each_list(known, "latencies", kSlices, [&made](const auto& list) {
                       if (list.size() < 2 || list.size() % 2 != 0) return false;
                       Slice& slice = made.slices_.emplace_back(Slice{narrow(list[0]), list[1], {}});
                       for (std::size_t i = 2; i < list.size(); i += 2) {
                         const bool follows = slice.counts.empty() || slice.counts.back().first < list[i];
                         if (!follows || list[i] >= Layout::kBuckets / kFine) return false;
                         slice.counts.emplace_back(static_cast<std::uint16_t>(list[i]), narrow(list[i + 1]));
                       }
                       return true;
                     });
  if (!whole) return std::nullopt;
  return made;
}

}  // namespace sluice::change
