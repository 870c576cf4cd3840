// The Date header of now, formatted once a second. Worker only.
#pragma once

#include <ctime>
#include <string_view>

namespace sluice::session {

class DateCache {
 public:
  std::string_view now() {
    timespec time;
    clock_gettime(CLOCK_REALTIME_COARSE, &time);
    if (time.tv_sec != second_) format(time.tv_sec);
    return {text_, kSize};
  }

 private:
  static constexpr std::size_t kSize = 29;  // IMF-fixdate, RFC 9110 5.6.7
  void format(std::time_t second) {
    std::tm parts;
    gmtime_r(&second, &parts);
    std::strftime(text_, sizeof text_, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    second_ = second;
  }
  std::time_t second_ = 0;
  char text_[kSize + 1] = {};
};

}  // namespace sluice::session
