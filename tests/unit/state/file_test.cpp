#include "control/state/file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "control/state/journal.hpp"
#include "support/changes.hpp"

namespace sluice::state {
namespace {

class PosixFilesTest : public ::testing::Test {
 protected:
  PosixFilesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-state-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~PosixFilesTest() override { std::filesystem::remove_all(folder_); }

  FileSystem& files_ = posix_files();
  std::string folder_;
};

TEST_F(PosixFilesTest, AppendsAndReadsBack) {
  const std::string path = folder_ + "/f";
  EXPECT_EQ(files_.read(path).error().code(), ENOENT);
  {
    auto file = files_.create(path);
    ASSERT_TRUE(file);
    EXPECT_FALSE((*file)->append("one "));
    EXPECT_FALSE((*file)->sync());
  }
  auto file = files_.open(path);
  ASSERT_TRUE(file);
  EXPECT_FALSE((*file)->append("two"));
  EXPECT_EQ(*files_.read(path), "one two");
  EXPECT_FALSE(files_.rename(path, folder_ + "/g"));
  EXPECT_FALSE(files_.sync_folder(folder_));
  EXPECT_FALSE(files_.exists(path));
  EXPECT_FALSE(files_.remove(folder_ + "/g"));
  EXPECT_EQ(files_.open(path).error().code(), ENOENT);
}

TEST_F(PosixFilesTest, NamesPathAndErrno) {
  const auto error = files_.create(folder_ + "/none/f").error();
  EXPECT_EQ(error.message(), "cannot create " + folder_ + "/none/f: No such file or directory");
  EXPECT_EQ(files_.rename(folder_ + "/a", folder_ + "/b").code(), ENOENT);
}

TEST_F(PosixFilesTest, AFullDiskIsAnError) {
  auto file = files_.open("/dev/full");
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->append("x").code(), ENOSPC);
}

TEST_F(PosixFilesTest, AShortWriteIsFinishedOrAnError) {  // the limit cuts the write in the middle
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100, before.rlim_max};
  auto file = files_.create(folder_ + "/f");
  ASSERT_TRUE(file);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Error error = (*file)->append(std::string(150, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.code(), EFBIG);
  EXPECT_EQ(files_.read(folder_ + "/f")->size(), 100u);
}

TEST_F(PosixFilesTest, MakesFoldersWithTheirParents) {
  EXPECT_FALSE(files_.make_folder(folder_ + "/a/b/c"));
  EXPECT_FALSE(files_.make_folder(folder_ + "/a/b/c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder_ + "/a/b/c"));
  ASSERT_TRUE(files_.create(folder_ + "/file"));
  EXPECT_TRUE(files_.make_folder(folder_ + "/file"));
  EXPECT_TRUE(files_.make_folder(folder_ + "/file/below"));
}

TEST_F(PosixFilesTest, TheLockNamesWhoHasIt) {
  auto first = files_.lock(folder_ + "/lock");
  ASSERT_TRUE(first);
  const auto second = files_.lock(folder_ + "/lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message(), folder_ + "/lock is held by process " + std::to_string(::getpid()));
  first->reset();
  EXPECT_TRUE(files_.lock(folder_ + "/lock"));
}

TEST_F(PosixFilesTest, CarryAJournal) {
  State last;
  {
    auto opened = Journal::open(files_, folder_ + "/state");
    ASSERT_TRUE(opened);
    Journal& journal = opened->journal;
    ASSERT_FALSE(journal.append(testing::first_edit()));
    for (int i = 0; i < 20; ++i) {
      const State next = testing::changed(journal.history().state(), i);
      ASSERT_FALSE(journal.append(testing::edit_of(journal.history().state(), next, i)));
    }
    last = journal.history().state();
  }
  auto again = Journal::open(files_, folder_ + "/state");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->journal.history().state(), last);
  EXPECT_TRUE(again->warnings.empty());
}

TEST_F(PosixFilesTest, AFolderThatCannotBeWrittenIsAClearError) {
  const auto opened = Journal::open(files_, "/proc/sluice");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("/proc/sluice"), std::string::npos);
}

}  // namespace
}  // namespace sluice::state
