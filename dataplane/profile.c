/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See profile.h. Nothing in a normal build.
 */
#include "dataplane/profile.h"

#ifdef DATAPLANE_PROFILE
struct profile profile;
#endif
