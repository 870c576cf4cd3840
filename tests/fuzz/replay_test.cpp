// Every target over its corpus and a fixed number of mutations of it: the short run of `./dev fuzz`. What
// libFuzzer once found stands in the corpora, so it stays mended.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/targets.hpp"

namespace sluice::fuzz {
namespace {

constexpr unsigned kSeed = 19990601;

std::vector<std::string> corpus_of(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SLUICE_SOURCE_DIR "/tests/fuzz/corpus/") + name))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ifstream in(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& inputs) : inputs_(inputs) {}

  std::string next() {
    std::string bytes = inputs_[below(inputs_.size())];
    for (std::size_t i = 1 + below(4); i > 0; --i) change(bytes);
    return bytes;
  }

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  void change(std::string& bytes) {
    static const std::string kPieces[] = {
        "\r\n", "\r", "\n", std::string(1, '\0'),   ":", "\t", " ", ",", ";", "\x85", "{", "}", "\"",
        "0",    "%",  "-1", "99999999999999999999", "'", "\\"};
    const std::size_t at = below(bytes.size() + 1);
    const auto& other = inputs_[below(inputs_.size())];
    switch (below(5)) {
      case 0:
        bytes.erase(at, 1 + below(8));
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes.insert(at, kPieces[below(std::size(kPieces))]);
        break;
      case 3:
        bytes.insert(at, bytes.substr(below(bytes.size() + 1), 1 + below(30)));
        break;
      default:
        bytes.replace(at, std::string::npos, other.substr(std::min(at, other.size())));
    }
  }

  const std::vector<std::string>& inputs_;
  std::mt19937 random_{kSeed};
};

class Replay : public ::testing::TestWithParam<Target> {};

TEST_P(Replay, CorpusAndMutations) {
  const auto inputs = corpus_of(GetParam().name);
  ASSERT_GE(inputs.size(), 3u) << "no corpus";
  for (const auto& input : inputs) GetParam().run(input);
  Mutator mutator(inputs);
  for (int i = 0; i < GetParam().mutations; ++i) {
    SCOPED_TRACE("mutation " + std::to_string(i));
    GetParam().run(mutator.next());
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, ::testing::ValuesIn(kTargets),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace sluice::fuzz
