#include "wal/damage.h"

namespace rhizome::wal {

std::string DamagedRange::ToString() const {
  std::string text = file + " at byte " + std::to_string(offset);
  if (length > 0) text += ", " + std::to_string(length) + " bytes";
  text += ": " + reason;
  if (LostRecords() == 0) return text;
  return text + "; records " + std::to_string(first_lost_lsn) + ".." + std::to_string(last_lost_lsn) + " lost";
}

uint64_t DamageReport::LostRecords() const {
  uint64_t lost = 0;
  for (const DamagedRange& range : ranges) lost += range.LostRecords();
  return lost;
}

std::string DamageReport::ToString() const {
  std::string text;
  for (const DamagedRange& range : ranges) text += (text.empty() ? "" : "\n") + range.ToString();
  return text;
}

}  // namespace rhizome::wal
