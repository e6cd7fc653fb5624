// Lexicon: what English words say about the words around them, as a set of flags per word. A small closed lexicon, not
// a dictionary: it holds the words that are no names (articles, prepositions, common verbs) and those that give a
// name's kind away ("University", "River"). A word that is not in it has no flags.
//
// Immutable, built on first use, thread-safe. Words are lower-case.
#pragma once

#include <cstdint>
#include <string_view>

namespace rhizome::extract {

enum WordFlag : uint32_t {
  kFunction = 1 << 0,      // never part of a name unless inside one: "the", "with", "however"
  kVerb = 1 << 1,          // a common verb, in any of its forms
  kGeneric = 1 << 2,       // a noun too common to be a mention alone: "study", "year"
  kModifier = 1 << 3,      // an adjective that says nothing alone: "new", "significant"
  kConnector = 1 << 4,     // may stand inside a name: "of", "de", "von"
  kHonorific = 1 << 5,     // before a person's name: "Dr", "President"
  kAbbreviation = 1 << 6,  // its full stop does not end a sentence: "Mr", "vs"
  kOrgCue = 1 << 7,        // in an organisation's name: "University", "Inc"
  kPlaceCue = 1 << 8,      // in a place's name: "River", "County"
  kEventCue = 1 << 9,      // in an event's name: "War", "Championship"
  kWorkCue = 1 << 10,      // in a work's name: "Symphony", "Sonata"
  kPersonNoun = 1 << 11,   // what a person is: "actor", "daughter"
  kOrgNoun = 1 << 12,      // what an organisation is: "band", "company"
  kPlaceNoun = 1 << 13,    // what a place is: "village", "airport"
  kWorkNoun = 1 << 14,     // what a work is: "film", "novel"
  kEventNoun = 1 << 15,    // what an event is: "tournament", "battle"
  kGivenName = 1 << 16,
  kDemonym = 1 << 17,   // "German": an adjective written with a capital
  kCalendar = 1 << 18,  // months and days
  kPronoun = 1 << 19,   // that may stand for what the document is about: "he", "it"
  kPreposition = 1 << 20,
  kDeterminer = 1 << 21,
  kAuxiliary = 1 << 22,  // "was", "has", "been"
};

uint32_t FlagsOf(std::string_view lower_word);

// Whether a name in the form of format/entity_name.h is a country, a state or a large city.
bool IsPlaceName(std::string_view key);
bool IsRegionName(std::string_view key);  // a country or a state

// 1 to 12; 0 when the word is no month. Short forms ("sept") are months.
int MonthOf(std::string_view lower_word);

}  // namespace rhizome::extract
