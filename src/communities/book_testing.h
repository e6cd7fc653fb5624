// A book with everything in it.

#ifndef RHIZOME_COMMUNITIES_BOOK_TESTING_H_
#define RHIZOME_COMMUNITIES_BOOK_TESTING_H_

#include "communities/book.h"

namespace rhizome::communities {

// Four entities: {2, 0, 3} and {1}, of which the first is {2, 0} and {3} on the second level.
inline Book SmallBook() {
  Book book;
  book.collection = Uuid::FromName("notes");
  book.built_ms = 1'700'000'000'123;
  book.graph_mark = 0x1122334455667788;
  book.ids = {{1, 0}, {2, 0}, {3, 0}, {4, 0}};
  book.merged = {{{1, 5}, 2}};
  book.edge_marks = {11, 12, 13, 14};
  book.source_marks = {21, 22, 23, 24};
  Level& coarse = book.levels.emplace_back();
  coarse.begins = {0, 3, 4};
  coarse.ranked = {2, 0, 3, 1};
  coarse.marks = {31, 32};
  coarse.citations = {
      {{format::PointId::FromString("curie").value(), 0, 10, 20, 41}, {format::PointId(7), 300, 0, 400, 42}}, {}};
  coarse.community_of = {0, 1, 0, 0};
  Level& fine = book.levels.emplace_back();
  fine.begins = {0, 2, 3, 4};
  fine.ranked = {2, 0, 1, 3};
  fine.marks = {33, 34, 35};
  fine.citations = {{{format::PointId(8), 1, 2, 30, 43}}, {}, {}};
  fine.community_of = {0, 1, 0, 2};
  return book;
}

}  // namespace rhizome::communities

#endif  // RHIZOME_COMMUNITIES_BOOK_TESTING_H_
