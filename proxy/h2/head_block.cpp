#include "proxy/h2/head_block.hpp"

#include <charconv>
#include <string>

#include "proxy/h2/frame.hpp"
#include "proxy/h2/lower_case.hpp"

namespace sluice::h2 {
namespace {

// What the encoder needs for a field.
std::size_t bound(std::string_view name, std::string_view value) {
  return hpack::encoded_bound(name.size() + value.size(), 1);
}

// The parts of a value that have come.
std::string& parts() {
  static thread_local std::string text;
  return text;
}

}  // namespace

void HeadBlock::start() {
  out_.reserve(kFrameHeadSize + hpack::kBlockStart);
  out_.room();
  out_.commit(kFrameHeadSize);
  begin_ = out_.size();
  char* const to = out_.room();
  out_.commit(static_cast<std::size_t>(encoder_.begin_block(to) - to));
}

// The name in lower case stands behind where the field goes.
void HeadBlock::field(std::string_view name, std::string_view value) {
  const std::size_t most = bound(name, value);
  out_.reserve(most + name.size());
  char* const to = out_.room();
  lower(name, to + most);
  out_.commit(static_cast<std::size_t>(encoder_.put({to + most, name.size()}, value, false, to) - to));
}

void HeadBlock::field(std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  lower_field(name, std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void HeadBlock::pass(const http::Field& passed) {
  if (passed.is_joined)
    lower_field(passed.name, passed.value, passed.never_indexed);
  else
    field(passed.name, passed.value);
}

void HeadBlock::lower_field(std::string_view name, std::string_view value, bool never_indexed) {
  out_.reserve(bound(name, value));
  char* const to = out_.room();
  out_.commit(static_cast<std::size_t>(encoder_.put(name, value, never_indexed, to) - to));
}

void HeadBlock::begin(std::string_view name) {
  name_ = name;
  parts().clear();
}

void HeadBlock::put_text(std::string_view text) { parts().append(text); }
void HeadBlock::end() { field(name_, parts()); }

}  // namespace sluice::h2
