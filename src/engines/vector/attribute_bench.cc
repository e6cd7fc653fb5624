// attribute_bench FOLDER [--documents N] [--json]: the payload and text indexes at size. Documents are drawn from the
// sentences of an evaluation folder (see text_bench), queries are its own; payloads have a rare, a common and a
// numeric field and one string per document. Times are CPU time of one thread.
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/cpu_time.h"
#include "engines/vector/payload_index.h"
#include "engines/vector/text_index.h"

namespace rhizome::vector {
namespace {

namespace json = boost::json;

double CpuMs() { return ThreadCpuSeconds() * 1e3; }

std::vector<std::string> Column(const std::string& path, const char* name) {
  std::vector<std::string> texts;
  std::string line;
  for (std::ifstream in(path); std::getline(in, line);) texts.emplace_back(json::parse(line).at(name).as_string());
  return texts;
}

std::vector<std::string> Sentences(const std::vector<std::string>& texts) {
  std::vector<std::string> sentences;
  for (const std::string& text : texts) {
    for (size_t start = 0; start < text.size();) {
      const size_t end = std::min(text.find(". ", start), text.size());
      sentences.push_back(text.substr(start, end - start));
      start = end + 2;
    }
  }
  return sentences;
}

// Median and 99th percentile of what `run` takes, in milliseconds.
struct Percentiles {
  double p50 = 0;
  double p99 = 0;
};
template <typename Run>
Percentiles Time(size_t times, const Run& run) {
  std::vector<double> took;
  for (size_t i = 0; i < times; ++i) {
    const double start = CpuMs();
    run(i);
    took.push_back(CpuMs() - start);
  }
  std::ranges::sort(took);
  return {took[times / 2], took[times * 99 / 100]};
}

class Figures {
 public:
  void Add(const char* name, double value) { values_.emplace_back(name, value); }
  void Print(bool as_json) const {
    if (as_json) std::printf("{");
    for (size_t i = 0; i < values_.size(); ++i) {
      if (as_json) {
        std::printf("%s\"%s\": %.4g", i == 0 ? "" : ", ", values_[i].first, values_[i].second);
      } else {
        std::printf("%-28s %12.4g\n", values_[i].first, values_[i].second);
      }
    }
    if (as_json) std::printf("}\n");
  }

 private:
  std::vector<std::pair<const char*, double>> values_;
};

class Bench {
 public:
  Bench(std::vector<std::string> sentences, std::vector<std::string> queries, Slot documents)
      : sentences_(std::move(sentences)), queries_(std::move(queries)), documents_(documents) {}

  Status Run(const std::string& directory, Figures& figures) {
    RETURN_IF_ERROR(Build(directory, figures));
    const double start = CpuMs();
    ASSIGN_OR_RETURN(const auto payloads, PayloadIndex::Open(io::RealDisk(), directory, {"payload"}));
    figures.Add("payload_open_ms", CpuMs() - start);
    const double text_start = CpuMs();
    ASSIGN_OR_RETURN(const auto texts, TextIndex::Open({}, io::RealDisk(), directory, {"text"}));
    figures.Add("text_open_ms", CpuMs() - text_start);
    Search(*texts, figures);
    return Filters(*payloads, figures);
  }

 private:
  Status Build(const std::string& directory, Figures& figures) {
    PayloadIndex payloads;
    ASSIGN_OR_RETURN(const auto texts, TextIndex::Create({}));
    std::mt19937 random(1);
    double payload_ms = 0;
    const double start = CpuMs();
    for (Slot slot = 0; slot < documents_; ++slot) {
      std::string text;
      for (int i = 0; i < 4; ++i) text += sentences_[random() % sentences_.size()] + ". ";
      RETURN_IF_ERROR(texts->Add(slot, text, sentences_[random() % sentences_.size()]));
      const json::value payload{
          {"section", random() % 50},
          {"priority", random() % 3 == 0 ? "optional" : "extra"},
          {"size", random()},
          {"name", "package-" + std::to_string(slot)},
          {"authors", {{{"name", random() % 1000}, {"lead", true}}, {{"name", random() % 1000}}}}};
      const double before = CpuMs();
      RETURN_IF_ERROR(payloads.Add(slot, payload));
      payload_ms += CpuMs() - before;
    }
    figures.Add("text_add_us", (CpuMs() - start - payload_ms) * 1e3 / documents_);
    figures.Add("payload_add_us", payload_ms * 1e3 / documents_);
    SearchNamed(*texts, "text_memory_p50_ms", "text_memory_p99_ms", nullptr, figures);
    payloads.Freeze();
    texts->Freeze();
    const double written = CpuMs();
    ASSIGN_OR_RETURN(const SegmentInfo payload, payloads.WriteSegment(io::RealDisk(), directory, "payload"));
    ASSIGN_OR_RETURN(const SegmentInfo text, texts->WriteSegment(io::RealDisk(), directory, "text"));
    figures.Add("write_ms", CpuMs() - written);
    figures.Add("payload_bytes_per_document", static_cast<double>(payload.bytes) / documents_);
    figures.Add("text_bytes_per_document", static_cast<double>(text.bytes) / documents_);
    return Status::Ok();
  }

  void SearchNamed(const TextIndex& texts, const char* p50, const char* p99, const SlotSet* filter, Figures& figures) {
    const SlotSet live(documents_, true);
    const Percentiles took =
        Time(queries_.size(), [&](size_t i) { (void)texts.Search(queries_[i], 10, filter, live); });
    figures.Add(p50, took.p50);
    figures.Add(p99, took.p99);
  }

  void Search(const TextIndex& texts, Figures& figures) {
    SearchNamed(texts, "text_p50_ms", "text_p99_ms", nullptr, figures);
    SlotSet sparse(documents_);
    for (Slot slot = 0; slot < documents_; slot += 1000) sparse.Add(slot);
    SearchNamed(texts, "text_sparse_filter_p50_ms", "text_sparse_filter_p99_ms", &sparse, figures);
  }

  Status Filters(const PayloadIndex& payloads, Figures& figures) {
    const auto time = [&](const char* name, const char* written) -> Status {
      ASSIGN_OR_RETURN(const Filter filter, ParseFilter(json::parse(written)));
      figures.Add(name, Time(50, [&](size_t) { (void)payloads.Evaluate(filter, documents_); }).p50);
      return Status::Ok();
    };
    RETURN_IF_ERROR(time("filter_match_ms", R"({"field": "section", "match": 7})"));
    RETURN_IF_ERROR(time("filter_name_ms", R"({"field": "name", "match": "package-77"})"));
    RETURN_IF_ERROR(time("filter_range_half_ms", R"({"field": "size", "range": {"lt": 2147483648}})"));
    RETURN_IF_ERROR(time("filter_nested_ms", R"({"field": "authors", "nested": {"and": [
      {"field": "name", "range": {"lt": 100}}, {"field": "lead", "match": true}]}})"));
    ASSIGN_OR_RETURN(const Filter filter,
                     ParseFilter(json::parse(R"({"and": [{"field": "size", "range": {"lt": 99999999}},
      {"not": {"field": "section", "in": [1, 2, 3]}}]})")));
    figures.Add("estimate_us",
                1e3 * Time(1000, [&](size_t) { (void)payloads.EstimateCardinality(filter, documents_); }).p50);
    return Status::Ok();
  }

  const std::vector<std::string> sentences_;
  const std::vector<std::string> queries_;
  const Slot documents_;
};

int Run(int argc, char** argv) {
  std::string folder;
  Slot documents = 500'000;
  bool as_json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      as_json = true;
    } else if (argument == "--documents" && i + 1 < argc) {
      documents = static_cast<Slot>(std::max(1, std::atoi(argv[++i])));
    } else {
      folder = argument;
    }
  }
  auto sentences = Sentences(Column(folder + "/corpus.jsonl", "text"));
  auto queries = Column(folder + "/queries.jsonl", "text");
  if (sentences.empty() || queries.empty()) {
    std::printf("attribute_bench: skipped, no corpus.jsonl and queries.jsonl in \"%s\"\n", folder.c_str());
    return 0;
  }
  const std::string directory =
      std::filesystem::temp_directory_path() / ("attribute_bench." + std::to_string(getpid()));
  std::filesystem::create_directories(directory);
  Figures figures;
  const Status status = Bench(std::move(sentences), std::move(queries), documents).Run(directory, figures);
  std::filesystem::remove_all(directory);
  if (!status.ok()) {
    std::fprintf(stderr, "attribute_bench: %s\n", status.ToString().c_str());
    return 1;
  }
  figures.Print(as_json);
  return 0;
}

}  // namespace
}  // namespace rhizome::vector

int main(int argc, char** argv) { return rhizome::vector::Run(argc, argv); }
