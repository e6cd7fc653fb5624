#include "pipeline/parse_pdf.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "pipeline/parse.h"

namespace rhizome::pipeline {
namespace {

// A one-page PDF that shows `text` in Helvetica, with a correct cross-reference table.
std::string MakePdf(std::string_view text) {
  const std::string stream = text.empty() ? "" : fmt::format("BT /F1 12 Tf 72 720 Td ({}) Tj ET", text);
  const std::vector<std::string> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>",
      "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
      "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
      fmt::format("<< /Length {} >>\nstream\n{}\nendstream", stream.size(), stream),
  };
  std::string pdf = "%PDF-1.4\n";
  std::string table = fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (size_t i = 0; i < objects.size(); ++i) {
    table += fmt::format("{:010} 00000 n \n", pdf.size());
    pdf += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  return pdf + table +
         fmt::format("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n", objects.size() + 1, pdf.size());
}

TEST(ParsePdf, FindsTheText) {
  const auto documents = Parse("a.pdf", MakePdf("Roots that grow on."));
  ASSERT_TRUE(documents.ok()) << documents.status().ToString();
  EXPECT_EQ((*documents)[0].text, "Roots that grow on.");
  EXPECT_EQ((*documents)[0].format, Format::kPdf);
  EXPECT_EQ((*documents)[0].source, "a.pdf");
}

TEST(ParsePdf, SaysWhenItIsCutOff) {
  const std::string pdf = MakePdf("Roots that grow on.");
  for (const size_t length : {size_t{9}, pdf.size() / 2, pdf.size() - 6}) {
    const Status status = ParsePdf(pdf.substr(0, length), {}).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_EQ(status.message(), "the PDF is cut off: its end marker (%%EOF) is missing") << length;
  }
}

TEST(ParsePdf, SaysWhenItIsNone) {
  EXPECT_EQ(ParsePdf("", {}).status().message(), "not a PDF: it does not begin with %PDF-");
  EXPECT_EQ(ParsePdf("plain text %%EOF", {}).status().code(), Code::kInvalidArgument);
}

TEST(ParsePdf, SaysWhenItCannotBeRead) {
  const Status status = ParsePdf("%PDF-1.4\nnothing in it\n%%EOF\n", {}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_TRUE(status.message().starts_with("the PDF cannot be read: ")) << status.message();
}

TEST(ParsePdf, SaysWhenThereIsNoText) {
  EXPECT_EQ(ParsePdf(MakePdf(""), {}).status().message(), "the PDF has no text: it may be a scan, or damaged");
}

TEST(ParsePdf, BoundsTheText) {
  EXPECT_EQ(ParsePdf(MakePdf("Roots that grow on."), {.document_len_max = 10}).status().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::pipeline
