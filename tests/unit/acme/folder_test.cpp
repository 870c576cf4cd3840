#include "control/acme/folder.hpp"

#include <gtest/gtest.h>

#include "proxy/tls/certificate.hpp"
#include "support/memory_files.hpp"

namespace sluice::acme {
namespace {

config::AcmeSpec spec_of(std::string directory) {
  config::AcmeSpec spec;
  spec.directory = std::move(directory);
  spec.domains = {"a.test"};
  return spec;
}

struct Kept : ::testing::Test {
  testing::MemoryFiles files;
  Folder folder{files, "/state"};
};

TEST_F(Kept, AnAccountIsMadeOnceForEachServer) {
  const auto spec = spec_of("https://ca.test/dir");
  Account made = *folder.account(spec);
  made.url = "https://ca.test/acct/1";
  ASSERT_FALSE(folder.keep(spec, made));
  const auto again = folder.account(spec);
  EXPECT_EQ(again->key.thumbprint(), made.key.thumbprint());
  EXPECT_EQ(again->url, made.url);
  EXPECT_NE(folder.account(spec_of("https://other.test/dir"))->key.thumbprint(), made.key.thumbprint());
}

TEST_F(Kept, HowOrdersWentIsThereAfterARestart) {
  Progress progress;
  progress.asked_for = "what";
  progress.tried_for = "else";
  progress.issued = 5;
  progress.failures = 3;
  progress.kind = FailureKind::refused;
  progress.failed = 6;
  progress.not_before = 7;
  progress.error = "the sun";
  ASSERT_FALSE(folder.keep("web", progress));
  const Progress read = Folder(files, "/state").progress("web");
  EXPECT_EQ(std::tie(read.asked_for, read.tried_for, read.issued, read.failures, read.failed, read.not_before,
                     read.error),
            std::tie(progress.asked_for, progress.tried_for, progress.issued, progress.failures,
                     progress.failed, progress.not_before, progress.error));
  EXPECT_EQ(read.kind, FailureKind::refused);
  files.put("/state/acme/web.state", "{nonsense");
  EXPECT_EQ(folder.progress("web").failures, 0u);
  EXPECT_EQ(folder.progress("none").error, "");
}

TEST_F(Kept, AnAccountThatIsNoneIsNotWrittenOver) {
  const auto spec = spec_of("https://ca.test/dir");
  ASSERT_TRUE(folder.account(spec));
  const std::string path =
      "/state/acme/" + tls::digest_of({spec.directory, "", ""}).substr(0, 16) + ".account";
  ASSERT_TRUE(files.exists(path));
  files.put(path, "{}");
  const auto read = folder.account(spec);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), path + " holds no account; move it away, and another one is made");
}

// Power may be lost at every step: what is there is the certificate before, or the new one with its key.
TEST_F(Kept, ACertificateIsThereWholeOrNotAtAll) {
  const Key key = Key::make();
  ASSERT_FALSE(folder.keep_certificate("web", "old\n", key));
  std::mt19937_64 random(7);
  for (std::size_t step = 1; step < 8; ++step) {
    testing::MemoryFiles::Plan plan;
    plan.power_off_after = step;
    files.set_plan(plan);
    folder.keep_certificate("web", "new\n", key);
    files.crash(&random);
    const std::string text = *files.content("/state/acme/web.pem");
    EXPECT_TRUE(text == "old\n" + key.pem() || text == "new\n" + key.pem()) << "after step " << step;
  }
}

TEST_F(Kept, AFullDiskIsSaid) {
  testing::MemoryFiles::Plan plan;
  plan.fail_from = 1;
  plan.fail_to = 100;
  files.set_plan(plan);
  EXPECT_TRUE(folder.keep_certificate("web", "new\n", Key::make()));
  EXPECT_FALSE(folder.account(spec_of("https://ca.test/dir")));
}

}  // namespace
}  // namespace sluice::acme
