#include "evolve/event.h"

#include <gtest/gtest.h>

namespace rhizome::evolve {
namespace {

Event Full() {
  Event event;
  event.id = {format::EntityIdOf("a"), 1'700'000'000'000, 3};
  event.action = Action::kSplit;
  event.actor = Actor::kHand;
  event.other = format::EntityIdOf("b");
  event.cause = format::MergeCause::kAlias;
  event.before = format::EntityState::kArchived;
  event.after = format::EntityState::kDeleted;
  event.score = {25, .5, .25, .125, .75, .4, .1};
  event.plan = "18bcfe56800-1";
  event.undoes = EventId{format::EntityIdOf("a"), 5, 0};
  return event;
}

TEST(EventTest, ComesBackAsItWas) {
  EXPECT_EQ(EventOf(PutEventOf(Full())).value(), Full());
  const Event plain{{format::EntityIdOf("a"), 0, 0}, Action::kArchive};
  EXPECT_EQ(EventOf(PutEventOf(plain)).value(), plain);
}

TEST(EventTest, EveryCutIsDamage) {
  const format::PutEvent whole = PutEventOf(Full());
  for (size_t length = 0; length < whole.body.size(); ++length) {
    format::PutEvent cut = whole;
    cut.body.resize(length);
    EXPECT_EQ(EventOf(cut).status().code(), Code::kCorruption) << length;
  }
  format::PutEvent longer = whole;
  longer.body += 'x';
  EXPECT_EQ(EventOf(longer).status().code(), Code::kCorruption);
}

TEST(EventTest, WhatNoEventHasIsDamage) {
  for (size_t at = 0; at < 7; ++at) {
    format::PutEvent put = PutEventOf(Full());
    put.body[at] = 77;
    EXPECT_EQ(EventOf(put).status().code(), Code::kCorruption) << at;
  }
}

TEST(EventTest, AnIdIsReadFromItsText) {
  const EventId id = Full().id;
  EXPECT_EQ(EventId::Parse(id.ToString()), id);
  for (const char* text : {"", "-", "--", "abc", "0123456789abcdef0123456789abcdef-1", "x-1-2",
                           "0123456789abcdef0123456789abcdef-g-0", "0123456789abcdef0123456789abcdef-1-"}) {
    EXPECT_EQ(EventId::Parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rhizome::evolve
