#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <thread>

namespace rhizome {
namespace {

using testing::HasSubstr;
using testing::Not;

class Log : public testing::Test {
 protected:
  ~Log() override { spdlog::set_default_logger(original_); }
  // What `write` puts on standard error.
  template <typename Write>
  std::string Capture(Write write, const std::string& level = "info") {
    InstallLogFormat(level);
    testing::internal::CaptureStderr();
    write();
    spdlog::default_logger()->flush();
    return testing::internal::GetCapturedStderr();
  }

 private:
  std::shared_ptr<spdlog::logger> original_ = spdlog::default_logger();
};

TEST_F(Log, LinesCarryTheRequestOfTheirThread) {
  const std::string text = Capture([] {
    const LogScope scope("req-1");
    spdlog::info("opened {}", 7);
  });
  EXPECT_THAT(text, HasSubstr(" level=info request_id=req-1 msg=\"opened 7\"\n"));
}

TEST_F(Log, LinesOutsideARequestCarryNoId) {
  EXPECT_THAT(Capture([] { spdlog::info("idle"); }), HasSubstr(" level=info msg=\"idle\"\n"));
}

TEST_F(Log, ScopesNestAndBelongToTheirThread) {
  const LogScope outer("outer");
  {
    const LogScope inner("inner");
    EXPECT_EQ(CurrentRequestId(), "inner");
    std::thread([] { EXPECT_EQ(CurrentRequestId(), ""); }).join();
  }
  EXPECT_EQ(CurrentRequestId(), "outer");
}

TEST_F(Log, AMessageCannotForgeALine) {
  const std::string text = Capture([] { spdlog::info("bad\nts=now level=error msg=\"gotcha\""); });
  EXPECT_THAT(text, HasSubstr("msg=\"bad\\nts=now level=error msg=\\\"gotcha\\\"\"\n"));
}

TEST_F(Log, TheLevelFilters) {
  const auto write = [] {
    spdlog::debug("small");
    spdlog::warn("big");
  };
  EXPECT_THAT(Capture(write, "warning"), Not(HasSubstr("small")));
  EXPECT_THAT(Capture(write, "debug"), HasSubstr("small"));
  EXPECT_EQ(Capture(write, "off"), "");
  EXPECT_THAT(Capture(write, "no such level"), HasSubstr("big"));
}

}  // namespace
}  // namespace rhizome
