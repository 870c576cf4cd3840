// The access log: never a wait for the worker, a full ring drops and counts; where lines go.
#include "proxy/observe/access_log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

AccessRecord record(std::string_view path) {
  AccessRecord made;
  made.wall_micros = 1'700'000'000'123'456;
  made.generation = 7;
  made.bytes_in = 1;
  made.bytes_out = 2;
  made.duration_micros = 1'500;
  made.upstream_micros = 250;
  made.status = 200;
  made.attempts = 1;
  made.request_id = "id";
  made.client = "127.0.0.1";
  made.method = "GET";
  made.host = "x";
  made.path = path;
  made.service = "api";
  made.pool = "blue";
  made.backend = "b";
  made.sticky = "split";
  return made;
}

TEST(AccessRing, Records_come_out_in_order_however_often_the_ring_wraps) {
  AccessRing ring(4096);
  std::size_t pushed = 0, drained = 0;
  for (int round = 0; round < 500; ++round) {
    const std::size_t batch = static_cast<std::size_t>(round % 7) + 1;
    for (std::size_t i = 0; i < batch; ++i) {
      const std::string path = "/" + std::to_string(pushed) + std::string(pushed * 13 % 97, 'p');
      ASSERT_TRUE(ring.push(record(path))) << pushed;
      ++pushed;
    }
    std::string out;
    ASSERT_EQ(ring.drain({}, out), batch);
    std::istringstream in(out);
    for (std::string line; std::getline(in, line); ++drained)
      ASSERT_THAT(line, HasSubstr("\"path\":\"/" + std::to_string(drained) +
                                  std::string(drained * 13 % 97, 'p') + "\""));
  }
  EXPECT_EQ(drained, pushed);
  EXPECT_EQ(ring.dropped(), 0u);
}

TEST(AccessRing, X4_a_full_ring_drops_and_counts_and_serves_again_once_it_was_drained) {
  AccessRing ring(4096);
  std::size_t kept = 0;
  while (ring.push(record("/a"))) ++kept;
  EXPECT_GT(kept, 3u);
  EXPECT_EQ(ring.dropped(), 1u);
  EXPECT_FALSE(ring.push(record("/a")));
  EXPECT_EQ(ring.dropped(), 2u);
  std::string out;
  EXPECT_EQ(ring.drain({}, out), kept);
  EXPECT_EQ(lines_in(out), kept);
  EXPECT_TRUE(ring.push(record("/a")));
}

TEST(AccessRing, X4_a_very_long_field_is_cut) {
  AccessRing ring;
  EXPECT_TRUE(ring.push(record(std::string(100'000, 'p'))));
  std::string out;
  EXPECT_EQ(ring.drain({}, out), 1u);
  EXPECT_LT(out.size(), 3'000u);
}

class LogFile : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-access-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string read(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string folder;
};

TEST_F(LogFile, What_was_pushed_is_written_by_the_end) {
  const std::string path = folder + "/access.log";
  {
    AccessLog log(2);
    EXPECT_FALSE(log.on());
    ASSERT_EQ(log.open(path), "");
    EXPECT_TRUE(log.on());
    log.ring(0).push(record("/0"));
    log.ring(1).push(record("/1"));
  }
  EXPECT_EQ(lines_in(read(path)), 2u);
}

TEST_F(LogFile, A_rotated_file_is_left_alone_after_the_reopening) {
  const std::string path = folder + "/access.log", rotated = path + ".1";
  {
    AccessLog log(1);
    ASSERT_EQ(log.open(path), "");
    log.ring(0).push(record("/before"));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (read(path).empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    std::filesystem::rename(path, rotated);
    log.reopen();
    log.ring(0).push(record("/after"));
  }
  EXPECT_THAT(read(rotated), HasSubstr("/before"));
  EXPECT_THAT(read(path), HasSubstr("/after"));
  EXPECT_EQ(lines_in(read(path)), 1u);
}

TEST_F(LogFile, Lines_have_the_format_that_it_was_opened_with) {
  const std::string path = folder + "/access.log";
  {
    AccessLog log(1);
    ASSERT_EQ(log.open(path, *parse_log_format("{method} {path}")), "");
    log.ring(0).push(record("/a"));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (read(path).empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    log.reopen();
    log.ring(0).push(record("/b"));
  }
  EXPECT_EQ(read(path), "GET /a\nGET /b\n");
}

// A reader of a pipe who does not read loses lines, and holds up neither a reopening nor the end.
TEST_F(LogFile, X4_a_pipe_that_nobody_reads_loses_lines_and_counts_them) {
  const std::string path = folder + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto in_the_pipe = [reader] {
    int bytes = 0;
    return ::ioctl(reader, FIONREAD, &bytes) == 0 ? bytes : 0;
  };
  {
    AccessLog log(1);
    ASSERT_EQ(log.open(path), "");
    const std::string long_path(2000, 'p');
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(log.ring(0).push(record(long_path)));
    constexpr int kNearlyFull = 48 * 1024;  // of a pipe's 64 KiB; the writer has more and waits
    while (in_the_pipe() < kNearlyFull && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    ASSERT_EQ(log.open(folder + "/elsewhere"), "");
    while (log.dropped() == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_GT(log.dropped(), 0u);
    log.ring(0).push(record("/after"));
  }
  // What the log's thread had not taken yet goes to the new file, and the line behind it.
  const std::string elsewhere = read(folder + "/elsewhere");
  EXPECT_LT(lines_in(elsewhere), 200u);
  EXPECT_THAT(elsewhere.substr(elsewhere.rfind('\n', elsewhere.size() - 2) + 1), HasSubstr("/after"));
  ::close(reader);
}

TEST_F(LogFile, A_file_that_cannot_be_opened_is_an_error_with_its_name) {
  AccessLog log(1);
  EXPECT_THAT(log.open(folder + "/no/such/folder"),
              StartsWith("cannot open the access log " + folder + "/no/such/folder: No such file"));
  EXPECT_FALSE(log.on());
}

}  // namespace
}  // namespace sluice::observe
