#include "fabric/planted.h"

#ifdef RHIZOME_PLANTED
namespace rhizome::fabric {

Bug g_planted = Bug::kNone;

}  // namespace rhizome::fabric
#endif
