// What `rhizome tasks` shows, made from the server's answers. Pure functions; a member that is missing or of another
// type shows as nothing, since the server may be of another version.
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace rhizome::app {

std::string TasksTable(const boost::json::object& page);           // of GET /tasks
std::string TaskText(const boost::json::object& task);             // of GET /tasks/{id}
std::string DeadLettersTable(const boost::json::object& letters);  // of GET /dead-letters

// "2026-11-22 03:05:24" in UTC; "" for 0.
std::string TimeText(int64_t ms);
// For a URL's query: everything but letters, digits and "-._~" as %XX.
std::string UrlEncoded(const std::string& text);

}  // namespace rhizome::app
