#include "control/handoff/parcel.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstring>
#include <exception>

#include "control/handoff/predecessor.hpp"

namespace sluice::handoff {

namespace json = boost::json;

namespace {

// A daemon that does not know it refuses the parcel, and the other one goes on.
constexpr std::uint64_t kVersion = 1;
constexpr std::chrono::milliseconds kPatience{10'000};

// All descriptors, in the order in which the text tells of them.
std::vector<int> descriptors_of(const Parcel& parcel) {
  std::vector<int> all = parcel.lock.all();
  for (const auto* group : {&parcel.listeners, &parcel.admin})
    for (const Sockets& sockets : *group)
      all.insert(all.end(), sockets.descriptors.all().begin(), sockets.descriptors.all().end());
  all.insert(all.end(), parcel.memories.all().begin(), parcel.memories.all().end());
  return all;
}

json::array json_of(const std::vector<Sockets>& group) {
  json::array all;
  for (const Sockets& sockets : group)
    all.push_back(json::object{{"name", sockets.name},
                               {"bind", sockets.bind},
                               {"lent", sockets.lent},
                               {"count", sockets.descriptors.all().size()}});
  return all;
}

std::string text_of(const Parcel& parcel) {
  return json::serialize(json::object{{"version", kVersion},
                                      {"pid", parcel.from},
                                      {"upgrades", parcel.upgrades},
                                      {"program", parcel.program},
                                      {"kept", parcel.kept},
                                      {"lock", parcel.lock.all().size()},
                                      {"listeners", json_of(parcel.listeners)},
                                      {"admin", json_of(parcel.admin)},
                                      {"memories", parcel.memories.all().size()},
                                      {"knowledge", !parcel.knowledge.empty()}});
}

// Gives the descriptors that have come to those that the text names, in its order.
class Dealer {
 public:
  explicit Dealer(Descriptors all) : left_(all.release()) {}
  ~Dealer() {  // what the text did not name
    left_.erase(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(dealt_));
    Descriptors rest(std::move(left_));
  }

  Descriptors deal(std::uint64_t count) {
    std::vector<int> some;
    for (; count > 0 && dealt_ < left_.size(); --count) some.push_back(std::exchange(left_[dealt_++], -1));
    return Descriptors(std::move(some));
  }

 private:
  std::vector<int> left_;
  std::size_t dealt_ = 0;
};

std::vector<Sockets> sockets_in(const json::value& said, Dealer& dealer) {
  std::vector<Sockets> all;
  for (const json::value& one : said.as_array())
    all.push_back({std::string(one.at("name").as_string()), std::string(one.at("bind").as_string()),
                   one.at("lent").as_bool(), dealer.deal(one.at("count").to_number<std::uint64_t>())});
  return all;
}

// A daemon that has none does not speak of them.
std::uint64_t memories_in(const json::object& said) {
  const auto* count = said.if_contains("memories");
  return count ? count->to_number<std::uint64_t>() : 0;
}

bool has_knowledge(const json::object& said) {
  const auto* has = said.if_contains("knowledge");
  return has && has->as_bool();
}

std::uint64_t count_in(const json::object& said) {
  auto count = said.at("lock").to_number<std::uint64_t>() + memories_in(said);
  for (const char* group : {"listeners", "admin"})
    for (const json::value& one : said.at(group).as_array())
      count += one.at("count").to_number<std::uint64_t>();
  return count;
}

std::string receive_text(Channel& channel, Parcel& parcel) {
  auto message = channel.receive(kPatience);
  if (!message) return "the running daemon hands nothing over";
  if (message->text.starts_with(kRefused)) return message->text.substr(std::strlen(kRefused));
  const json::object said = json::parse(message->text).as_object();
  if (const auto version = said.at("version").to_number<std::uint64_t>(); version != kVersion)
    return "the running daemon hands over in form " + std::to_string(version) + ", this one takes form " +
           std::to_string(kVersion);
  std::vector<int> came = message->descriptors.release();
  while (came.size() < count_in(said)) {
    message = channel.receive(kPatience);
    if (!message) return Descriptors(std::move(came)), "the running daemon broke off while it handed over";
    for (const int one : message->descriptors.release()) came.push_back(one);
  }
  Dealer dealer{Descriptors(std::move(came))};
  parcel.from = said.at("pid").to_number<std::uint32_t>();
  parcel.upgrades = said.at("upgrades").to_number<std::uint64_t>();
  parcel.program = said.at("program").as_string();
  if (const auto* kept = said.if_contains("kept")) parcel.kept = kept->as_bool();
  parcel.lock = dealer.deal(said.at("lock").to_number<std::uint64_t>());
  parcel.listeners = sockets_in(said.at("listeners"), dealer);
  parcel.admin = sockets_in(said.at("admin"), dealer);
  parcel.memories = dealer.deal(memories_in(said));
  if (!has_knowledge(said)) return {};
  message = channel.receive(kPatience);
  if (!message) return "the running daemon broke off while it handed over";
  parcel.knowledge = std::move(message->text);
  return {};
}

}  // namespace

bool send(const Channel& channel, const Parcel& parcel) {
  const std::vector<int> all = descriptors_of(parcel);
  std::span<const int> left(all);
  std::string text = text_of(parcel);
  do {
    const auto part = left.first(std::min(Rights::kMost, left.size()));
    if (!channel.send(std::exchange(text, "more"), part)) return false;
    left = left.subspan(part.size());
  } while (!left.empty());
  return parcel.knowledge.empty() || channel.send_long(parcel.knowledge);
}

std::string receive(Channel& channel, Parcel& parcel) {
  try {
    return receive_text(channel, parcel);
  } catch (const std::exception& wrong) {
    return std::string("what the running daemon hands over cannot be read: ") + wrong.what();
  }
}

}  // namespace sluice::handoff
