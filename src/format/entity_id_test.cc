#include "format/entity_id.h"

#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

// Ids are on disks and in other nodes.
TEST(EntityId, AnIdIsForEver) { EXPECT_EQ(EntityIdOf("ada lovelace").ToString(), "9919cd6b2ab78a54caec37f7e21a20e9"); }

TEST(EntityId, AnIdIsReadBackFromBytesAndText) {
  const EntityId id = EntityIdOf("ada lovelace");
  EXPECT_EQ(EntityId::Decode(id.Encode()), id);
  EXPECT_EQ(EntityId::Parse(id.ToString()), id);
  EXPECT_EQ(EntityId::Parse("9919CD6b2ab78a54caec37f7e21a20e9"), std::nullopt);
  EXPECT_EQ(EntityId::Parse("2a"), std::nullopt);
  const EntityId low{1, 0x80}, high{1, 0x100};
  EXPECT_LT(low.Encode(), high.Encode());
}

}  // namespace
}  // namespace rhizome::format
