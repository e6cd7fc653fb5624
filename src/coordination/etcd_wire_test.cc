#include "coordination/etcd_wire.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/base64.h"

namespace rhizome::coordination::etcd {
namespace {

const std::string kHeader = R"("header":{"cluster_id":"1","revision":"7"})";

// {"key":…} of an entry with these further fields.
std::string Entry(const std::string& key, const std::string& fields) {
  return R"({"key":")" + EncodeBase64(key) + R"(",)" + fields + "}";
}
std::string Entry(const std::string& key) { return Entry(key, R"("create_revision":"2","mod_revision":"3")"); }
std::string Answer(const std::string& fields) { return "{" + kHeader + (fields.empty() ? "" : ",") + fields + "}"; }
std::string Keys(const std::string& entries) { return Answer(R"("kvs":[)" + entries + "]"); }

TEST(EtcdWire, TransactionComparesAndChanges) {
  const Transaction transaction{{{"a", 0}, {"b", 12}}, {{"a", "1", 9}, {"b", std::nullopt}}};
  const auto written = boost::json::parse(EncodeTransaction(transaction, "r/"));
  const auto wanted = boost::json::parse(R"({
    "compare": [{"key": "ci9h", "target": "MOD", "result": "EQUAL", "mod_revision": "0"},
                {"key": "ci9i", "target": "MOD", "result": "EQUAL", "mod_revision": "12"}],
    "success": [{"request_put": {"key": "ci9h", "value": "MQ==", "lease": "9"}},
                {"request_delete_range": {"key": "ci9i"}}]})");
  EXPECT_EQ(written, wanted);
}

TEST(EtcdWire, CheckOnlyTransactionReadsSoThatAMajorityIsAsked) {
  const auto written = boost::json::parse(EncodeTransaction({{{"a", 1}}, {}}, ""));
  EXPECT_TRUE(written.at("success").at(0).as_object().contains("request_range"));
}

TEST(EtcdWire, FailedTransactionLeavesSucceededOut) {
  EXPECT_FALSE(DecodeCommitted(Answer(""))->succeeded);
  const auto committed = DecodeCommitted(Answer(R"("succeeded":true)"));
  EXPECT_TRUE(committed->succeeded);
  EXPECT_EQ(committed->revision, 7);
}

TEST(EtcdWire, AnswersThatEtcdWouldNotGiveAreCorruption) {
  for (const std::string& body :
       {std::string(), std::string("OK"), std::string("[]"), std::string("{}"), std::string(R"({"header":1})"),
        std::string(R"({"header":{}})"), std::string(R"({"header":{"revision":"0"}})"),
        std::string(R"({"header":{"revision":"-3"}})"), std::string(R"({"header":{"revision":"7x"}})"),
        std::string(R"({"header":{"revision":1.5}})"), std::string(R"({"header":{"revision":"99999999999999999999"}})"),
        Answer(R"("succeeded":1)")}) {
    EXPECT_EQ(DecodeCommitted(body).status().code(), Code::kCorruption) << body;
  }
}

TEST(EtcdWire, RangeEndsBehindThePrefix) {
  const auto range = [](const std::string& prefix, const std::string& from, const std::string& key_prefix) {
    const auto written = boost::json::parse(EncodePageRequest({prefix, from, 0, 5}, key_prefix));
    EXPECT_EQ(written.at("limit").as_string(), "5");
    EXPECT_FALSE(written.as_object().contains("revision"));
    return std::pair(DecodeBase64(written.at("key").as_string()).value(),
                     DecodeBase64(written.at("range_end").as_string()).value());
  };
  const std::string zero(1, '\0');
  EXPECT_EQ(range("p/", "", ""), std::pair(std::string("p/"), std::string("p0")));
  EXPECT_EQ(range("p/", "p/7", "r/"), std::pair(std::string("r/p/7"), std::string("r/p0")));
  EXPECT_EQ(range("a\xff\xff", "", ""), std::pair(std::string("a\xff\xff"), std::string("b")));
  EXPECT_EQ(range("\xff", "", ""), std::pair(std::string("\xff"), zero));
  EXPECT_EQ(range("", "", ""), std::pair(zero, zero));
}

TEST(EtcdWire, PageRequestNamesItsMoment) {
  const auto written = boost::json::parse(EncodePageRequest({"p", "p7", 42, 5}, ""));
  EXPECT_EQ(written.at("revision").as_string(), "42");
}

TEST(EtcdWire, PageFillsInWhatIsZero) {
  const auto page =
      DecodePage(Keys(Entry("r/p1") + "," +
                      Entry("r/p2", R"("create_revision":"2","mod_revision":"7","value":"Mg==","lease":"5")")),
                 {"p", "", 0, 2}, "r/");
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->listing.entries, (std::vector<KeyValue>{{"p1", "", 2, 3, 0}, {"p2", "2", 2, 7, 5}}));
  EXPECT_EQ(page->listing.revision, 7);
  EXPECT_FALSE(page->more);
  EXPECT_TRUE(DecodePage(Answer(""), {"p", "", 0, 2}, "")->listing.entries.empty());
}

TEST(EtcdWire, PageThatWasNotAskedForIsCorruption) {
  const std::vector<std::string> bodies = {
      Keys(Entry("r/q")),                                                            // not under the prefix
      Keys(Entry("s/p5")),                                                           // nor of ours
      Keys(Entry("r/")),                                                             // no key left
      Keys(Entry("r/p4")),                                                           // before where it should begin
      Keys(Entry("r/p6") + "," + Entry("r/p5")),                                     // falling
      Keys(Entry("r/p6") + "," + Entry("r/p6")),                                     // twice
      Keys(Entry("r/p6") + "," + Entry("r/p7") + "," + Entry("r/p8")),               // too many
      Keys(Entry("r/p6", R"("create_revision":"2")")),                               // never changed
      Keys(Entry("r/p6", R"("mod_revision":"2")")),                                  // never made
      Keys(Entry("r/p6", R"("create_revision":"3","mod_revision":"2")")),            // made after
      Keys(Entry("r/p6", R"("create_revision":"2","mod_revision":"8")")),            // in the future
      Keys(Entry("r/p6", R"("create_revision":"2","mod_revision":"3","value":1)")),  // no string
      Keys(Entry("r/p6", R"("create_revision":"2","mod_revision":"3","value":"?")")),
      Keys(Entry("r/p6", R"("create_revision":"2","mod_revision":"3","lease":{})")),
      Keys("1"),
      Answer(R"("kvs":{})"),
      Answer(R"("more":true)"),
      Answer(R"("kvs":[],"more":true)"),
      Answer(R"("more":"yes")"),
      "{}",
  };
  for (const std::string& body : bodies) {
    EXPECT_EQ(DecodePage(body, {"p", "p5", 0, 2}, "r/").status().code(), Code::kCorruption) << body;
  }
}

TEST(EtcdWire, GrantRoundsUpToSeconds) {
  EXPECT_EQ(EncodeGrant(1), R"({"TTL":"1"})");
  EXPECT_EQ(EncodeGrant(1000), R"({"TTL":"1"})");
  EXPECT_EQ(EncodeGrant(1001), R"({"TTL":"2"})");
  EXPECT_EQ(EncodeLease(5), R"({"ID":"5"})");
}

TEST(EtcdWire, GrantNamesItsLease) {
  EXPECT_EQ(DecodeGrant(Answer(R"("ID":"7533855863165802762","TTL":"2")")).value(), 7533855863165802762);
  for (const std::string& body : {Answer(""), Answer(R"("ID":"0")"), Answer(R"("ID":"x")"), std::string("?")}) {
    EXPECT_EQ(DecodeGrant(body).status().code(), Code::kCorruption) << body;
  }
}

TEST(EtcdWire, EndedLeaseIsKeptAliveWithoutATtl) {
  EXPECT_EQ(DecodeKeepAlive(R"({"result":)" + Answer(R"("ID":"5","TTL":"2")") + "}\n").value(), 2000);
  EXPECT_EQ(DecodeKeepAlive(R"({"result":)" + Answer(R"("ID":"5")") + "}\n").status().code(), Code::kNotFound);
}

TEST(EtcdWire, KeepAliveWithoutResultOrHeaderIsCorruption) {
  for (const char* body : {"", "{}", R"({"result":1})", R"({"result":{}})", R"({"result":{"ID":"5","TTL":"2"}})",
                           R"({"result":{"header":{"revision":"7"},"TTL":"9223372036854775807"}})"}) {
    EXPECT_EQ(DecodeKeepAlive(body).status().code(), Code::kCorruption) << body;
  }
}

TEST(EtcdWire, WatchTellsTheNewestRevisionOfItsEvents) {
  const std::string created = R"({"result":)" + Answer(R"("created":true)") + "}\n";
  const std::string event = R"({"result":)" + Answer(R"("events":[{"kv":{}}])") + "}\n";
  EXPECT_EQ(DecodeWatch("").value(), 0);
  EXPECT_EQ(DecodeWatch(created).value(), 0);
  EXPECT_EQ(DecodeWatch(created + event).value(), 7);
  EXPECT_EQ(DecodeWatch(created + event.substr(0, event.size() - 1)).value(), 0) << "the line is not whole";
}

TEST(EtcdWire, CompactedWatchTellsWhereHistoryBegins) {
  EXPECT_EQ(DecodeWatch(R"({"result":{"header":{"cluster_id":"1"},"canceled":true,"compact_revision":"3"}})"
                        "\n")
                .value(),
            3);
}

TEST(EtcdWire, EndedOrSenselessWatchIsCorruption) {
  for (const std::string& line :
       {std::string("?"), std::string("{}"), std::string(R"({"error":{"grpc_code":14,"message":"no leader"}})"),
        R"({"result":)" + Answer(R"("canceled":true)") + "}", std::string(R"({"result":{"events":[]}})"),
        std::string(R"({"result":{"compact_revision":"x"}})"), std::string(R"({"result":{"canceled":"x"}})")}) {
    EXPECT_EQ(DecodeWatch(line + "\n").status().code(), Code::kCorruption) << line;
  }
}

TEST(EtcdWire, WatchBeginsWhereItIsTold) {
  const auto written = boost::json::parse(EncodeWatch("p/", 8, "r/")).at("create_request");
  EXPECT_EQ(written.at("start_revision").as_string(), "8");
  EXPECT_EQ(DecodeBase64(written.at("key").as_string()).value(), "r/p/");
  EXPECT_EQ(DecodeBase64(written.at("range_end").as_string()).value(), "r/p0");
}

TEST(EtcdWire, TokenIsOneWord) {
  EXPECT_EQ(EncodeCredentials("me", "a\"b"), R"({"name":"me","password":"a\"b"})");
  EXPECT_EQ(DecodeToken(Answer(R"("token":"abc.7")")).value(), "abc.7");
  for (const char* body : {"", "{}", R"({"token":1})", R"({"token":""})", R"({"token":"a\r\nX-Other: b"})",
                           R"({"token":"a b"})", "{\"token\":\"\xc3\xa4\"}"}) {
    EXPECT_EQ(DecodeToken(body).status().code(), Code::kCorruption) << body;
  }
}

TEST(EtcdWire, ForgottenAndOutdatedTokensAreRefused) {
  EXPECT_TRUE(RefusesToken({16, "etcdserver: invalid auth token"}));
  EXPECT_TRUE(RefusesToken({3, "etcdserver: revision of auth store is old"}));
  EXPECT_FALSE(RefusesToken({3, "etcdserver: key is not provided"}));
  EXPECT_FALSE(RefusesToken({7, "etcdserver: permission denied"}));
}

TEST(EtcdWire, RefusalsOfBothFormsAreRead) {
  const auto plain = DecodeRefusal(R"({"error":"no leader","message":"no leader","code":14})");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->code, 14);
  EXPECT_EQ(plain->message, "no leader");
  const auto streamed = DecodeRefusal(R"({"error":{"grpc_code":5,"http_code":404,"message":"gone"}})");
  ASSERT_TRUE(streamed.has_value());
  EXPECT_EQ(streamed->code, 5);
  for (const char* body : {"", "Not Found", "{}", R"({"error":"x"})", R"({"error":"x","message":"x"})",
                           R"({"error":"x","message":"x","code":17})", R"({"error":"x","message":1,"code":5})",
                           R"({"error":"x","message":"x","code":"five"})"}) {
    EXPECT_FALSE(DecodeRefusal(body).has_value()) << body;
  }
}

}  // namespace
}  // namespace rhizome::coordination::etcd
