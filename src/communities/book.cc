#include "communities/book.h"

#include <charconv>

#include "base/hash.h"
#include "communities/entity_graph.h"
#include "format/coding.h"

namespace rhizome::communities {
namespace {

using format::Decoder;
using format::EntityId;

constexpr std::string_view kMagic = "RZCM";
constexpr uint16_t kVersion = 1;

void PutLevel(std::string& out, const Level& level) {
  format::PutVarint(out, level.count());
  for (uint32_t c = 0; c < level.count(); ++c) {
    format::PutVarint(out, level.begins[c + 1] - level.begins[c]);
    format::PutU64(out, level.marks[c]);
    format::PutVarint(out, level.citations[c].size());
    for (const Citation& citation : level.citations[c]) {
      format::PutBytes(out, citation.document.Encode());
      format::PutVarint(out, citation.chunk);
      format::PutVarint(out, citation.begin);
      format::PutVarint(out, citation.length);
      format::PutU64(out, citation.checksum);
    }
  }
  for (const uint32_t node : level.ranked) format::PutU32(out, node);
}

bool GetNumber(Decoder& in, uint32_t& number) {
  uint64_t value = 0;
  if (!in.Varint(value, UINT32_MAX)) return false;
  number = static_cast<uint32_t>(value);
  return true;
}

bool GetCitation(Decoder& in, Citation& citation) {
  std::string_view document;
  if (!in.Bytes(document) || !GetNumber(in, citation.chunk) || !GetNumber(in, citation.begin) ||
      !GetNumber(in, citation.length) || !in.U64(citation.checksum)) {
    return false;
  }
  auto id = format::PointId::Decode(document);
  if (!id.ok()) return false;
  citation.document = std::move(id).value();
  return true;
}

bool GetLevel(Decoder& in, uint32_t nodes, Level& level) {
  uint64_t count = 0;
  if (!in.Count(count, 1 + sizeof(uint64_t) + 1) || count > nodes) return false;
  level.begins.push_back(0);
  for (uint64_t c = 0; c < count; ++c) {
    uint32_t size = 0;
    uint64_t mark = 0, citations = 0;
    if (!GetNumber(in, size) || !in.U64(mark) || !in.Varint(citations, kCitationsMax)) return false;
    if (size == 0 || size > nodes - level.begins.back()) return false;
    level.begins.push_back(level.begins.back() + size);
    level.marks.push_back(mark);
    level.citations.emplace_back(citations);
    for (Citation& citation : level.citations.back()) {
      if (!GetCitation(in, citation)) return false;
    }
  }
  // Every node is in exactly one community.
  if (level.begins.back() != nodes) return false;
  level.community_of.assign(nodes, UINT32_MAX);
  for (uint32_t c = 0; c < count; ++c) {
    for (uint32_t i = level.begins[c]; i < level.begins[c + 1]; ++i) {
      uint32_t node = 0;
      if (!in.U32(node) || node >= nodes || level.community_of[node] != UINT32_MAX) return false;
      level.community_of[node] = c;
      level.ranked.push_back(node);
    }
  }
  return true;
}

bool GetNodes(Decoder& in, Book& book) {
  uint64_t nodes = 0, merged = 0;
  if (!in.Count(nodes, format::kEntityIdBytes + 2 * sizeof(uint64_t)) || nodes >= UINT32_MAX) return false;
  for (uint64_t i = 0; i < nodes; ++i) {
    EntityId id;
    uint64_t edges = 0, sources = 0;
    if (!format::GetEntityId(in, id) || !in.U64(edges) || !in.U64(sources)) return false;
    if (i > 0 && !(book.ids.back() < id)) return false;
    book.ids.push_back(id);
    book.edge_marks.push_back(edges);
    book.source_marks.push_back(sources);
  }
  if (!in.Count(merged, format::kEntityIdBytes + 1)) return false;
  for (uint64_t i = 0; i < merged; ++i) {
    EntityId id;
    uint32_t node = 0;
    if (!format::GetEntityId(in, id) || !GetNumber(in, node) || node >= nodes) return false;
    if (i > 0 && !(book.merged.back().first < id)) return false;
    book.merged.emplace_back(id, node);
  }
  return true;
}

// Each community lies within one of the level above.
bool IsNested(const Level& above, const Level& level) {
  for (uint32_t c = 0; c < level.count(); ++c) {
    const auto members = level.MembersOf(c);
    for (const uint32_t node : members) {
      if (above.community_of[node] != above.community_of[members.front()]) return false;
    }
  }
  return true;
}

bool GetBook(Decoder& in, Book& book) {
  std::string_view magic, uuid;
  uint16_t version = 0;
  if (!in.Raw(magic, kMagic.size()) || magic != kMagic || !in.U16(version) || version != kVersion) return false;
  if (!in.Raw(uuid, book.collection.bytes.size()) || !in.I64(book.built_ms) || !in.U64(book.graph_mark)) return false;
  std::copy(uuid.begin(), uuid.end(), book.collection.bytes.begin());
  uint64_t levels = 0;
  if (!GetNodes(in, book) || !in.Varint(levels, kLevelsMax) || levels == 0) return false;
  for (uint64_t i = 0; i < levels; ++i) {
    if (!GetLevel(in, static_cast<uint32_t>(book.ids.size()), book.levels.emplace_back())) return false;
    if (i > 0 && !IsNested(book.levels[i - 1], book.levels[i])) return false;
  }
  return true;
}

}  // namespace

std::optional<uint32_t> Book::NodeOf(const EntityId& id) const { return FindNode(ids, merged, id); }

std::string Book::IdOf(uint32_t level, uint32_t community) const {
  return std::to_string(level) + "-" + ids[levels[level].MembersOf(community).front()].ToString();
}

std::optional<Book::Place> Book::Find(std::string_view id) const {
  const size_t dash = id.find('-');
  uint32_t level = 0;
  if (dash == std::string_view::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(id.data(), id.data() + dash, level);
  const auto entity = EntityId::Parse(id.substr(dash + 1));
  if (error != std::errc() || end != id.data() + dash || level >= levels.size() || !entity) return std::nullopt;
  const auto node = NodeOf(*entity);
  if (!node) return std::nullopt;
  const uint32_t community = levels[level].community_of[*node];
  if (levels[level].MembersOf(community).front() != *node) return std::nullopt;
  return Place{level, community};
}

std::optional<Book::Place> Book::ParentOf(Place place) const {
  if (place.level == 0) return std::nullopt;
  const uint32_t node = levels[place.level].MembersOf(place.community).front();
  return Place{place.level - 1, levels[place.level - 1].community_of[node]};
}

Book::Place Book::HomeOf(Place place) const {
  const size_t size = levels[place.level].MembersOf(place.community).size();
  for (auto above = ParentOf(place); above; above = ParentOf(place)) {
    if (levels[above->level].MembersOf(above->community).size() != size) break;
    place = *above;
  }
  return place;
}

std::string EncodeBook(const Book& book) {
  std::string out(kMagic);
  format::PutU16(out, kVersion);
  out.append(reinterpret_cast<const char*>(book.collection.bytes.data()), book.collection.bytes.size());
  format::PutI64(out, book.built_ms);
  format::PutU64(out, book.graph_mark);
  format::PutVarint(out, book.ids.size());
  for (size_t i = 0; i < book.ids.size(); ++i) {
    format::PutEntityId(out, book.ids[i]);
    format::PutU64(out, book.edge_marks[i]);
    format::PutU64(out, book.source_marks[i]);
  }
  format::PutVarint(out, book.merged.size());
  for (const auto& [id, node] : book.merged) {
    format::PutEntityId(out, id);
    format::PutVarint(out, node);
  }
  format::PutVarint(out, book.levels.size());
  for (const Level& level : book.levels) PutLevel(out, level);
  format::PutU64(out, Checksum(out));
  return out;
}

Result<Book> DecodeBook(std::string_view bytes) {
  constexpr std::string_view kWhat = "book of communities";
  if (bytes.size() < sizeof(uint64_t)) return Status::Corruption("a book of communities that is cut short");
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (format::LoadFixed<uint64_t>(bytes.data() + body.size()) != Checksum(body)) {
    return Status::Corruption("a book of communities with a bad checksum");
  }
  Decoder in(body);
  Book book;
  if (!GetBook(in, book)) return in.Failure(kWhat);
  RETURN_IF_ERROR(in.Finish(kWhat));
  return book;
}

}  // namespace rhizome::communities
