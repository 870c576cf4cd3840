#include "control/notify/backends_told.hpp"

namespace sluice::notify {

bool BackendsTold::down(const std::string& backend) {
  const auto [place, is_new] = told_.try_emplace(backend);
  place->second.reset();
  return is_new;
}

bool BackendsTold::up(const std::string& backend) { return told_.erase(backend) > 0; }

void BackendsTold::perhaps_up(const std::string& backend, Notice notice, Clock::time_point now) {
  const auto found = told_.find(backend);
  if (found != told_.end()) found->second = Waiting{std::move(notice), now + kQuiet};
}

std::vector<Notice> BackendsTold::settled(Clock::time_point now) {
  std::vector<Notice> all;
  std::erase_if(told_, [&](auto& entry) {
    if (!entry.second || now < entry.second->until) return false;
    all.push_back(std::move(entry.second->notice));
    return true;
  });
  return all;
}

}  // namespace sluice::notify
