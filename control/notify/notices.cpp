#include "control/notify/notices.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "proxy/base/values.hpp"

// g++ 12 inlines one half of Asio's pair of allocation functions for frames and misses the other.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace sluice::notify {

Notices::Notices(Courier::Surroundings around, io::Background& background)
    : around_(std::move(around)), background_(background) {}

void Notices::adopt(const std::vector<config::NotifySpec>& targets) {
  auto before = std::exchange(couriers_, {});
  for (const auto& spec : targets) {
    std::shared_ptr<Courier> courier;
    for (auto& known : before)
      if (known && known->spec().name == spec.name) courier = std::exchange(known, nullptr);
    if (courier) {
      courier->adopt(spec);
    } else {
      courier = std::make_shared<Courier>(around_, spec);
      background_.spawn(Courier::run(courier));
    }
    couriers_.push_back(std::move(courier));
  }
  for (const auto& gone : before)
    if (gone) gone->stop("the target is gone from the configuration");
}

void Notices::tell(const Notice& notice) {
  for (const auto& courier : couriers_) courier->tell(notice);
}

boost::asio::awaitable<void> Notices::finish(std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  const auto all = couriers_;
  for (const auto& courier : all) courier->hurry(deadline);
  for (const auto& courier : all) co_await courier->hurried();
  stop("the daemon ends");
}

void Notices::stop(const std::string& why) {
  for (const auto& courier : std::exchange(couriers_, {})) courier->stop(why);
}

std::shared_ptr<Courier> Notices::find(const std::string& target) const {
  for (const auto& courier : couriers_)
    if (courier->spec().name == target) return courier;
  return nullptr;
}

std::vector<std::string> Notices::names() const {
  std::vector<std::string> all;
  for (const auto& courier : couriers_) all.push_back(courier->spec().name);
  return all;
}

std::vector<std::string> Notices::troubles() const {
  std::vector<std::string> all;
  for (const auto& courier : couriers_)
    if (!courier->trouble().empty())
      all.push_back("notices to " + courier->spec().name + " fail since " +
                    time_text(courier->trouble_since()) + ": " + courier->trouble() + " (" +
                    std::to_string(courier->outbox().queued()) + " wait)");
  return all;
}

}  // namespace sluice::notify
