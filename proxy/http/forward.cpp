#include "proxy/http/forward.hpp"

#include "proxy/http/trace.hpp"

namespace sluice::http {

const Field* only_field(const Fields& fields, Header id) {
  if (!fields.ids().has(id)) return nullptr;
  const Field* found = nullptr;
  for (const Field& field : fields) {
    if (field.id != id) continue;
    if (found) return nullptr;
    found = &field;
  }
  return found;
}

std::string_view choose_request_id(const RequestHead& head, const std::array<std::uint64_t, 3>& random,
                                   char (&storage)[32]) {
  const Field* own = only_field(head.fields, Header::x_request_id);
  return own && is_sane_request_id(own->value) ? own->value : make_request_id(random, storage);
}

ForwardedTarget forwarded_target(const RequestHead& head, std::string_view strip_prefix) {
  std::string_view path = head.path;
  if (!head.asterisk && path.substr(0, strip_prefix.size()) == strip_prefix)
    path.remove_prefix(strip_prefix.size());
  const bool rooted = head.asterisk || (!path.empty() && path.front() == '/');
  return {rooted ? std::string_view() : "/", path, head.query, head.query.data() != nullptr};
}

}  // namespace sluice::http
