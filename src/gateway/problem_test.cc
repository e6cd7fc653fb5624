#include "gateway/problem.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <set>

namespace rhizome::gateway {
namespace {

boost::json::object Document(const Response& response) { return boost::json::parse(response.body).as_object(); }

TEST(Problem, NamesTypeStatusDetailFieldAndRequest) {
  const Response response = ProblemFrom(Status::InvalidArgument("points[2].vector", "must be 384 numbers"), "req-7");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto document = Document(response);
  EXPECT_EQ(document.at("type"), "urn:rhizome:problem:invalid_argument");
  EXPECT_EQ(document.at("title"), "Invalid argument");
  EXPECT_EQ(document.at("status"), 400);
  EXPECT_EQ(document.at("detail"), "must be 384 numbers");
  EXPECT_EQ(document.at("field"), "points[2].vector");
  EXPECT_EQ(document.at("request_id"), "req-7");
}

TEST(Problem, WithoutAFieldNoneIsNamed) {
  EXPECT_FALSE(Document(ProblemFrom(Status::NotFound("no such collection"), "r")).contains("field"));
}

TEST(Problem, CountsAreMembersOfTheirOwn) {
  const auto document =
      Document(ProblemFrom(Status::InvalidArgument("body", "2 of 7 were refused"), "r", {{"kept", 5}, {"refused", 2}}));
  EXPECT_EQ(document.at("kept"), 5);
  EXPECT_EQ(document.at("refused"), 2);
  EXPECT_FALSE(Document(ProblemFrom(Status::InvalidArgument("body", "none"), "r")).contains("kept"));
}

TEST(Problem, EveryCodeHasAnErrorStatus) {
  for (int code = 1; code <= static_cast<int>(Code::kInternal); ++code) {
    const int status = HttpStatusOf(static_cast<Code>(code));
    EXPECT_GE(status, 400) << code;
    EXPECT_NE(ReasonPhrase(status), "Status") << code;
  }
}

TEST(Problem, DetailsOfOurOwnFailuresStayInTheLog) {
  for (const Status& status : {Status::Internal("secret"), Status::IoError("secret"), Status::Corruption("secret")}) {
    EXPECT_EQ(ProblemFrom(status, "r").body.find("secret"), std::string::npos) << status.ToString();
  }
}

TEST(Problem, OverloadSaysWhenToRetry) {
  for (const Status& status : {Status::ResourceExhausted("full"), Status::Unavailable("starting")}) {
    EXPECT_NE(FindValue(ProblemFrom(status, "r").headers, "Retry-After"), nullptr);
  }
  EXPECT_EQ(FindValue(ProblemFrom(Status::NotFound("x"), "r").headers, "Retry-After"), nullptr);
}

TEST(Problem, BadUtf8InADetailStillGivesValidJson) {
  const auto document = Document(ProblemFrom(Status::InvalidArgument("a\xFF", "b\xC0\xAFz"), "r"));
  EXPECT_EQ(document.at("field"), "a\xEF\xBF\xBD");
  EXPECT_EQ(document.at("detail"), "b\xEF\xBF\xBD\xEF\xBF\xBDz");
}

}  // namespace
}  // namespace rhizome::gateway
