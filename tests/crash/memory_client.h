// What tests that kill a server with a memory ask it: whether anything still waits, and what the graph says.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <string>
#include <vector>

#include "server_process.h"

namespace rhizome::crash {

namespace json = boost::json;

inline json::value Get(const ServerProcess& server, const std::string& target) {
  const gateway::Reply reply = server.Call("GET", target);
  if (reply.status != 200) return json::object{{"status", reply.status}};
  return json::parse(reply.body);
}

inline bool NothingWaits(const ServerProcess& server) {
  const json::value stats = Get(server, "/stats");
  const auto* pipeline = stats.as_object().if_contains("pipeline");
  if (pipeline == nullptr) return false;
  for (const auto& topic : pipeline->at("waiting").as_object()) {
    if (topic.value() != 0) return false;
  }
  return true;
}

inline std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Names that the extraction takes for names.
inline std::string Town(int number) { return "Town" + std::string(1, static_cast<char>('a' + number % 26)) + "ville"; }
inline std::string Person(int document) {
  return "Person" + std::string(1, static_cast<char>('a' + document / 26 % 26)) +
         std::string(1, static_cast<char>('a' + document % 26)) + " Smith";
}
inline std::string DocumentBody(int document, int town) {
  const json::value body = {{"collection", "lives"},
                            {"documents",
                             {{{"id", "d" + std::to_string(document)},
                               {"title", Person(document)},
                               {"text", Person(document) + " was born in " + Town(town) + "."}}}}};
  return json::serialize(body);
}

// The towns that the graph says a person was born in, one for each relation.
inline std::vector<std::string> TownsOf(const ServerProcess& server, int document) {
  std::vector<std::string> towns;
  std::string name = Person(document);
  name.replace(name.find(' '), 1, "%20");
  const json::value page =
      Get(server, "/relations?collection=lives&direction=out&type=born_in&limit=100&entity=" + name);
  if (page.as_object().contains("status")) return {"no answer"};
  for (const json::value& fact : page.at("relations").as_array()) towns.emplace_back(fact.at("target").as_string());
  return towns;
}

}  // namespace rhizome::crash
