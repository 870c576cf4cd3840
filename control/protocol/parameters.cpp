#include "control/protocol/parameters.hpp"

#include <charconv>

#include "proxy/base/values.hpp"

namespace sluice::protocol {

void ParameterWriter::operator()(std::string_view name, const std::string& value) {
  if (!value.empty()) out.emplace_back(name, value);
}
void ParameterWriter::operator()(std::string_view name, bool value) {
  out.emplace_back(name, value ? "true" : "false");
}
void ParameterWriter::operator()(std::string_view name, std::uint32_t value) {
  out.emplace_back(name, std::to_string(value));
}
void ParameterWriter::operator()(std::string_view name, milliseconds value) {
  out.emplace_back(name, format_duration(value));
}
void ParameterWriter::operator()(std::string_view name, const Websockets& value) {
  if (value != Websockets{}) out.emplace_back(name, to_string(value));
}
void ParameterWriter::operator()(std::string_view name, Condition value) {
  out.emplace_back(name, to_string(value));
}
void ParameterWriter::operator()(std::string_view name, const Target& value) {
  out.emplace_back(name, to_string(value));
}
void ParameterWriter::operator()(std::string_view name, const std::optional<milliseconds>& value) {
  if (value) (*this)(name, *value);
}

const std::string* ParameterReader::find(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [key, value] : in_)
    if (key == name) found = &value;
  return found;
}

void ParameterReader::complain(std::string_view name, std::string_view what) {
  if (!problem)
    problem = malformed("the parameter '" + std::string(name) + "'" + std::string(what), std::string(name));
}

void ParameterReader::operator()(std::string_view name, std::string& value) {
  if (const auto* text = find(name)) value = *text;
}

void ParameterReader::operator()(std::string_view name, bool& value) {
  const auto* text = find(name);
  if (!text) return;
  if (*text == "false" || *text == "0")
    value = false;
  else if (text->empty() || *text == "true" || *text == "1")
    value = true;
  else
    complain(name, " must be true or false");
}

void ParameterReader::operator()(std::string_view name, std::uint32_t& value) {
  const auto* text = find(name);
  if (!text) return;
  const auto* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end) complain(name, " must be a whole number");
}

void ParameterReader::operator()(std::string_view name, milliseconds& value) {
  const auto* text = find(name);
  if (!text) return;
  const auto parsed = parse_duration(*text);
  if (!parsed) return complain(name, ": " + parsed.error().text());
  value = *parsed;
}

void ParameterReader::operator()(std::string_view name, std::optional<milliseconds>& value) {
  milliseconds read{0};
  (*this)(name, read);
  if (find(name)) value = read;
}

void ParameterReader::operator()(std::string_view name, Websockets& value) {
  const auto* text = find(name);
  if (!text) return;
  const auto policy = parse_websockets(*text);
  if (!policy) return complain(name, " must be wait, spread:60s, paced:20/s or now");
  value = *policy;
}

void ParameterReader::operator()(std::string_view name, Condition& value) {
  const auto* text = find(name);
  const auto parsed = text ? parse_condition(*text) : std::nullopt;
  if (!parsed) return complain(name, " must be healthy or drained");
  value = *parsed;
}

void ParameterReader::operator()(std::string_view name, Target& value) {
  const auto* text = find(name);
  const auto parsed = text ? parse_target(*text) : std::nullopt;
  if (!parsed) return complain(name, " must be SERVICE/POOL or SERVICE/POOL/BACKEND");
  value = *parsed;
}

}  // namespace sluice::protocol
