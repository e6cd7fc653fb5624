#include "pipeline_phases.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <thread>
#include <unordered_set>

#include "base/cpu_time.h"
#include "base/hash.h"
#include "extract/extract.h"
#include "extract/resolve.h"
#include "open_loop.h"
#include "pipeline/chunk.h"
#include "pipeline/minilm.h"
#include "short_documents.h"

namespace rhizome::bench {
namespace {

using gateway::Reply;
using gateway::TestClient;

constexpr size_t kClients = 200;
constexpr double kP50MaxMs = 100, kP99MaxMs = 500;
constexpr int kWaitSeconds = 1800;

std::string IngestBody(const std::vector<ShortDocument>& documents, size_t begin, size_t end) {
  std::string body = R"({"collection":"bench","documents":[)";
  for (size_t i = begin; i < end; ++i) {
    body += fmt::format(R"({}{{"id":"d{}","title":"{}","text":"{}"}})", i == begin ? "" : ",", i, documents[i].title,
                        documents[i].text);
  }
  return body + "]}";
}

void MakeCollection(const ServerProcess& server, bool graph) {
  const std::string body = fmt::format(R"({{"name":"bench","graph":{}}})", graph);
  if (TestClient(server.port()).Call("POST", "/collections", body).status != 201) Fail("no collection");
}

// Posts a batch until it is taken: the machine may stand still for longer than a client waits.
void Post(std::unique_ptr<TestClient>& client, uint16_t port, const std::string& body) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    const Reply reply = client->Call("POST", "/documents", body);
    if (reply.status == 200) return;
    if (reply.status != 0 && reply.status != 429 && reply.status != 503) Fail("ingest: " + reply.body);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (reply.status == 0) client = std::make_unique<TestClient>(port);
  }
  Fail("ingest: no answer");
}

// All of `bodies` from `connections` clients in a closed loop; seconds.
double PostAll(const ServerProcess& server, const std::vector<std::string>& bodies, size_t connections) {
  std::atomic<size_t> next{0};
  const double start_ms = NowMs();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      auto client = std::make_unique<TestClient>(server.port());
      for (size_t n = next++; n < bodies.size(); n = next++) Post(client, server.port(), bodies[n]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return (NowMs() - start_ms) / 1000;
}

std::vector<std::string> BodiesOf(const std::vector<ShortDocument>& documents, size_t begin, size_t end, size_t batch) {
  std::vector<std::string> bodies;
  for (size_t from = begin; from < end; from += batch) {
    bodies.push_back(IngestBody(documents, from, std::min(end, from + batch)));
  }
  return bodies;
}

// Until no sample of `metric` on the page says more than 0.
void AwaitZero(const ServerProcess& server, const std::string& target, const std::string& name) {
  for (int i = 0; i < kWaitSeconds * 5; ++i) {
    const Reply reply = TestClient(server.port()).Call("GET", target);
    bool zero = reply.status == 200;
    size_t found = 0;
    for (size_t at = reply.body.find(name); at != std::string::npos; at = reply.body.find(name, at + 1)) {
      at += name.size();
      if (const size_t brace = reply.body.find_first_of("} ", at); reply.body[at] == '{') at = brace + 1;
      ++found;
      if (std::strtod(reply.body.c_str() + at, nullptr) > 0) zero = false;
    }
    if (zero && found > 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  Fail(name + " did not become 0");
}

// What was acknowledged is found by its words and its vector, before the index has linked it.
void CheckSearchable(const ServerProcess& server, const std::vector<ShortDocument>& documents) {
  TestClient client(server.port());
  for (size_t i = documents.size() - 1; i + 50 > documents.size(); --i) {
    for (const char* mode : {"dense", "text"}) {
      const std::string body = fmt::format(R"({{"collection":"bench","mode":"{}","top_k":3,"query":"{}"}})", mode,
                                           documents[i].title + " " + documents[i].text);
      const Reply reply = client.Call("POST", "/search", body);
      if (reply.status != 200 || reply.body.find(fmt::format("\"id\":\"d{}\"", i)) == std::string::npos) {
        Fail(fmt::format("document d{} is not found by {}: {}", i, mode, reply.body));
      }
    }
  }
}

std::vector<std::string> Queries(const std::string& route, ShortDocuments& texts) {
  std::vector<std::string> requests;
  const char* const more = route == "/search" ? R"("mode":"hybrid","one_per_document":true,)" : "";
  for (int i = 0; i < 2000; ++i) {
    const std::string body = fmt::format(R"({{"collection":"bench",{}"top_k":10,"query":"{}"}})", more, texts.Query());
    requests.push_back(
        fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    "Content-Length: {}\r\n\r\n{}",
                    route, body.size(), body));
  }
  return requests;
}

bool Holds(const Figures& figures) {
  return figures.errors == 0 && figures.p50_ms < kP50MaxMs && figures.p99_ms < kP99MaxMs;
}

QueryFigures MeasureQueries(const PipelineOptions& options, const ServerProcess& server, ShortDocuments& texts) {
  Load load{server.port(), Queries(options.route, texts), 0, 0, {}, 0};
  (void)RunLoad(load, kClients, 2, options.rate);  // warm
  const double cpu = server.CpuSeconds();
  const Figures figures = RunLoad(load, kClients, options.query_seconds, options.rate);
  QueryFigures query{figures.requests_per_s, figures.p50_ms, figures.p99_ms, figures.errors};
  query.cpu_ms_each = (server.CpuSeconds() - cpu) * 1e3 / (figures.requests_per_s * options.query_seconds);
  double holds = Holds(figures) ? options.rate : 0, fails = 0;
  const double seconds = std::min(5.0, options.query_seconds);
  while (holds > 0 && (fails == 0 || fails / holds > 1.1)) {
    const double rate = fails == 0 ? holds * 2 : (holds + fails) / 2;
    (Holds(RunLoad(load, kClients, seconds, rate)) ? holds : fails) = rate;
  }
  query.rate_max = holds;
  return query;
}

std::vector<ShortDocument> Make(ShortDocuments& texts, size_t count) {
  std::vector<ShortDocument> documents;
  for (size_t i = 0; i < count; ++i) documents.push_back(texts.Next());
  return documents;
}

double BytesEach(const std::vector<ShortDocument>& documents) {
  size_t bytes = 0;
  for (const ShortDocument& document : documents) bytes += document.title.size() + document.text.size();
  return static_cast<double>(bytes) / static_cast<double>(documents.size());
}

std::vector<std::string> StaticArguments(const PipelineOptions& options) {
  return {"--static-model", options.static_model};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

StaticFigures MeasureStatic(const PipelineOptions& options, bool with_queries) {
  ShortDocuments texts;
  const std::vector<ShortDocument> documents = Make(texts, options.documents);
  const std::vector<std::string> bodies = BodiesOf(documents, 0, documents.size(), options.batch);
  const TemporaryFolder folder;
  ServerProcess server(options.server, folder.path(), "static", StaticArguments(options));
  server.WaitUntilReady();
  MakeCollection(server, false);
  StaticFigures figures;
  IngestFigures& ingest = figures.ingest;
  const auto count = static_cast<double>(documents.size());
  ingest.documents = documents.size();
  ingest.bytes_each = BytesEach(documents);
  const double cpu = server.CpuSeconds(), start_ms = NowMs();
  ingest.per_s = count / PostAll(server, bodies, options.connections);
  ingest.cpu_us_each = (server.CpuSeconds() - cpu) * 1e6 / count;
  CheckSearchable(server, documents);
  AwaitZero(server, "/shards", "\"pending_index\":");
  ingest.complete_per_s = count * 1e3 / (NowMs() - start_ms);
  ingest.complete_cpu_us_each = (server.CpuSeconds() - cpu) * 1e6 / count;
  if (with_queries) figures.query = MeasureQueries(options, server, texts);
  return figures;
}

MiniLmFigures MeasureMiniLm(const PipelineOptions& options) {
  constexpr size_t kRounds = 5;
  ShortDocuments texts;
  const std::vector<ShortDocument> documents = Make(texts, options.minilm_documents);
  const TemporaryFolder folder;
  ServerProcess server(options.server, folder.path(), "minilm");
  server.WaitUntilReady();
  MakeCollection(server, false);
  auto alone = pipeline::MiniLm::Open({});
  if (!alone.ok()) Fail(alone.status().ToString());
  const size_t each = documents.size() / kRounds;
  std::vector<double> per_s, alone_per_s, ratios, cpu_ratios;
  for (size_t round = 0; round < kRounds; ++round) {
    const size_t begin = round * each, end = begin + each;
    const auto bodies = BodiesOf(documents, begin, end, std::min<size_t>(options.batch, 200));
    const double server_cpu = server.CpuSeconds();
    const double seconds = PostAll(server, bodies, options.connections);
    const double server_spent = server.CpuSeconds() - server_cpu;
    std::vector<std::string> inputs;
    for (size_t i = begin; i < end; ++i) {
      inputs.push_back(pipeline::ChunkForEmbedding(documents[i].title, documents[i].text));
    }
    const double cpu = ProcessCpuSeconds(), start_ms = NowMs();
    if (!(*alone)->Embed(inputs).ok()) Fail("the embedder failed");
    const double alone_seconds = (NowMs() - start_ms) / 1e3, alone_spent = ProcessCpuSeconds() - cpu;
    per_s.push_back(static_cast<double>(each) / seconds);
    alone_per_s.push_back(static_cast<double>(each) / alone_seconds);
    ratios.push_back(alone_seconds / seconds);
    cpu_ratios.push_back(alone_spent / server_spent);
  }
  return {each * kRounds, Median(per_s), Median(alone_per_s), Median(ratios), Median(cpu_ratios)};
}

ExtractionFigures MeasureExtraction(const PipelineOptions& options) {
  ShortDocuments texts;
  const std::vector<ShortDocument> documents = Make(texts, options.extraction_documents);
  ExtractionFigures figures;
  extract::Extractor extractor;
  extract::Resolver resolver;
  double extracting = 0, resolving = 0;
  size_t entities = 0, relations = 0;
  for (const ShortDocument& document : documents) {
    const double start = ThreadCpuSeconds();
    const extract::Extraction found = extractor.Extract(document.title, document.text);
    const double extracted = ThreadCpuSeconds();
    for (const extract::Entity& entity : found.entities) {
      if (entity.is_phrase && entity.aliases.empty()) continue;
      (void)resolver.Add({Checksum(entity.key), entity.key, entity.type, entity.aliases, 0});
    }
    resolving += ThreadCpuSeconds() - extracted;
    extracting += extracted - start;
    entities += found.entities.size();
    relations += found.relations.size();
  }
  const auto count = static_cast<double>(documents.size());
  figures.per_s = count / extracting;
  figures.resolved_per_s = count / (extracting + resolving);
  figures.entities_each = static_cast<double>(entities) / count;
  figures.relations_each = static_cast<double>(relations) / count;
  return figures;
}

GraphFigures MeasureGraph(const PipelineOptions& options) {
  constexpr size_t kStep = 5'000;
  const TemporaryFolder folder;
  ServerProcess server(options.server, folder.path(), "static", StaticArguments(options));
  server.WaitUntilReady();
  MakeCollection(server, true);
  ShortDocuments texts;
  extract::Extractor extractor;
  std::unordered_set<std::string> entities;
  std::vector<ShortDocument> documents;
  GraphFigures figures;
  while (entities.size() < options.entities) {
    const size_t begin = documents.size();
    for (size_t i = 0; i < kStep; ++i) {
      documents.push_back(texts.Next());
      const auto found = extractor.Extract(documents.back().title, documents.back().text);
      for (const extract::Entity& entity : found.entities) entities.insert(entity.key);
    }
    const auto bodies = BodiesOf(documents, begin, documents.size(), options.batch);
    const double cpu = server.CpuSeconds(), start_ms = NowMs();
    (void)PostAll(server, bodies, options.connections);
    AwaitZero(server, "/metrics", "queue_lag");
    AwaitZero(server, "/shards", "\"pending_index\":");
    GraphStep step{entities.size(), documents.size()};
    step.cpu_us_each = (server.CpuSeconds() - cpu) * 1e6 / kStep;
    step.per_s = kStep * 1e3 / (NowMs() - start_ms);
    figures.steps.push_back(step);
    if (!options.json) {
      fmt::print(stderr, "{} entities after {} documents: {:.0f} us of processor time each\n", step.entities,
                 step.documents, step.cpu_us_each);
    }
  }
  const GraphStep& first = figures.steps[figures.steps.size() > 1 ? 1 : 0];  // the very first warms everything up
  figures.growth = figures.steps.back().cpu_us_each / first.cpu_us_each;
  return figures;
}

}  // namespace rhizome::bench
