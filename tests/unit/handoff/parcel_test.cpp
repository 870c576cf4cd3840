// What goes from one process to the next through a channel, and what becomes of it when it cannot.
#include "control/handoff/parcel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "control/handoff/predecessor.hpp"

namespace sluice::handoff {
namespace {

using namespace std::chrono_literals;

std::uint64_t inode_of(int descriptor) {
  struct stat status {};
  EXPECT_EQ(::fstat(descriptor, &status), 0);
  return status.st_ino;
}

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

// So many pipes' ends, each another file.
std::vector<int> descriptors(std::size_t count) {
  std::vector<int> all;
  while (all.size() < count) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    all.insert(all.end(), ends, ends + 2);
  }
  for (; all.size() > count; all.pop_back()) ::close(all.back());
  return all;
}

std::vector<std::uint64_t> inodes_of(const Descriptors& all) {
  std::vector<std::uint64_t> inodes;
  for (const int one : all.all()) inodes.push_back(inode_of(one));
  return inodes;
}

class ParcelTest : public ::testing::Test {
 protected:
  ParcelTest() {
    parcel.from = 4711;
    parcel.upgrades = 3;
    parcel.program = "/usr/bin/sluiced";
  }
  Parcel parcel, taken;
  std::pair<Channel, Channel> ends = std::move(*Channel::pair());
};

TEST_F(ParcelTest, arrives_as_it_was) {
  parcel.kept = true;
  parcel.lock = Descriptors(descriptors(1));
  parcel.listeners.push_back({"web", "0.0.0.0:80", false, Descriptors(descriptors(4))});
  parcel.listeners.push_back({"", "", true, Descriptors(descriptors(1))});
  parcel.admin.push_back({kAdminSocket, "/run/sluice/admin.sock", false, Descriptors(descriptors(1))});
  ASSERT_TRUE(send(ends.first, parcel));
  ASSERT_EQ(receive(ends.second, taken), "");
  EXPECT_EQ(taken.from, 4711u);
  EXPECT_EQ(taken.upgrades, 3u);
  EXPECT_TRUE(taken.kept);
  EXPECT_EQ(taken.program, "/usr/bin/sluiced");
  ASSERT_EQ(taken.listeners.size(), 2u);
  EXPECT_EQ(taken.listeners[0].name, "web");
  EXPECT_EQ(taken.listeners[0].bind, "0.0.0.0:80");
  EXPECT_FALSE(taken.listeners[0].lent);
  EXPECT_TRUE(taken.listeners[1].lent);
  EXPECT_EQ(inodes_of(taken.lock), inodes_of(parcel.lock));
  for (const std::size_t i : {0, 1})
    EXPECT_EQ(inodes_of(taken.listeners[i].descriptors), inodes_of(parcel.listeners[i].descriptors));
  ASSERT_EQ(taken.admin.size(), 1u);
  EXPECT_EQ(inodes_of(taken.admin[0].descriptors), inodes_of(parcel.admin[0].descriptors));
  for (const int one : taken.listeners[0].descriptors.all())
    EXPECT_TRUE(::fcntl(one, F_GETFD) & FD_CLOEXEC) << "it is not for the programs that the daemon runs";
}

TEST_F(ParcelTest, may_have_more_descriptors_than_a_message_takes) {
  parcel.listeners.push_back({"web", "0.0.0.0:80", false, Descriptors(descriptors(450))});
  ASSERT_TRUE(send(ends.first, parcel));
  ASSERT_EQ(receive(ends.second, taken), "");
  EXPECT_EQ(inodes_of(taken.listeners.at(0).descriptors), inodes_of(parcel.listeners[0].descriptors));
}

TEST_F(ParcelTest, brings_what_the_process_knows_and_memory_that_both_have) {
  for (const std::size_t length : {std::size_t{5}, std::size_t{3'000'000}}) {
    parcel.listeners.clear();
    parcel.listeners.push_back({"web", "0.0.0.0:80", false, Descriptors(descriptors(450))});
    parcel.knowledge = std::string(length, 'k');
    parcel.memories = Descriptors(descriptors(2));
    ASSERT_TRUE(send(ends.first, parcel));
    ASSERT_EQ(receive(ends.second, taken), "");
    EXPECT_EQ(taken.knowledge, parcel.knowledge);
    EXPECT_EQ(inodes_of(taken.memories), inodes_of(parcel.memories));
    EXPECT_EQ(inodes_of(taken.listeners.at(0).descriptors), inodes_of(parcel.listeners[0].descriptors));
  }
}

TEST_F(ParcelTest, of_a_daemon_that_tells_nothing_of_what_it_knows_is_taken) {
  ends.first.send(R"({"version":1,"pid":1,"upgrades":0,"program":"","lock":0,"admin":[],"listeners":[]})");
  EXPECT_EQ(receive(ends.second, taken), "");
  EXPECT_EQ(taken.knowledge, "");
}

TEST_F(ParcelTest, of_another_form_is_refused) {
  ends.first.send(R"({"version":2})");
  EXPECT_EQ(receive(ends.second, taken), "the running daemon hands over in form 2, this one takes form 1");
}

TEST_F(ParcelTest, that_is_none_is_refused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"version":1,"pid":"x"})"}) {
    ends.first.send(text);
    EXPECT_NE(receive(ends.second, taken), "") << text;
  }
}

TEST_F(ParcelTest, that_breaks_off_is_refused_and_leaves_no_descriptor_open) {
  const auto all = descriptors(2);
  ends.first.send(
      R"({"version":1,"pid":1,"upgrades":0,"program":"","lock":0,"admin":[],"listeners":[{"name":"a","bind":"b","lent":false,"count":3}]})",
      all);
  ends.first.close();
  const int next = ::dup(0);
  ::close(next);
  EXPECT_EQ(receive(ends.second, taken), "the running daemon broke off while it handed over");
  EXPECT_FALSE(is_open(next)) << "of those that came";
  for (const int one : all) ::close(one);
}

TEST(ChannelTest, tells_an_end_from_nothing_yet) {
  auto ends = std::move(*Channel::pair());
  EXPECT_FALSE(ends.second.receive(0ms));
  EXPECT_FALSE(ends.second.is_over());
  EXPECT_TRUE(ends.first.send("word"));
  const auto word = ends.second.receive(1000ms);
  ASSERT_TRUE(word);
  EXPECT_EQ(word->text, "word");
  ends.first.close();
  EXPECT_FALSE(ends.second.receive(1000ms));
  EXPECT_TRUE(ends.second.is_over());
  EXPECT_FALSE(ends.second.send("word"));
}

TEST(ChannelTest, takes_texts_of_any_length_and_bytes) {
  auto ends = std::move(*Channel::pair());
  for (const std::size_t length : {1, 16 * 1024, 16 * 1024 + 1, 20'000'000}) {
    std::string text(length, 'x');
    text.back() = '\0';
    ASSERT_TRUE(ends.first.send_long(text)) << length;
    const auto came = ends.second.receive(1000ms);
    ASSERT_TRUE(came) << length;
    EXPECT_EQ(came->text, text);
    EXPECT_TRUE(came->descriptors.all().empty());
  }
}

TEST(WordTest, says_what_is_left_and_what_was_followed) {
  Word word;
  word.status = {4711, 3, 2, std::chrono::milliseconds(1500), "/a\xff"};
  word.under_way["api"] = 5;
  word.followed = 9;
  const auto came = word_in(text_of(word));
  ASSERT_TRUE(came);
  EXPECT_EQ(came->status.pid, 4711u);
  EXPECT_EQ(came->status.connections, 3u);
  EXPECT_EQ(came->status.requests, 2u);
  EXPECT_EQ(came->status.oldest, std::chrono::milliseconds(1500));
  EXPECT_EQ(came->status.oldest_path, "/a\xff") << "a client's bytes";
  EXPECT_EQ(came->under_way.at("api").to_number<int>(), 5);
  EXPECT_EQ(came->followed, 9u);
  for (const char* other : {"", "ready", "[1]", "news 1 {}"}) EXPECT_FALSE(word_in(other)) << other;
}

TEST(WordTest, news_have_a_number) {
  const auto news = news_in(text_of_news(12, R"({"state":{}} and more)"));
  ASSERT_TRUE(news);
  EXPECT_EQ(news->number, 12u);
  EXPECT_EQ(news->text, R"({"state":{}} and more)");
  for (const char* other : {"", "ready", "news ", "news x y", "news 7", "{}"})
    EXPECT_FALSE(news_in(other)) << other;
}

}  // namespace
}  // namespace sluice::handoff
