#include "proxy/grpc_web/content_type.hpp"

#include <cassert>
#include <cstring>

#include "proxy/http/text.hpp"

namespace sluice::grpc_web {
namespace {

constexpr std::string_view kGrpc = "application/grpc", kWeb = "-web", kText = "-text", kProto = "+proto";
constexpr std::size_t kLongestFormat = 32;
static_assert(kGrpc.size() + kWeb.size() + kText.size() + kLongestFormat <= 64);

struct Type {
  Coding coding;
  std::string_view format;
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!http::iequals(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Parameters count for nothing.
std::optional<Type> read_type(std::string_view value) {
  value = http::trim(value.substr(0, value.find(';')));
  if (!take_prefix(value, kGrpc) || !take_prefix(value, kWeb)) return std::nullopt;
  const Coding coding = take_prefix(value, kText) ? Coding::text : Coding::binary;
  if (value.empty()) return Type{coding, {}};
  const bool is_format =
      value[0] == '+' && value.size() > 1 && value.size() <= kLongestFormat && http::is_token(value);
  return is_format ? std::optional(Type{coding, value}) : std::nullopt;
}

std::optional<Coding> coding_in(std::string_view accept) {
  while (!accept.empty())
    if (const auto type = read_type(http::take_member(accept))) return type->coding;
  return std::nullopt;
}

}  // namespace

std::optional<Call> read_call(const http::RequestHead& head) {
  if (head.method != "POST" || head.is_grpc) return std::nullopt;
  const http::Field* const field = head.fields.find("content-type");
  const auto type = field ? read_type(field->value) : std::nullopt;
  if (!type) return std::nullopt;
  const http::Field* const accept = head.fields.find("accept");
  const auto wanted = accept ? coding_in(accept->value) : std::nullopt;
  return Call{type->coding, wanted.value_or(type->coding), type->format};
}

void TypeText::append(std::string_view text) {
  assert(size_ + text.size() <= text_.size());
  std::memcpy(text_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

TypeText type_for_backend(const Call& call) {
  TypeText type;
  type.append(kGrpc);
  if (!call.format.empty()) type.append(call.format);
  return type;
}

TypeText type_for_client(const Call& call) {
  TypeText type;
  type.append(kGrpc);
  type.append(kWeb);
  if (call.wanted == Coding::text) type.append(kText);
  type.append(call.format.empty() ? kProto : call.format);
  return type;
}

}  // namespace sluice::grpc_web
