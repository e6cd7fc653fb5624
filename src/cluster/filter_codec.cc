#include "cluster/filter_codec.h"

#include <algorithm>

namespace rhizome::cluster {

using format::Decoder;
using format::PutBytes;
using format::PutU64;
using format::PutU8;
using format::PutVarint;
using vector::Filter;
using vector::ValueKey;
using vector::ValueKind;
using Kind = vector::Filter::Kind;

namespace {

constexpr size_t kFieldBytesMax = 1 << 20;
constexpr size_t kValueBytes = 17;

void PutValue(std::string& out, const ValueKey& value) {
  PutU8(out, static_cast<uint8_t>(value.kind));
  PutU64(out, value.a);
  PutU64(out, value.b);
}

bool GetValue(Decoder& in, ValueKey& value) {
  uint8_t kind = 0;
  if (!in.U8(kind) || kind > static_cast<uint8_t>(ValueKind::kInstant)) return false;
  value.kind = static_cast<ValueKind>(kind);
  return in.U64(value.a) && in.U64(value.b);
}

// The limits are on the whole filter, so they are counted over all of it.
class Reader {
 public:
  explicit Reader(Decoder& in) : in_(in) {}

  bool Node(Filter& filter, size_t depth) {
    uint8_t kind = 0;
    if (++nodes_ > vector::kFilterNodesMax || depth > vector::kFilterDepthMax || !in_.U8(kind) ||
        kind > static_cast<uint8_t>(Kind::kNested)) {
      return false;
    }
    filter.kind = static_cast<Kind>(kind);
    if (filter.kind == Kind::kAnd || filter.kind == Kind::kOr) return Children(filter, depth, vector::kFilterNodesMax);
    if (filter.kind == Kind::kNot) return Children(filter, depth, 1) && filter.children.size() == 1;
    if (!in_.Bytes(filter.field, kFieldBytesMax) || filter.field.empty()) return false;
    switch (filter.kind) {
      case Kind::kIn: return Values(filter.values);
      case Kind::kRange: return Range(filter);
      case Kind::kExists: return Exists(filter);
      default: return Children(filter, depth, 1) && filter.children.size() == 1;
    }
  }

 private:
  bool Children(Filter& filter, size_t depth, uint64_t count_max) {
    uint64_t count = 0;
    if (!in_.Count(count, 1) || count > count_max) return false;
    for (uint64_t i = 0; i < count; ++i) {
      if (!Node(filter.children.emplace_back(), depth + 1)) return false;
    }
    return true;
  }

  bool Values(std::vector<ValueKey>& values) {
    uint64_t count = 0;
    if (!in_.Count(count, kValueBytes)) return false;
    values_ += count;
    if (values_ > vector::kFilterInValuesMax) return false;
    values.resize(count);
    for (ValueKey& value : values) {
      if (!GetValue(in_, value) || value.kind == ValueKind::kInstant) return false;
    }
    return std::ranges::is_sorted(values) && std::ranges::adjacent_find(values) == values.end();
  }

  bool Range(Filter& filter) {
    if (!GetValue(in_, filter.low) || !GetValue(in_, filter.high)) return false;
    return filter.low.kind == filter.high.kind &&
           (filter.low.kind == ValueKind::kNumber || filter.low.kind == ValueKind::kInstant);
  }

  bool Exists(Filter& filter) {
    uint8_t exists = 0;
    if (!in_.U8(exists) || exists > 1) return false;
    filter.exists = exists == 1;
    return true;
  }

  Decoder& in_;
  size_t nodes_ = 0;
  uint64_t values_ = 0;
};

}  // namespace

void PutFilter(std::string& out, const Filter& filter) {
  PutU8(out, static_cast<uint8_t>(filter.kind));
  const bool combines = filter.kind == Kind::kAnd || filter.kind == Kind::kOr || filter.kind == Kind::kNot;
  if (!combines) PutBytes(out, filter.field);
  switch (filter.kind) {
    case Kind::kIn:
      PutVarint(out, filter.values.size());
      for (const ValueKey& value : filter.values) PutValue(out, value);
      return;
    case Kind::kRange:
      PutValue(out, filter.low);
      PutValue(out, filter.high);
      return;
    case Kind::kExists: PutU8(out, filter.exists ? 1 : 0); return;
    default:
      PutVarint(out, filter.children.size());
      for (const Filter& child : filter.children) PutFilter(out, child);
  }
}

bool GetFilter(Decoder& in, Filter& filter) { return Reader(in).Node(filter, 1); }

}  // namespace rhizome::cluster
