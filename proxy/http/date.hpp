// The Date header, formatted once a second. Pure.
#pragma once

#include <cstddef>
#include <ctime>
#include <string_view>

namespace sluice::http {

class DateCache {
 public:
  // IMF-fixdate (RFC 9110 5.6.7) of `second`, seconds since 1970. Valid until the next call.
  std::string_view at(std::time_t second) {
    if (second != second_) format(second);
    return {text_, kSize};
  }

 private:
  static constexpr std::size_t kSize = 29;
  void format(std::time_t second) {
    std::tm parts;
    gmtime_r(&second, &parts);
    std::strftime(text_, sizeof text_, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    second_ = second;
  }

  std::time_t second_ = 0;
  char text_[kSize + 1] = {};
};

}  // namespace sluice::http
