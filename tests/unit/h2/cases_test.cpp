// The corpus beside the project, when it is there: requests of HTTP/2 as a hostile client makes them, through
// a session and the reading of heads, and as HTTP/1 on the other side.
#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "proxy/h2/head_reader.hpp"
#include "proxy/h2/head_writer.hpp"
#include "proxy/http1/request_writer.hpp"
#include "unit/h2/peer.hpp"

namespace sluice::h2 {
namespace {

namespace json = boost::json;

// The file writes bytes as Latin-1.
std::string bytes_of(const json::value& text) {
  std::string bytes;
  const std::string_view utf8 = text.as_string();
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const auto c = static_cast<unsigned char>(utf8[at]);
    bytes +=
        static_cast<char>(c < 0x80 ? c : (c & 0x03) << 6 | (static_cast<unsigned char>(utf8[++at]) & 0x3f));
  }
  return bytes;
}

Pairs fields_of(const json::value& list) {
  Pairs fields;
  for (const json::value& field : list.as_array()) {
    std::string value = bytes_of(field.at(1));
    if (const auto at = value.find("{scheme}"); at != std::string::npos) value.replace(at, 8, "http");
    fields.emplace_back(bytes_of(field.at(0)), value);
  }
  return fields;
}

std::uint32_t number_of(const json::object& frame, const char* name, std::uint32_t otherwise = 0) {
  const json::value* found = frame.if_contains(name);
  return found ? json::value_to<std::uint32_t>(*found) : otherwise;
}
bool is_set(const json::object& frame, const char* name) {
  const json::value* found = frame.if_contains(name);
  return found && found->as_bool();
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
  return bytes;
}

std::string padded(std::uint32_t pad, const std::string& payload) {
  return static_cast<char>(pad) + payload + std::string(pad, '\0');
}

// Frames of a case as bytes; `held` is what waits for RELEASE.
class Speaker {
 public:
  explicit Speaker(Peer& peer) : peer_(peer) {}
  std::string say(const json::object& frame) {
    const std::string type(frame.at("t").as_string());
    const auto stream = static_cast<StreamId>(number_of(frame, "sid", 1));
    const bool end = is_set(frame, "es");
    if (type == "HEADERS") return headers(frame, stream, end);
    if (type == "DATA") return data(frame, stream, end);
    if (type == "PRIORITY") return h2::frame(kPriority, 0, stream, number(number_of(frame, "dep")) + "\x10");
    if (type == "PING") return h2::frame(kPing, 0, 0, "12345678");
    if (type == "SETTINGS") return settings(frame.at("s").as_object());
    if (type == "WINDOW_UPDATE") return Peer::window(stream, number_of(frame, "inc"));
    if (type == "RAW") return from_hex(frame.at("hex").as_string());
    if (type == "RELEASE") return std::exchange(held_, {});
    if (type == "BIG") return h2::frame(kData, 0, stream, std::string(number_of(frame, "size"), 'b'));
    if (type == "BOMB") return bomb(number_of(frame, "size"), number_of(frame, "times"));
    if (type == "CONTFLOOD") return continuations(number_of(frame, "times"));
    if (type == "RAPID") return rapid(number_of(frame, "times"));
    ADD_FAILURE() << "a frame of no known kind: " << type;
    return {};
  }

 private:
  static std::string data(const json::object& frame, StreamId stream, bool end) {
    const std::string bytes = bytes_of(frame.at("data"));
    const std::uint8_t flags = end ? kEndStream : 0;
    const std::uint32_t pad = number_of(frame, "pad");
    return pad ? h2::frame(kData, flags | kPadded, stream, padded(pad, bytes))
               : Peer::data(stream, bytes, end);
  }
  static std::string settings(const json::object& values) {
    std::vector<std::pair<std::uint16_t, std::uint32_t>> list;
    for (const auto& [id, value] : values)
      list.emplace_back(static_cast<std::uint16_t>(std::stoi(std::string(id))),
                        json::value_to<std::uint32_t>(value));
    return Peer::settings(list);
  }
  std::string headers(const json::object& frame, StreamId stream, bool end) {
    std::string block = peer_.block(fields_of(frame.at("headers")));
    std::vector<std::string> parts;
    if (const json::value* sizes = frame.if_contains("split"))
      for (const json::value& size : sizes->as_array()) {
        parts.push_back(block.substr(0, json::value_to<std::size_t>(size)));
        block.erase(0, parts.back().size());
      }
    for (; block.size() > 16000; block.erase(0, 16000)) parts.push_back(block.substr(0, 16000));
    parts.push_back(block);

    std::uint8_t flags = (end ? kEndStream : 0) | (parts.size() == 1 ? kEndHeaders : 0);
    std::string first = parts[0];
    if (frame.contains("prio"))
      flags |= kPriorityFlag, first = number(number_of(frame, "prio")) + "\x10" + first;
    if (const std::uint32_t pad = number_of(frame, "pad")) flags |= kPadded, first = padded(pad, first);
    std::string bytes = h2::frame(kHeaders, flags, stream, first);
    std::string& rest = is_set(frame, "hold") ? held_ : bytes;
    for (std::size_t i = 1; i < parts.size(); ++i)
      rest += h2::frame(kContinuation, i + 1 == parts.size() ? kEndHeaders : 0, stream, parts[i]);
    return bytes;
  }
  // One field goes into the table and is then named so many times, a byte each.
  std::string bomb(std::uint32_t size, std::uint32_t times) {
    std::string block = peer_.block({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}});
    const std::uint32_t rest = size - 127;
    block += "\x40\x01x\x7f";
    block += {static_cast<char>(0x80 | (rest & 0x7f)), static_cast<char>(rest >> 7)};
    block += std::string(size, 'b') + std::string(times, '\xbe');
    return h2::frame(kHeaders, kEndHeaders | kEndStream, 1, block);
  }
  std::string continuations(std::uint32_t times) {
    std::string bytes = h2::frame(kHeaders, 0, 1, peer_.block(get()));
    for (std::uint32_t i = 0; i < times; ++i)
      bytes += h2::frame(kContinuation, 0, 1, peer_.block({{"x", "y"}}));
    return bytes;
  }
  std::string rapid(std::uint32_t times) {
    std::string bytes;
    for (StreamId id = 1; times-- > 0; id += 2)
      bytes += peer_.headers(id, get(), true) + Peer::reset(id, ErrorCode::cancel);
    return bytes;
  }

  Peer& peer_;
  std::string held_;
};

// What a backend gets over HTTP/1.
struct Forwarded {
  http::RequestHead head;
  std::string text, body;
  std::vector<std::string> trailers;
  bool whole = false;
};

// A proxy in small: it takes whole requests, and answers them with 200.
class Door {
 public:
  Door() { hear(Peer::preface()); }

  void hear(std::string_view bytes) {
    for (const Event& event : pair.session.receive(bytes, pair.now_ms)) take(event);
    for (const SeenFrame& seen : pair.produce()) note(seen);
    if (pair.session.has_news())
      for (const Event& event : pair.session.receive("", pair.now_ms)) take(event);
    if (pair.session.is_over()) outcomes.push_back("close");
  }

  Pair pair;
  std::map<StreamId, Forwarded> forwarded;
  std::vector<std::string> outcomes;

 private:
  void take(const Event& event) {
    if (event.stream == 0 || event.kind == Event::Kind::go_away) return;
    Forwarded& one = forwarded[event.stream];
    switch (event.kind) {
      case Event::Kind::head:
        return take_head(event, one);
      case Event::Kind::data:
        one.body += event.data;
        pair.session.consumed(event.stream, event.data.size());
        if (event.last) finish(event.stream, one);
        return;
      case Event::Kind::trailers: {
        std::vector<http::Field> fields;
        read_trailers(*event.block, fields);
        for (const http::Field& field : fields) one.trailers.emplace_back(field.name);
        return finish(event.stream, one);
      }
      case Event::Kind::end:
        return finish(event.stream, one);
      case Event::Kind::reset:
        pair.session.forget(event.stream);
        return;
      case Event::Kind::go_away:
      case Event::Kind::settings:
      case Event::Kind::pong:
      case Event::Kind::failed:
        return;
    }
  }
  void take_head(const Event& event, Forwarded& one) {
    const http::Refusal refusal = read_request(*event.block, event.last, 8192, one.head);
    if (refusal.reason) {
      write_reply({refusal.status, refusal.reason, 0, 0}, "now", list_);
      forwarded.erase(event.stream);
      pair.session.send_head(event.stream, list_, true);
      return pair.session.forget(event.stream);
    }
    Buffer out;
    http1::write_request(one.head, {}, out);
    one.text = out.view();
    if (event.last) finish(event.stream, one);
  }
  void finish(StreamId id, Forwarded& one) {
    one.whole = true;
    pair.session.send_head(id, list_of({{":status", "200"}}), true);
    pair.session.forget(id);
  }
  void note(const SeenFrame& seen) {
    if (seen.type == kHeaders) outcomes.push_back(seen.fields.at(0).second);
    if (seen.type == kRstStream)
      outcomes.push_back("rst:" + std::string(name_of(static_cast<ErrorCode>(seen.number()))));
    if (seen.type == kGoAway)
      outcomes.push_back("goaway:" + std::string(name_of(static_cast<ErrorCode>(seen.number(4)))));
  }

  FieldList list_;
};

std::vector<std::string> values_of(const std::string& text, const std::string& name) {
  std::vector<std::string> values;
  for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at + 2)) {
    const auto colon = text.find(':', at + 2), end = text.find("\r\n", at + 2);
    if (colon > end || end == std::string::npos) continue;
    std::string got = text.substr(at + 2, colon - at - 2);
    std::transform(got.begin(), got.end(), got.begin(), [](unsigned char c) { return std::tolower(c); });
    if (got == name) values.push_back(text.substr(colon + 2, end - colon - 2));
  }
  return values;
}

std::string framing_of(const std::string& text) {
  if (!values_of(text, "transfer-encoding").empty()) return "chunked";
  return values_of(text, "content-length").empty() ? "none" : "cl";
}

using Strings = std::vector<std::string>;

void expect_wanted(const std::string& id, const json::object& want, const Forwarded& got) {
  for (const auto& [key, value] : want) {
    if (key == "line") {
      EXPECT_EQ(got.text.substr(0, got.text.find("\r\n")), bytes_of(value)) << id;
    } else if (key == "host") {
      EXPECT_EQ(values_of(got.text, "host"), Strings{bytes_of(value)}) << id;
    } else if (key == "body") {
      EXPECT_EQ(got.body, bytes_of(value)) << id;
    } else if (key == "framing") {
      EXPECT_NE(("|" + bytes_of(value) + "|").find("|" + framing_of(got.text) + "|"), std::string::npos)
          << id;
    } else if (key == "has") {
      for (const auto& [name, one] : value.as_object())
        EXPECT_EQ(values_of(got.text, std::string(name)), Strings{bytes_of(one)}) << id;
    } else if (key == "all") {
      for (const auto& [name, all] : value.as_object())
        EXPECT_EQ(values_of(got.text, std::string(name)), json::value_to<Strings>(all)) << id;
    } else if (key == "once") {
      for (const json::value& name : value.as_array())
        EXPECT_LE(values_of(got.text, bytes_of(name)).size(), 1u) << id;
    } else if (key == "absent") {
      for (const json::value& name : value.as_array())
        EXPECT_TRUE(values_of(got.text, bytes_of(name)).empty()) << id;
    } else if (key == "no_trailer") {
      for (const json::value& name : value.as_array())
        EXPECT_EQ(std::count(got.trailers.begin(), got.trailers.end(), bytes_of(name)), 0) << id;
    } else if (key == "te") {
      const bool option = values_of(got.text, "connection") == Strings{"TE"};
      EXPECT_EQ(values_of(got.text, "te"), option ? Strings{"trailers"} : Strings{}) << id;
    } else {
      ADD_FAILURE() << id << " wants what is not known here: " << key;
    }
  }
}

std::size_t whole(const Door& door) {
  return static_cast<std::size_t>(std::count_if(door.forwarded.begin(), door.forwarded.end(),
                                                [](const auto& one) { return one.second.whole; }));
}

std::string joined(const Strings& words) {
  std::string all;
  for (const std::string& word : words) all += word + " ";
  return all;
}

bool ended_as(const Door& door, const json::array& how) {
  for (const std::string& outcome : door.outcomes)
    for (const json::value& pattern : how)
      if (fnmatch(pattern.as_string().c_str(), outcome.c_str(), 0) == 0) return true;
  return false;
}

// `cut`: the bytes come in pieces of so many.
void run(const json::object& c, std::size_t cut) {
  const std::string id(c.at("id").as_string()), expect(c.at("expect").as_string());
  Door door;
  Speaker speaker(door.pair.peer);
  std::vector<std::string> said;
  if (const json::value* frames = c.if_contains("frames")) {
    for (const json::value& frame : frames->as_array()) said.push_back(speaker.say(frame.as_object()));
  } else {
    const json::value* body = c.if_contains("body");
    said.push_back(door.pair.peer.headers(1, fields_of(c.at("headers")), !body));
    if (body) said.push_back(Peer::data(1, bytes_of(*body), true));
  }
  std::string all;
  for (const std::string& bytes : said) all += bytes;
  for (std::size_t at = 0; at < all.size(); at += cut) door.hear(std::string_view(all).substr(at, cut));

  const json::value* how = c.if_contains("how");
  const std::string seen = id + ": " + joined(door.outcomes);
  if (expect == "forward" || (expect == "either" && whole(door) > 0)) {
    ASSERT_EQ(whole(door), 1u) << seen;
    EXPECT_EQ(door.outcomes, Strings{"200"}) << seen;
    if (const json::value* want = c.if_contains("want"))
      expect_wanted(id, want->as_object(), door.forwarded.begin()->second);
    return;
  }
  EXPECT_TRUE(ended_as(door, how->as_array())) << seen;
  if (expect == "reject") {
    EXPECT_LE(whole(door), is_set(c, "one_ok") ? 1u : 0u) << seen;
  }
}

std::vector<json::object> load() {
  const char* given = std::getenv("SLUICE_SHARED_CASES");
  const std::filesystem::path folder =
      given ? std::filesystem::path(given)
            : std::filesystem::path(SLUICE_SOURCE_DIR) / ".." / "shared" / "cases";
  std::vector<json::object> cases;
  std::ifstream in(folder / "http2_requests.jsonl");
  for (std::string line; std::getline(in, line);) cases.push_back(json::parse(line).as_object());
  return cases;
}

TEST(H2Cases, RequestsOfTheSharedFile) {
  const auto cases = load();
  if (cases.empty()) GTEST_SKIP() << "no shared cases beside the project";
  for (const json::object& c : cases)
    for (const std::size_t cut : {std::size_t{1} << 20, std::size_t{7}, std::size_t{1}}) run(c, cut);
  std::cout << "shared request cases run: " << cases.size() << "\n";
}

}  // namespace
}  // namespace sluice::h2
