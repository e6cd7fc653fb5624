// The suite of real processes under faults. Enters namespaces of its own before anything else; where that is not
// allowed every test is skipped and says why.
//
//   chaos_test                       short, as ./test runs it
//   chaos_test --minutes N --seed S  large, as ./dev chaos runs it, with a table of figures at the end
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "figures.h"
#include "private_network.h"

namespace {

// Whether all of what gtest left over was understood.
bool ReadFlags(int argc, char** argv) {
  rhizome::chaos::Extent& extent = rhizome::chaos::TheExtent();
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) return false;
    extent.full = true;
    if (flag == "--minutes") {
      extent.minutes = std::strtod(argv[i + 1], nullptr);
    } else if (flag == "--seed") {
      extent.seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      return false;
    }
  }
  return extent.minutes > 0;
}

class Namespaces : public testing::Environment {
 public:
  explicit Namespaces(rhizome::Status entered) : entered_(std::move(entered)) {}
  void SetUp() override {
    if (entered_.ok()) return;
    std::printf("[  SKIPPED ] every test: %s\n", entered_.ToString().c_str());  // what ctest looks for
    GTEST_SKIP() << entered_.ToString();
  }

 private:
  const rhizome::Status entered_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!ReadFlags(argc, argv)) {
    std::fprintf(stderr, "usage: chaos_test [--minutes N] [--seed S], both numbers above 0\n");
    return 2;
  }
  if (!GTEST_FLAG_GET(list_tests)) {
    testing::AddGlobalTestEnvironment(new Namespaces(rhizome::chaos::EnterOwnNamespaces()));
  }
  const int failed = RUN_ALL_TESTS();
  if (rhizome::chaos::TheExtent().full) std::printf("\n%s", rhizome::chaos::FiguresTable().c_str());
  return failed;
}
