#include "control/audit/chain.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <cstdio>

#include "control/protocol/token.hpp"

namespace sluice::audit {
namespace {

namespace json = boost::json;

constexpr std::string_view kHashMember = ",\"hash\":\"", kEnd = "\"}";
constexpr std::size_t kDigits = 64, kSeal = kHashMember.size() + kDigits + kEnd.size();

bool is_hash(std::string_view text) {
  return text.size() == kDigits &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) || (c >= 'a' && c <= 'f'); });
}

std::string text_in(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  const auto* text = found ? found->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

std::uint64_t number_in(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  json::error_code error;
  return found && found->is_number() ? found->to_number<std::uint64_t>(error) : 0;
}

std::optional<Link::Unchained> unchained_in(const json::object& line) {
  const auto* found = line.if_contains("unchained");
  const auto* object = found ? found->if_object() : nullptr;
  if (!object) return std::nullopt;
  const auto* torn = object->if_contains("torn");
  return Link::Unchained{number_in(*object, "lines"), number_in(*object, "bytes"),
                         torn && torn->is_bool() && torn->get_bool(), text_in(*object, "sha256")};
}

// "3 lines", "1 line".
std::string lines(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " line" : " lines"); }

std::string unchained_text(const Link::Unchained& behind, bool first) {
  if (behind.bytes == 0) return {};
  if (behind.torn && behind.lines == 1)
    return "the last line was not written to its end: " + std::to_string(behind.bytes - 1) +
           " bytes of it are left";
  const std::string what = lines(behind.lines) + " without a hash " + (behind.lines == 1 ? "is" : "are");
  return first ? what + " of an earlier version: the chain begins here"
               : what + " of another writer, or of an earlier version";
}

}  // namespace

std::string hash_of(std::string_view bytes) { return protocol::hex_of(protocol::digest_of(bytes)); }

std::string sealed(json::object line, Head& before) {
  line["number"] = before.number + 1;
  line["prev"] = before.hash;
  std::string text = json::serialize(line);
  text.pop_back();  // the brace
  before = {before.number + 1, hash_of(text)};
  text += kHashMember;
  text += before.hash;
  text += kEnd;
  text += '\n';
  return text;
}

std::optional<Link> link_in(std::string_view line) {
  if (line.size() <= kSeal || !line.ends_with(kEnd)) return std::nullopt;
  const auto body = line.substr(0, line.size() - kSeal), seal = line.substr(body.size());
  const auto hash = seal.substr(kHashMember.size(), kDigits);
  if (!seal.starts_with(kHashMember) || !is_hash(hash)) return std::nullopt;
  json::error_code error;
  const json::value parsed = json::parse(line, error);
  const auto* object = error ? nullptr : parsed.if_object();
  if (!object) return std::nullopt;
  Link link{number_in(*object, "number"), text_in(*object, "prev"), std::string(hash),
            hash_of(body) == hash,        text_in(*object, "time"), unchained_in(*object)};
  if (link.number == 0 || !is_hash(link.before)) return std::nullopt;
  return link;
}

Ending ending_of(std::string_view content) {
  std::size_t end = content.size();
  Ending ending;
  const std::size_t whole = content.rfind('\n') == std::string_view::npos ? 0 : content.rfind('\n') + 1;
  ending.behind.torn = whole < content.size();
  for (std::size_t stop = whole; stop > 0;) {  // lines from the last
    const std::size_t newline = stop - 1;
    const std::size_t before = newline == 0 ? std::string_view::npos : content.rfind('\n', newline - 1);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    if (const auto link = link_in(content.substr(begin, newline - begin)); link && link->fits) {
      ending.last = Head{link->number, link->hash};
      end = stop;
      break;
    }
    stop = begin;
    end = stop;
  }
  if (!ending.last) end = 0;
  const auto behind = content.substr(end);
  if (behind.empty()) return ending;
  std::string bytes(behind);
  if (ending.behind.torn) bytes += '\n';
  ending.behind.bytes = bytes.size();
  ending.behind.lines = static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
  ending.behind.hash = hash_of(bytes);
  return ending;
}

std::string to_text(const Place& place) {
  std::array<char, 128> text;
  const int size = std::snprintf(text.data(), text.size(), "%020llu %020llu %s\n",
                                 static_cast<unsigned long long>(place.head.number),
                                 static_cast<unsigned long long>(place.size), place.head.hash.c_str());
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::optional<Place> place_in(std::string_view text) {
  constexpr std::size_t kNumber = 20, kSize = 2 * (kNumber + 1) + kDigits + 1;
  if (text.size() != kSize || text.back() != '\n') return std::nullopt;
  const auto number = [text](std::size_t at) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (const char c : text.substr(at, kNumber)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
  };
  const auto line = number(0), size = number(kNumber + 1);
  const auto hash = text.substr(2 * (kNumber + 1), kDigits);
  if (!line || !size || !is_hash(hash)) return std::nullopt;
  return Place{{*line, std::string(hash)}, *size};
}

Resumed resumed(const std::optional<Place>& place, const Ending& ending) {
  const auto& last = ending.last;
  if (!place) {
    Resumed on{last.value_or(Head()), unchained_text(ending.behind, !last)};
    if (last && on.told.empty())
      on.told = "audit.head is not there: the chain goes on behind line " + std::to_string(last->number) +
                ", the last in the file";
    return on;
  }
  // A crash between a line and its place leaves the file ahead.
  if (last && last->number > place->head.number) return {*last, unchained_text(ending.behind, false)};
  if (!last || *last == place->head) return {place->head, unchained_text(ending.behind, false)};
  return {place->head, "the file ends with number " + std::to_string(last->number) +
                           " of the chain, but number " + std::to_string(place->head.number) +
                           " was written, hash " + place->head.hash + ": lines are missing or changed"};
}

}  // namespace sluice::audit
