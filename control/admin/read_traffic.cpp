#include "control/admin/read_traffic.hpp"

#include <utility>

namespace sluice::admin {
namespace {

// A message that has a service from the path and its fields from the body.
template <class Message>
Result<Message> of_service(const Call& call, const Names& names) {
  Message message;
  message.service = names[0];
  const auto body = body_of(call);
  if (!body) return body.error();
  if (auto problem = protocol::read(*body, message)) return *problem;
  return message;
}

}  // namespace

Result<protocol::Pause> read_pause(const Call& call, const Names& names) {
  return of_service<protocol::Pause>(call, names);
}
Result<protocol::Resume> read_resume(const Call& call, const Names& names) {
  return of_service<protocol::Resume>(call, names);
}
Result<protocol::Stop> read_stop(const Call& call, const Names& names) {
  return of_service<protocol::Stop>(call, names);
}

}  // namespace sluice::admin
