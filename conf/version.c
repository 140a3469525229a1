/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See version.h. The Makefile writes build_id.h, and only when it has changed.
 */
#include "conf/version.h"

#include "conf/build_id.h"

const char *version_build(void)
{
    return CAUSEWAY_BUILD;
}
