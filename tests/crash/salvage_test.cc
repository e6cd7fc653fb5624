// A damaged log, end to end with the real program: the server comes up read-only and says exactly what is damaged,
// answers reads of what precedes it, and `rhizome salvage` makes it writable again with everything that is still good.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>

#include "base/scratch_testing.h"
#include "server_process.h"

namespace rhizome::crash {
namespace {

namespace json = boost::json;

constexpr int kPoints = 60;

class DamagedLog : public testing::Test {
 protected:
  DamagedLog() : server_(folder_.path() + "/data", {}) {}

  static std::string PointBody(int id) {
    return R"({"collection":"c","points":[{"id":)" + std::to_string(id) + R"(,"vector":[1,)" + std::to_string(id) +
           R"(],"text":"word)" + std::to_string(id) + R"( is only here"}]})";
  }

  // Sixty records in the log and none in a snapshot: a clean stop would checkpoint.
  void WriteAndKill() {
    ASSERT_GE(server_.Start(), 0) << server_.Log();
    ASSERT_EQ(server_.Call("POST", "/collections", R"({"name":"c","dimension":2})").status, 201);
    for (int id = 1; id <= kPoints; ++id) ASSERT_EQ(server_.Call("POST", "/vectors", PointBody(id)).status, 200);
    server_.Kill();
  }

  // Flips bits inside the record that holds `text`.
  void Corrupt(const std::string& text) {
    for (const auto& entry : std::filesystem::directory_iterator(server_.data_dir() + "/log")) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      const size_t at = bytes.find(text);
      if (at == std::string::npos) continue;
      std::fstream out(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      out.seekp(static_cast<std::streamoff>(at));
      out.put(static_cast<char>(bytes[at] ^ 0x20));
      return;
    }
    FAIL() << "no record holds " << text;
  }

  json::value Ask(const char* method, const char* target, const std::string& body = {}) const {
    return json::parse(server_.Call(method, target, body).body);
  }

  // How many of the points answer to their own word.
  int Found() const {
    int found = 0;
    for (int id = 1; id <= kPoints; ++id) {
      const json::value hits =
          Ask("POST", "/search", R"({"collection":"c","mode":"text","query":"word)" + std::to_string(id) + R"("})")
              .at("hits");
      found += hits.as_array().size() == 1 && hits.at(0).at("id") == id;
    }
    return found;
  }

  ScratchFolder folder_;
  ServerProcess server_;
};

TEST_F(DamagedLog, IsReportedExactlyServedReadOnlyAndSalvaged) {
  ASSERT_NO_FATAL_FAILURE(WriteAndKill());
  ASSERT_NO_FATAL_FAILURE(Corrupt("word30 is"));
  ASSERT_GE(server_.Start(), 0) << server_.Log();

  const json::value ready = Ask("GET", "/ready");
  EXPECT_EQ(ready.at("ready"), true);
  EXPECT_EQ(ready.at("read_only"), true);
  const std::string reason(ready.at("read_only_reason").as_string());
  EXPECT_NE(reason.find("records 30..30 lost"), std::string::npos) << reason;
  EXPECT_NE(reason.find(".log at byte "), std::string::npos) << reason;
  EXPECT_EQ(Found(), 29);

  const gateway::Reply refused = server_.Call("POST", "/vectors", PointBody(99));
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(refused.Header("Content-Type"), "application/problem+json");
  EXPECT_NE(refused.body.find("30..30"), std::string::npos) << refused.body;
  EXPECT_EQ(server_.Stop(), 0);

  int exit_code = -1;
  const std::string report = RunProgram({RHIZOME_PROGRAM, "salvage", "--data-dir", server_.data_dir()}, &exit_code);
  EXPECT_EQ(exit_code, 0) << report;
  EXPECT_NE(report.find("59 records"), std::string::npos) << report;
  EXPECT_NE(report.find("30..30 lost"), std::string::npos) << report;
  EXPECT_NE(report.find("log.damaged.1"), std::string::npos) << report;

  ASSERT_GE(server_.Start(), 0) << server_.Log();
  EXPECT_EQ(Ask("GET", "/ready").at("read_only"), false);
  EXPECT_EQ(Found(), kPoints - 1);
  EXPECT_EQ(server_.Call("POST", "/vectors", PointBody(30)).status, 200);
  EXPECT_EQ(Found(), kPoints);
  EXPECT_EQ(server_.Stop(), 0);
  ASSERT_GE(server_.Start(), 0) << server_.Log();
  EXPECT_EQ(Found(), kPoints);
}

TEST_F(DamagedLog, ATornLastRecordIsCutAndTheServerWrites) {
  ASSERT_NO_FATAL_FAILURE(WriteAndKill());
  // What a power loss in the middle of a write leaves: the start of a record that was never acknowledged.
  for (const auto& entry : std::filesystem::directory_iterator(server_.data_dir() + "/log")) {
    if (entry.path().extension() != ".log") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const size_t last = bytes.rfind("RLGR");
    ASSERT_NE(last, std::string::npos);
    const size_t end = bytes.find_last_not_of('\0') + 1;
    std::fstream out(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(end + 8));
    out.write("RLGR half a record", 18);
  }
  ASSERT_GE(server_.Start(), 0) << server_.Log();
  EXPECT_EQ(Ask("GET", "/ready").at("read_only"), false) << server_.Log();
  EXPECT_EQ(Found(), kPoints);
  EXPECT_EQ(server_.Call("POST", "/vectors", PointBody(1)).status, 200);
}

TEST_F(DamagedLog, SalvageRefusesWhileTheServerRuns) {
  ASSERT_GE(server_.Start(), 0) << server_.Log();
  int exit_code = 0;
  const std::string report = RunProgram({RHIZOME_PROGRAM, "salvage", "--data-dir", server_.data_dir()}, &exit_code);
  EXPECT_EQ(exit_code, 1) << report;
  EXPECT_EQ(server_.Call("GET", "/ready").status, 200);
}

}  // namespace
}  // namespace rhizome::crash
