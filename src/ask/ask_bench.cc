// How long a question takes at a number of documents, and where: multi_hop beside hybrid, in this process, on real
// disk.
//
//   ask_bench [DOCUMENTS [QUESTIONS]]     5000 and 200
//
// Documents are made up: each has a title, names a dozen of others' titles, the popular ones more often (Zipf), and
// some phrases. Vectors are of hashed words, so that no model's time is counted.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "ask/asker.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "cluster/node.h"
#include "io/disk.h"
#include "memory/service.h"
#include "pipeline/ingest.h"

namespace {

using namespace rhizome;  // NOLINT: a program, not a header

class WordVectors final : public pipeline::Embedder {
 public:
  std::string_view name() const override { return "words-128"; }
  uint32_t dimension() const override { return 128; }
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override {
    std::vector<std::vector<float>> vectors;
    for (const std::string& text : texts) {
      std::vector<float>& vector = vectors.emplace_back(dimension(), .01F);
      for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find(' ', begin), text.size());
        vector[Checksum(std::string_view(text).substr(begin, end - begin)) % dimension()] += 1;
        begin = end + 1;
      }
      float sum = 0;
      for (const float value : vector) sum += value * value;
      for (float& value : vector) value /= std::sqrt(sum);
    }
    return vectors;
  }
};

constexpr const char* kFirst[] = {"Amber", "Boris", "Clara", "Dorian", "Edda",
                                  "Felix", "Greta", "Hanno", "Ines",   "Jonas"};
constexpr const char* kLast[] = {"Alder", "Birch",  "Cedar", "Dogwood", "Elm",
                                 "Fir",   "Ginkgo", "Hazel", "Ivy",     "Juniper"};
constexpr const char* kThings[] = {"river trade", "stone bridge", "wool market", "printing press", "salt mine"};
constexpr const char* kVerbs[] = {"visited", "founded the school of", "wrote letters to", "worked for",
                                  "was a friend of"};

std::string NameOf(size_t i) {
  return fmt::format("{} {}{}", kFirst[i % 10], kLast[i / 10 % 10], i >= 100 ? fmt::format("son{}", i / 100) : "");
}

size_t Popular(std::mt19937_64& random, size_t count) {
  const double u = std::uniform_real_distribution<double>(0, 1)(random);
  return static_cast<size_t>(std::pow(static_cast<double>(count), u)) - 1;  // P(i) about 1 / i
}

pipeline::IngestDocument Made(size_t i, size_t count, std::mt19937_64& random) {
  pipeline::IngestDocument document{fmt::format("d{}", i), NameOf(i), "", "", ""};
  for (int sentence = 0; sentence < 8; ++sentence) {
    document.text += fmt::format("In {} {} {} {} at the {}. ", 1800 + random() % 200,
                                 sentence == 0 ? document.title : NameOf(Popular(random, count)), kVerbs[random() % 5],
                                 NameOf(Popular(random, count)), kThings[random() % 5]);
  }
  return document;
}

Status Learn(memory::Service& memory, pipeline::Ingestor& ingestor, size_t count) {
  std::mt19937_64 random(7);
  std::vector<std::string> tasks;
  for (size_t at = 0; at < count;) {
    std::vector<pipeline::IngestDocument> documents;
    for (; at < count && documents.size() < 256; ++at) documents.push_back(Made(at, count, random));
    ASSIGN_OR_RETURN(const auto results, ingestor.Ingest("bench", std::move(documents), {}));
    for (const auto& result : results) {
      RETURN_IF_ERROR(result.error);
      tasks.push_back(result.task);
    }
  }
  for (const std::string& id : tasks) {
    for (;;) {
      ASSIGN_OR_RETURN(const workers::Task task, memory.Task(id));
      if (task.state() != workers::TaskState::kWorking) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return Status::Ok();
}

struct Measured {
  std::vector<double> ms;
  std::map<std::string_view, double> steps_ms;
  double At(double share) {
    std::ranges::sort(ms);
    return ms[std::min(ms.size() - 1, static_cast<size_t>(share * static_cast<double>(ms.size())))];
  }
};

Result<Measured> AskAll(ask::Asker& asker, size_t documents, size_t questions, ask::Mode mode) {
  std::mt19937_64 random(8);
  Measured measured;
  for (size_t i = 0; i < questions; ++i) {
    ask::Question question;
    question.text = fmt::format("Who {} {} at the {}?", kVerbs[random() % 5], NameOf(Popular(random, documents)),
                                kThings[random() % 5]);
    question.collection = "bench";
    question.mode = mode;
    ASSIGN_OR_RETURN(const ask::Answer answer, asker.Ask(question, {}));
    for (const auto& [step, ns] : answer.latencies) measured.steps_ms[step] += static_cast<double>(ns) / 1e6;
    measured.ms.push_back(static_cast<double>(answer.latencies.back().second) / 1e6);
  }
  return measured;
}

Status Run(const std::string& folder, size_t documents, size_t questions) {
  WordVectors embedder;
  MetricRegistry metrics;
  cluster::NodeOptions options;
  options.data_dir = folder;
  ASSIGN_OR_RETURN(const auto node, cluster::Node::Open(io::RealDisk(), options));
  cluster::CollectionSpec spec;
  spec.name = "bench";
  spec.dimension = embedder.dimension();
  spec.embedder = std::string(embedder.name());
  RETURN_IF_ERROR(node->CreateCollection(spec).status());
  ASSIGN_OR_RETURN(const auto memory, memory::Service::Open({*node, io::RealDisk(), metrics}, {.data_dir = folder}));
  RETURN_IF_ERROR(memory->MakeMemory("bench"));
  pipeline::DocumentWatch watch;
  watch.changed = [&](const auto& name, auto changed) { return memory->Changed(name, changed); };
  pipeline::Ingestor ingestor(*node, &embedder, std::move(watch));
  RETURN_IF_ERROR(Learn(*memory, ingestor, documents));
  ask::Asker asker({*node, memory.get(), &embedder});
  double base = 0;
  for (const ask::Mode mode : {ask::Mode::kHybrid, ask::Mode::kMultiHop}) {
    RETURN_IF_ERROR(AskAll(asker, documents, questions / 4 + 1, mode).status());  // warms up
    ASSIGN_OR_RETURN(Measured measured, AskAll(asker, documents, questions, mode));
    const double middle = measured.At(.5);
    if (base == 0) base = middle;
    fmt::print("{:<10} p50 {:.2f} ms ({:.1f} times hybrid's), p99 {:.2f} ms;", ask::ModeName(mode), middle,
               middle / base, measured.At(.99));
    for (const auto& [step, ms] : measured.steps_ms)
      fmt::print(" {} {:.2f}", step, ms / static_cast<double>(questions));
    fmt::print("\n");
  }
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  const size_t documents = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 5000;
  const size_t questions = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200;
  const auto folder = std::filesystem::temp_directory_path() / ("rhizome-ask-" + Uuid::Random().ToString());
  const Status status = Run(folder.string(), std::max<size_t>(documents, 10), std::max<size_t>(questions, 1));
  std::error_code ignored;  // a leftover in the temporary folder harms nobody
  std::filesystem::remove_all(folder, ignored);
  if (status.ok()) return 0;
  fmt::print(stderr, "ask_bench: {}\n", status.ToString());
  return 1;
}
