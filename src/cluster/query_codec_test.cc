#include "cluster/query_codec.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace rhizome::cluster {
namespace {

using format::PointId;

std::shared_ptr<const vector::Filter> Filter(const std::string& json) {
  return std::make_shared<vector::Filter>(vector::ParseFilter(boost::json::parse(json)).value());
}

std::shared_ptr<const vector::Filter> EveryKind() {
  return Filter(R"({"and":[{"field":"a","match":1},{"or":[{"field":"b","in":["x","y",null]},{"not":{"field":"c",
      "exists":false}}]},{"field":"d","range":{"gte":1,"lt":9}},{"field":"e","range":{"gt":"2024-05-31"}},
      {"field":"f","nested":{"field":"g","match":true}}]})");
}

SearchQuery FullSearch() {
  SearchQuery query;
  query.request.vector = {1, -2.5f};
  query.request.text = "words";
  query.request.mode = SearchMode::kHybrid;
  query.request.top_k = 7;
  query.request.filter = EveryKind();
  query.request.min_score = 0.25f;
  query.request.with_vector = true;
  query.request.one_per_document = true;
  query.request.exact = true;
  query.request.ef = 99;
  query.depth = 123;
  query.with_versions = true;
  return query;
}

StoredPointView Stored() { return {{PointId(3), {0.5f}, "title", "text", "{}"}, Version{77, 5}}; }

TEST(QueryCodec, ASearchArrivesAsItWasSent) {
  const std::string bytes = EncodeQuery(FullSearch());
  const auto decoded = DecodeQuery(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  const auto& query = std::get<SearchQuery>(*decoded);
  EXPECT_EQ(query.request.vector, (std::vector<float>{1, -2.5f}));
  EXPECT_EQ(query.request.text, "words");
  EXPECT_EQ(query.request.min_score, 0.25f);
  EXPECT_EQ(query.request.filter->children.size(), 5u);
  EXPECT_EQ(query.depth, 123u);
  EXPECT_EQ(EncodeQuery(*decoded), bytes);
}

TEST(QueryCodec, EveryOtherQuestionArrivesAsItWasSent) {
  ScrollQuery scroll;
  scroll.request.after = PointId::FromString("abc").value();
  scroll.request.limit = 10;
  scroll.ids_only = true;
  const VectorQuery questions[] = {FetchQuery{{PointId(1), PointId::FromString("x").value()}, false, true}, scroll,
                                   CountQuery{EveryKind()}, ContentQuery{{1, 2}}};
  for (const VectorQuery& question : questions) {
    const std::string bytes = EncodeQuery(question);
    const auto decoded = DecodeQuery(bytes);
    ASSERT_TRUE(decoded.ok()) << question.index() << ": " << decoded.status().ToString();
    EXPECT_EQ(decoded->index(), question.index());
    EXPECT_EQ(EncodeQuery(*decoded), bytes);
  }
}

template <typename Reply>
void ComesBack(const Reply& reply) {
  const std::string bytes = EncodeReply(reply);
  Reply decoded;
  ASSERT_TRUE(DecodeReply(bytes, decoded).ok());
  EXPECT_EQ(EncodeReply(decoded), bytes);
  for (size_t length = 0; length < bytes.size(); ++length) {
    Reply part;
    EXPECT_EQ(DecodeReply(bytes.substr(0, length), part).code(), Code::kCorruption) << length;
  }
  EXPECT_EQ(DecodeReply(bytes + "x", decoded).code(), Code::kCorruption);
}

TEST(QueryCodec, AnswersComeBackWholeOrNotAtAll) {
  ComesBack(SearchQuery::Reply{{{PointId(1), 0.5f, {9, 1}}}, {{PointId(2), 3.0f, {}}}, {Stored()}});
  ComesBack(FetchQuery::Reply{{Stored()}});
  ComesBack(ScrollQuery::Reply{{Stored(), Stored()}, true});
  ComesBack(CountQuery::Reply{{{4, 100, 2}, {5, 1, 0}}});
  ComesBack(ContentQuery::Reply{{PointId::FromString("doc").value()}});
}

TEST(QueryCodec, EveryCutOfAQuestionIsRefused) {
  const std::string bytes = EncodeQuery(FullSearch());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeQuery(bytes.substr(0, length)).status().code(), Code::kCorruption) << length;
  }
}

TEST(QueryCodec, ImpossibleQuestionsAreRefused) {
  SearchQuery search = FullSearch();
  search.depth = kDepthMax + 1;
  EXPECT_FALSE(DecodeQuery(EncodeQuery(search)).ok());
  search = FullSearch();
  search.request.top_k = 0;
  EXPECT_FALSE(DecodeQuery(EncodeQuery(search)).ok());
  search = FullSearch();
  search.request.vector = {std::numeric_limits<float>::quiet_NaN()};
  EXPECT_FALSE(DecodeQuery(EncodeQuery(search)).ok());
  ScrollQuery scroll;
  scroll.request.limit = kPageMax + 1;
  EXPECT_FALSE(DecodeQuery(EncodeQuery(scroll)).ok());
}

TEST(QueryCodec, FiltersNoParserMakesAreRefused) {
  using Kind = vector::Filter::Kind;
  const auto refuses = [](vector::Filter filter) {
    return !DecodeQuery(EncodeQuery(CountQuery{std::make_shared<vector::Filter>(std::move(filter))})).ok();
  };
  vector::Filter deep;
  for (size_t i = 0; i < vector::kFilterDepthMax; ++i) {
    vector::Filter outer;
    outer.kind = Kind::kNot;
    outer.children.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_TRUE(refuses(deep));
  vector::Filter wide;
  wide.children.resize(vector::kFilterNodesMax);
  EXPECT_TRUE(refuses(wide));
  vector::Filter unsorted;
  unsorted.kind = Kind::kIn;
  unsorted.field = "f";
  unsorted.values = {vector::NumberKey(int64_t{2}), vector::NumberKey(int64_t{1})};
  EXPECT_TRUE(refuses(unsorted));
  vector::Filter mixed;
  mixed.kind = Kind::kRange;
  mixed.field = "f";
  mixed.low = vector::NumberKey(int64_t{1});
  mixed.high = vector::StringKey("x");
  EXPECT_TRUE(refuses(mixed));
  vector::Filter nameless;
  nameless.kind = Kind::kExists;
  EXPECT_TRUE(refuses(nameless));
  vector::Filter childless;
  childless.kind = Kind::kNot;
  EXPECT_TRUE(refuses(childless));
}

TEST(QueryCodec, SettingsOfACollectionComeBack) {
  CollectionSpec spec;
  spec.dimension = 384;
  spec.metric = vector::Metric::kL2;
  spec.embedder = "minilm";
  spec.language = "german";
  CollectionSpec decoded;
  const std::string bytes = EncodeSpec(spec);
  ASSERT_TRUE(DecodeSpec(bytes, decoded).ok());
  EXPECT_EQ(EncodeSpec(decoded), bytes);
  EXPECT_EQ(DecodeSpec(bytes.substr(1), decoded).code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::cluster
