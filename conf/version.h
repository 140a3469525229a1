/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The version of the whole: causewayd, causewayctl.
 */
#ifndef CONF_VERSION_H
#define CONF_VERSION_H

#define CAUSEWAY_VERSION "0.1.0"

/* What it was built from: a commit ("11f91c8bd1d2", "-dirty" behind it for a tree that was changed), what the
 * package says, or "unknown". Never a date: the same source gives the same program. */
const char *version_build(void);

#endif
