#include "proxy/http/forwarded.hpp"

#include "proxy/http/authority.hpp"
#include "proxy/http/text.hpp"

namespace sluice::http {
namespace {

// The first member that holds something: that of the proxy nearest to the client, as each appends its own.
std::string_view leftmost(const Fields& fields, Header id) {
  for (const Field& field : fields) {
    if (field.id != id) continue;
    for (std::string_view list = field.value; !list.empty();)
      if (const auto member = take_member(list); !member.empty()) return member;
  }
  return {};
}

// The last member of a list, taken off it.
std::string_view take_last(std::string_view& list) {
  const auto comma = list.rfind(',');
  const auto member = trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
  return member;
}

}  // namespace

Ip forwarded_client(const Fields& fields, const Ip& source, std::span<const Network> trusted) {
  Ip believed = source;
  for (const Field* field = fields.end(); field != fields.begin();) {
    if ((--field)->id != Header::forwarded_for) continue;
    for (std::string_view list = field->value; !list.empty();) {
      const auto member = take_last(list);
      if (member.empty()) continue;
      const auto hop = parse_ip_maybe_port(member);
      if (!hop) return believed;
      believed = *hop;
      if (!contains(trusted, believed)) return believed;
    }
  }
  return believed;
}

std::string_view forwarded_proto(const Fields& fields) {
  const auto value = leftmost(fields, Header::forwarded_proto);
  if (iequals(value, "https") || iequals(value, "wss")) return "https";
  return iequals(value, "http") || iequals(value, "ws") ? "http" : std::string_view();
}

std::string_view forwarded_host(const Fields& fields) {
  const auto value = leftmost(fields, Header::forwarded_host);
  return is_authority(value) ? value : std::string_view();
}

std::string_view forwarded_port(const Fields& fields) {
  const auto value = leftmost(fields, Header::forwarded_port);
  std::uint64_t port = 0;
  return parse_decimal(value, 65535, port) && port > 0 ? value : std::string_view();
}

}  // namespace sluice::http
