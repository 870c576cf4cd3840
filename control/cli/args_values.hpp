// From a text on the command line to a value, by the value's type (protocol/words.hpp), or a complaint that
// shows the accepted form. `name` is the flag or the word that the text was given for. A list takes one more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/cli/verbs.hpp"
#include "control/protocol/words.hpp"
#include "proxy/base/values.hpp"

namespace sluice::cli {

// Throws what CLI11 reports as wrong usage. A flag is named before what is wrong with its value; a word
// explains itself.
[[noreturn]] void wrong(const std::string& name, const std::string& what);

std::uint64_t number_of(const std::string& name, const std::string& text, std::uint64_t most);
Share share_of(const std::string& name, const std::string& text);

void take(const std::string& name, const std::string& text, std::string& value);
void take(const std::string& name, const std::string& text, std::uint64_t& value);
void take(const std::string& name, const std::string& text, protocol::milliseconds& value);
void take(const std::string& name, const std::string& text, protocol::Target& value);
void take(const std::string& name, const std::string& text, protocol::Websockets& value);
void take(const std::string& name, const std::string& text, protocol::Condition& value);
void take(const std::string& name, const std::string& text, protocol::Strings& value);
void take(const std::string& name, const std::string& text, protocol::StringPairs& value);
void take(const std::string& name, const std::string& text, protocol::Shares& value);
void take(const std::string& name, const std::string& text, const protocol::PerSecond& wanted);
void take(const std::string& name, const std::string& text, const protocol::PercentText& wanted);
void take(const std::string& name, const std::string& text, const protocol::OnlyPool& wanted);
void take(const std::string& name, const std::string& text, const protocol::OriginText& wanted);
void take(const std::string& name, const std::string& text, const protocol::CommaList& wanted);
void take(const std::string& name, const std::string& text, const protocol::JsonText& wanted);
void take(const std::string& name, const std::string& text, const protocol::OneOf& wanted);
void take(const std::string& name, const std::string& text, const SortKey& wanted);
void take(const std::string& name, const std::string& text, const RolloutStartVerb::Destination& wanted);
void take(const std::string& name, const std::string& text, const AdviseVerb::AnswerTo& wanted);
void take(const std::string& name, const std::string& text, const TokenVerb::Name& wanted);

template <class Number>
void take(const std::string& name, const std::string& text, const protocol::AtMost<Number>& wanted) {
  wanted.value = static_cast<std::uint32_t>(number_of(name, text, wanted.most));
}
template <class Value>
void take(const std::string& name, const std::string& text, const protocol::Percent<Value>& wanted) {
  wanted.value = share_of(name, text);
}
template <class Value>
void take(const std::string& name, const std::string& text, std::optional<Value>& value) {
  Value read{};
  take(name, text, read);
  value = read;
}

// What several words say.
template <class Value>
void take_all(const std::string& name, const std::vector<std::string>& texts, Value&& value) {
  for (const auto& text : texts) take(name, text, value);
}
void take_all(const std::string& name, const std::vector<std::string>& texts,
              const RolloutStartVerb::Services& wanted);

}  // namespace sluice::cli
