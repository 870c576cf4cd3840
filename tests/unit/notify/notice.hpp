// Notices for tests.
#pragma once

#include <string>
#include <utility>

#include "control/notify/notice.hpp"

namespace sluice::notify {

inline Notice notice_of(NoticeKind kind, std::string service = "api", std::string backend = "b1") {
  Notice notice;
  notice.kind = kind;
  notice.time = 1'700'000'000'123;
  notice.services = {service};
  notice.pool = "blue";
  notice.backend = backend;
  notice.generation = 7;
  notice.reason = "connect: Connection refused";
  notice.subject = service + "/blue/" + backend;
  notice.text = notice.subject + " is down: " + notice.reason;
  notice.next = "sluicectl status " + service;
  return notice;
}

}  // namespace sluice::notify
