// The real program, killed at random moments while samples come in by remote write. Every acknowledged sample must be
// there after the restart, none twice and none with another value, and nothing that was never sent.
//
// RHIZOME_KILLS says how often; RHIZOME_SEED repeats a run's choices, not its timing.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/scratch_testing.h"
#include "gateway/test_client.h"
#include "ingest/remote_write_testing.h"
#include "server_process.h"

namespace rhizome::crash {
namespace {

constexpr uint64_t kKillsInEveryRun = 6;
constexpr uint32_t kSenders = 3;
constexpr uint32_t kSeries = 100;  // of a sender, in every request

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A sender's request n has one sample of each of its series, at its start and n milliseconds.
class Sender {
 public:
  // Half of the senders send what is an hour old.
  explicit Sender(uint32_t number)
      : number_(number), start_ms_(SystemClock().WallMs() - (number % 2 == 0 ? 3'600'000 : 0)) {}

  static double ValueOf(uint32_t series, uint64_t request) {
    const auto n = static_cast<double>(request);
    return series % 3 == 0 ? n : series % 3 == 1 ? std::sin(n + series) : 0.25 * static_cast<double>(series);
  }

  // Until the connection breaks. What was not acknowledged is sent again first, as senders do.
  void Run(uint16_t port) {
    gateway::TestClient client(port);
    while (true) {
      const std::string body = BodyOf(acknowledged_);
      sent_ = std::max(sent_, acknowledged_ + 1);
      std::string text = "POST /api/v1/write HTTP/1.1\r\nHost: localhost\r\n";
      text.append(ingest::kRemoteWriteHeaders).append("Content-Length: ").append(std::to_string(body.size()));
      text.append("\r\n\r\n").append(body);
      if (!client.Send(text)) return;
      const gateway::Reply reply = client.Read();
      if (reply.status == 0) return;
      if (reply.status != 204) {
        refusal_ = std::to_string(reply.status) + " " + reply.body;
        return;
      }
      ++acknowledged_;
    }
  }

  // "" or what is wrong with the samples of one of the series.
  std::string Check(const boost::json::value& series) const {
    const auto index = static_cast<uint32_t>(std::stoul(std::string(series.at("metric").at("n").as_string())));
    const auto& values = series.at("values").as_array();
    if (values.size() < acknowledged_ || values.size() > sent_) {
      return Name(index) + " has " + std::to_string(values.size()) + " samples; acknowledged are " +
             std::to_string(acknowledged_) + ", sent " + std::to_string(sent_);
    }
    for (uint64_t request = 0; request < values.size(); ++request) {
      const auto& sample = values[request].as_array();
      const int64_t time_ms = std::llround(sample[0].to_number<double>() * 1e3);
      const double value = std::strtod(sample[1].as_string().c_str(), nullptr);
      if (time_ms == start_ms_ + static_cast<int64_t>(request) && value == ValueOf(index, request)) continue;
      return Name(index) + ": sample " + std::to_string(request) + " is " + std::to_string(time_ms) + " " +
             std::string(sample[1].as_string());
    }
    return "";
  }

  std::string metric() const { return "sender" + std::to_string(number_); }
  uint64_t acknowledged() const { return acknowledged_; }
  const std::string& refusal() const { return refusal_; }

 private:
  std::string Name(uint32_t series) const { return metric() + "{n=\"" + std::to_string(series) + "\"}"; }
  std::string BodyOf(uint64_t request) const {
    std::vector<ingest::SentSeries> all;
    for (uint32_t n = 0; n < kSeries; ++n) {
      all.push_back({{{"__name__", metric()}, {"n", std::to_string(n)}},
                     {{start_ms_ + static_cast<int64_t>(request), ValueOf(n, request)}}});
    }
    return ingest::WriteRequestBody(all);
  }

  const uint32_t number_;
  const int64_t start_ms_;
  uint64_t acknowledged_ = 0;
  uint64_t sent_ = 0;
  std::string refusal_;
};

class MetricsKill : public testing::Test {
 protected:
  // A mebibyte of log between checkpoints, so that kills hit some.
  MetricsKill()
      : random_(FromEnvironment("RHIZOME_SEED", 1)), server_(folder_.path() + "/data", {"--checkpoint-log-mib", "1"}) {
    for (uint32_t n = 0; n < kSenders; ++n) senders_.emplace_back(n);
  }

  // Starts the server, sometimes killing it once more while it recovers.
  void Restart() {
    if (random_() % 4 == 0) {
      server_.Spawn();
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 60));
      server_.Kill();
    }
    ASSERT_GE(server_.Start(), 0) << server_.Log();
  }

  void SendUntilKilled(uint64_t life_ms) {
    std::vector<std::thread> threads;
    for (Sender& sender : senders_) threads.emplace_back([this, &sender] { sender.Run(server_.port()); });
    std::this_thread::sleep_for(std::chrono::milliseconds(life_ms));
    server_.Kill();
    for (std::thread& thread : threads) thread.join();
    for (const Sender& sender : senders_) ASSERT_EQ(sender.refusal(), "");
  }

  void Check() {
    for (const Sender& sender : senders_) {
      const gateway::Reply reply = server_.Call("GET", "/api/v1/query?query=" + sender.metric() + "[3h]");
      ASSERT_EQ(reply.status, 200) << reply.body.substr(0, 1'000);
      const boost::json::value answer = boost::json::parse(reply.body);
      const auto& series = answer.at("data").at("result").as_array();
      if (sender.acknowledged() > 0) ASSERT_EQ(series.size(), kSeries) << server_.Log();
      for (const auto& one : series) ASSERT_EQ(sender.Check(one), "") << server_.Log();
    }
  }

  // Whether kills have met blocks and not only a log.
  bool HasBlocks() const {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path() + "/data/metrics", error)) {
      if (entry.path().filename().string().starts_with("block.")) return true;
    }
    return false;
  }

  ScratchFolder folder_;
  std::mt19937_64 random_;
  std::vector<Sender> senders_;
  ServerProcess server_;
};

TEST_F(MetricsKill, AcknowledgedSamplesOutliveKillsAndNoneIsThereTwiceOrChanged) {
  ASSERT_NO_FATAL_FAILURE(Restart());
  const uint64_t kills = FromEnvironment("RHIZOME_KILLS", kKillsInEveryRun);
  // A slow machine writes so little in a short life that no checkpoint falls due: then it gets longer ones.
  for (uint64_t n = 1; n <= kills || (n <= 3 * kills && !HasBlocks()); ++n) {
    ASSERT_NO_FATAL_FAILURE(SendUntilKilled(n <= kills ? 50 + random_() % 500 : 3'000));
    ASSERT_NO_FATAL_FAILURE(Restart());
    ASSERT_NO_FATAL_FAILURE(Check());
  }
  uint64_t acknowledged = 0;
  for (const Sender& sender : senders_) acknowledged += sender.acknowledged() * kSeries;
  std::printf("kills %lu, acknowledged samples %lu, lost 0, twice 0, changed 0\n", kills, acknowledged);
  EXPECT_TRUE(HasBlocks());
  EXPECT_EQ(server_.Stop(), 0) << server_.Log();
  ASSERT_NO_FATAL_FAILURE(Restart());
  ASSERT_NO_FATAL_FAILURE(Check());
}

}  // namespace
}  // namespace rhizome::crash
