#include "proxy/http/stored_request.hpp"

#include <cassert>

namespace sluice::http {
namespace {

// Every view of them but the fields of the head and of the identity; of those, see below.
template <class Head, class Context, class Take>
void for_each_view(Head& head, Context& context, Take take) {
  for (auto* view : {&head.method, &head.target, &head.path, &head.query, &head.host, &head.upgrade})
    take(*view);
  for (auto* view :
       {&context.client_ip, &context.proto, &context.request_id, &context.strip_prefix, &context.default_host,
        &context.feature_flags, &context.drop_cookie, &context.traceparent})
    take(*view);
}

template <class List>
std::size_t size_of(const List& fields) {
  std::size_t size = 0;
  for (const Field& field : fields) size += field.name.size() + field.value.size();
  return size;
}

}  // namespace

// A query that is there and empty keeps a place to point to: its '?' goes on.
std::string_view StoredRequest::keep(std::string_view part) {
  if (part.data() == nullptr) return {};
  const char* at = text_.room();
  text_.append(part);
  return {at, part.size()};
}

void StoredRequest::store(const RequestHead& head, const ForwardContext& context, std::size_t body_size) {
  assert(context.identity.size() <= kMaxIdentity);
  std::size_t size = size_of(head.fields) + size_of(context.identity) + body_size;
  for_each_view(head, context, [&size](std::string_view view) { size += view.size(); });
  text_.clear();
  text_.reserve(size + 1);  // so that no view is left without room to point to

  head_ = head;
  context_ = context;
  for_each_view(head_, context_, [this](std::string_view& view) { view = keep(view); });
  head_.fields.clear();
  for (const Field& field : head.fields)
    head_.fields.push(Field{keep(field.name), keep(field.value), field.id});
  std::size_t count = 0;
  for (const Field& field : context.identity)
    identity_[count++] = Field{keep(field.name), keep(field.value), field.id};
  context_.identity = {identity_.data(), count};
  body_at_ = text_.size();
}

void StoredRequest::release() {
  head_.fields.clear();
  text_.release();
  body_at_ = 0;
}

}  // namespace sluice::http
