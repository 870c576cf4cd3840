// Why a file cannot be had. What another user is told is seen in tests/integration/test_image.py.
#include "proxy/base/denied.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace sluice {
namespace {

class Denied : public testing::Test {
 protected:
  ~Denied() override { std::filesystem::remove_all(folder_); }
  std::string facts(const std::string& path, const char* mode) const {
    const auto uid = std::to_string(::geteuid());
    return "Permission denied: " + path + " is of uid " + uid + ", mode " + mode +
           ", and this process is uid " + uid;
  }

  const std::string folder_ = [] {
    std::string name = std::filesystem::temp_directory_path() / "sluice-denied-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
};

TEST_F(Denied, WhatIsThereIsNamedWithItsOwner) {
  ::chmod(folder_.c_str(), 0710);
  EXPECT_EQ(why_denied(folder_, EACCES), facts(folder_, "0710"));
}

TEST_F(Denied, WhatIsNotThereIsItsFoldersMatter) {
  ::chmod(folder_.c_str(), 0750);
  EXPECT_EQ(why_denied(folder_ + "/lock", EACCES), facts(folder_, "0750"));
  EXPECT_EQ(why_denied(folder_ + "/not/there/lock", EACCES), facts(folder_, "0750"));
}

TEST_F(Denied, AReadOnlyRootWantsAMount) {
  EXPECT_EQ(why_denied("/x", EROFS),
            "Read-only file system; in a container, mount a volume or a tmpfs there that uid " +
                std::to_string(::geteuid()) + " may write to");
}

TEST_F(Denied, OtherErrorsAreTheSystemsOwnWords) {
  EXPECT_EQ(why_denied("/no/such", ENOENT), "No such file or directory");
}

}  // namespace
}  // namespace sluice
