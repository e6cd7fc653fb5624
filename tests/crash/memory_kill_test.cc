// A server with a memory, killed at random moments while documents are written, changed and deleted. In the end each
// one that was acknowledged is learned as it is, once, and the tasks that its answers named are done.
//
// RHIZOME_KILLS says how often (./dev kill-workers [N]).
#include <chrono>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/await_testing.h"
#include "base/scratch_testing.h"
#include "memory_client.h"

namespace rhizome::crash {
namespace {

constexpr int kDocuments = 40;

// What a document says: where its person was born, in its newest acknowledged version; -1: nothing, it is deleted.
// Writes whose answers never came may have been made.
struct Said {
  int town = -1;
  std::set<int> maybe;
};

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  // Until an answer does not come: the server is dead.
  void Run(const ServerProcess& server) {
    while (Once(server)) {
    }
  }
  const std::map<int, Said>& said() const { return said_; }
  const std::vector<std::string>& tasks() const { return tasks_; }

 private:
  bool Once(const ServerProcess& server) {
    const int document = static_cast<int>(random_() % kDocuments);
    Said& said = said_[document];
    const int town = random_() % 6 == 0 ? -1 : static_cast<int>(random_() % 26);
    said.maybe.insert(town);
    gateway::Reply reply;
    if (town < 0) {
      reply = server.Call("DELETE", "/documents/d" + std::to_string(document) + "?collection=lives");
    } else {
      reply = server.Call("POST", "/documents", DocumentBody(document, town));
    }
    if (reply.status != 200 && !(town < 0 && reply.status == 404)) return false;
    said = {town, {}};
    if (town < 0 || reply.status != 200) return true;
    const json::value answer = json::parse(reply.body);
    if (const auto* task = answer.at("results").at(0).as_object().if_contains("task")) {
      tasks_.emplace_back(task->as_string());
    }
    return true;
  }

  std::mt19937_64 random_;
  std::map<int, Said> said_;
  std::vector<std::string> tasks_;
};

TEST(MemoryKill, EveryAcknowledgedDocumentIsLearnedAsItIsOnce) {
  const char* text = std::getenv("RHIZOME_KILLS");
  const int kills = text == nullptr ? 6 : std::atoi(text);
  const ScratchFolder folder;
  ServerProcess server(folder.File("data"), {"--retry-base-ms", "50"});
  ASSERT_GE(server.Start(60'000), 0) << server.Log();
  const std::string made = R"({"name":"lives","dimension":0,"shards":2,"graph":true})";
  ASSERT_EQ(server.Call("POST", "/collections", made).status, 201);
  std::mt19937_64 random(11);
  Writer writer(5);
  for (int n = 0; n < kills; ++n) {
    std::thread writing([&] { writer.Run(server); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 400));
    server.Kill();
    writing.join();
    ASSERT_GE(server.Start(60'000), 0) << server.Log();
  }
  ASSERT_TRUE(Await([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return NothingWaits(server);
  })) << server.Log();
  for (const auto& [document, said] : writer.said()) {
    const std::vector<std::string> towns = TownsOf(server, document);
    const auto is = [&](int town) {
      return town < 0 ? towns.empty() : towns == std::vector<std::string>{Lower(Town(town))};
    };
    EXPECT_TRUE(is(said.town) || std::any_of(said.maybe.begin(), said.maybe.end(), is))
        << Person(document) << " of " << (said.town < 0 ? "nowhere" : Town(said.town)) << ": " << towns.size() << " "
        << (towns.empty() ? "" : towns[0]);
  }
  size_t done = 0;
  for (const std::string& task : writer.tasks()) {
    const json::value shown = Get(server, "/tasks/" + task);
    const auto* state = shown.as_object().if_contains("state");
    if (state != nullptr && *state == "done") ++done;
  }
  std::printf("kills %d, writes with a task acknowledged %zu, done %zu\n", kills, writer.tasks().size(), done);
  EXPECT_EQ(done, writer.tasks().size());
  EXPECT_TRUE(Get(server, "/dead-letters").at("dead_letters").as_array().empty());
}

}  // namespace
}  // namespace rhizome::crash
