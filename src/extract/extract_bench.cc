// extract_bench [FILE.jsonl] [--documents N] [--json]: documents per second of one core, extraction and resolution.
// Without a file, documents of about 1 kB are made from a fixed seed; with one, {title, text} per line, repeated to N.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_time.h"
#include "extract/extract.h"
#include "extract/resolve.h"

namespace rhizome::extract {
namespace {

struct Document {
  std::string title, text;
};

// Sentences of names, verbs and phrases: new names come all the time, known ones come back.
std::vector<Document> Made(size_t count) {
  constexpr const char* kSyllables[] = {"ka", "lo", "mi", "ren", "sta", "vor", "bel", "dun", "ta", "gri", "sha", "no"};
  constexpr const char* kVerbs[] = {"met", "was founded by", "acquired", "was born in", "is a member of", "directed"};
  constexpr const char* kPhrases[] = {"the quarterly report of the committee", "a strange mechanical device",
                                      "several long negotiations about water rights", "the early years of the project"};
  std::mt19937 random(7);
  const auto name = [&](uint32_t number) {
    std::mt19937 of_name(number);
    std::string word;
    for (int i = 0; i < 3; ++i) word += kSyllables[of_name() % std::size(kSyllables)];
    word[0] = static_cast<char>(word[0] & ~0x20);
    return word;
  };
  const auto person = [&] { return name(random() % 5000) + " " + name(random() % 20000); };
  std::vector<Document> documents;
  for (size_t i = 0; i < count; ++i) {
    Document document{person(), ""};
    while (document.text.size() < 1000) {
      document.text += fmt::format("{} {} {} in {} after {}. ", person(), kVerbs[random() % std::size(kVerbs)],
                                   person(), 1900 + random() % 120, kPhrases[random() % std::size(kPhrases)]);
    }
    documents.push_back(std::move(document));
  }
  return documents;
}

// The value of a string field of one line; evaluation files escape little.
std::string Field(const std::string& line, std::string_view name) {
  const std::string key = fmt::format("\"{}\": \"", name);
  size_t at = line.find(key);
  std::string value;
  if (at == std::string::npos) return value;
  for (at += key.size(); at < line.size() && line[at] != '"'; ++at) {
    if (line[at] == '\\') ++at;
    if (at < line.size()) value += line[at];
  }
  return value;
}

std::vector<Document> Read(const std::string& path, size_t count) {
  std::vector<Document> documents;
  std::string line;
  for (std::ifstream in(path); std::getline(in, line) && documents.size() < count;) {
    documents.push_back({Field(line, "title"), Field(line, "text")});
  }
  const size_t read = documents.size();
  for (size_t i = 0; read > 0 && documents.size() < count; ++i) documents.push_back(documents[i % read]);
  return documents;
}

int Run(int argc, char** argv) {
  std::string path;
  size_t count = 5000;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--documents") == 0 && i + 1 < argc) {
      count = std::strtoul(argv[++i], nullptr, 10);
    } else {
      path = argv[i];
    }
  }
  const std::vector<Document> documents = path.empty() ? Made(count) : Read(path, count);
  size_t bytes = 0, entities = 0, relations = 0;
  Extractor extractor;
  const double start = ThreadCpuSeconds();
  for (const Document& document : documents) {
    const Extraction extraction = extractor.Extract(document.title, document.text);
    bytes += document.text.size();
    entities += extraction.entities.size();
    relations += extraction.relations.size();
  }
  const double seconds = ThreadCpuSeconds() - start;
  const auto n = static_cast<double>(documents.size());
  const double resolving = ThreadCpuSeconds();
  Resolver resolver;
  size_t proposals = 0;
  for (const Document& document : documents) {
    const Extraction extraction = extractor.Extract(document.title, document.text);
    for (const Entity& entity : extraction.entities) {
      if (entity.is_phrase && entity.aliases.empty()) continue;
      proposals += resolver.Add({Checksum(entity.key), entity.key, entity.type, entity.aliases, 0}).size();
    }
  }
  const double resolved_per_s = n / (ThreadCpuSeconds() - resolving);
  const double per_s = n / seconds, mb_per_s = static_cast<double>(bytes) / seconds / 1e6;
  const double bytes_each = static_cast<double>(bytes) / n, entities_each = static_cast<double>(entities) / n;
  if (json) {
    fmt::print(
        "{{\"documents_per_s\": {:.0f}, \"documents_per_s_resolved\": {:.0f}, \"megabytes_per_s\": {:.2f}, "
        "\"bytes_per_document\": {:.0f}, "
        "\"entities_per_document\": {:.1f}}}\n",
        per_s, resolved_per_s, mb_per_s, bytes_each, entities_each);
  } else {
    fmt::print("{:.0f} documents/s of one core ({:.2f} MB/s), {:.0f} with resolution\n", per_s, mb_per_s,
               resolved_per_s);
    fmt::print("{:.0f} bytes, {:.1f} entities, {:.1f} relations each; {} entities known by name, {} merges proposed\n",
               bytes_each, entities_each, static_cast<double>(relations) / n, resolver.size(), proposals);
  }
  return 0;
}

}  // namespace
}  // namespace rhizome::extract

int main(int argc, char** argv) { return rhizome::extract::Run(argc, argv); }
