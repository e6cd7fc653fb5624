// What `rhizome evolve` shows, made from the server's answers. Pure functions; a member that is missing or of another
// type shows as nothing, since the server may be of another version.
#pragma once

#include <boost/json/object.hpp>
#include <string>

namespace rhizome::app {

// A dry run: what would change and why, as a table, and how to do it.
std::string PlanTable(const boost::json::object& plan);
// What a pass did, in a line.
std::string AppliedText(const boost::json::object& applied);
// Events as a table, newest first.
std::string AuditTable(const boost::json::object& page);

}  // namespace rhizome::app
