// What `rhizome snapshot` shows, made from the server's answers. Pure functions; a member that is missing or of another
// type shows as nothing, since the server may be of another version.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/status.h"

namespace rhizome::app {

bool SnapshotJobRuns(const boost::json::object& job);
// "[######------] 52 %  copying 1,040 of 2,000".
std::string SnapshotProgressText(const boost::json::object& job);
// Whether the job did what it was for: its error, or that a verified snapshot is damaged and where.
Status SnapshotOutcome(const boost::json::object& job);
// One or two lines of what an ended job has done.
std::string SnapshotReportText(const boost::json::object& job);
// A listing as a table.
std::string SnapshotTable(const boost::json::object& listing);
// 1536 → "1.5 KiB".
std::string BytesText(uint64_t bytes);
// For a URL's query.
std::string EncodedTarget(const std::string& target);

}  // namespace rhizome::app
