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

Result<protocol::SetFlag> read_flag(const Call& call, const Names& names) {
  protocol::SetFlag message;
  message.flag = names[0];
  const auto body = body_of(call);
  if (!body) return body.error();
  if (auto problem = protocol::read(*body, message)) return *problem;
  return message;
}

Result<protocol::RemoveFlag> read_flag_removal(const Call& call, const Names& names) {
  const auto* service = query_value(call, "service");
  return protocol::RemoveFlag{names[0], service ? *service : std::string()};
}

Result<protocol::SetMirror> read_mirror(const Call& call, const Names& names) {
  return of_service<protocol::SetMirror>(call, names);
}

Result<protocol::SetMirror> read_mirror_off(const Call&, const Names& names) {
  protocol::SetMirror message;
  message.service = names[0];
  return message;
}

Result<protocol::MintPreview> read_preview(const Call& call, const Names& names) {
  protocol::MintPreview message;
  message.target = {names[0], names[1], {}};
  const auto body = body_of(call);
  if (!body) return body.error();
  if (auto problem = protocol::read(*body, message)) return *problem;
  return message;
}

}  // namespace sluice::admin
