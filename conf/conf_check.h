/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Do the values of a configuration fit together? Each is right by itself when this runs, or marked as bad:
 * what hangs on a bad value is not judged, so one slip makes one message. Inside conf/ only; control thread
 * only.
 */
#ifndef CONF_CONF_CHECK_H
#define CONF_CONF_CHECK_H

#include "conf/conf_read.h"

/* c was read by r; mistakes go to r's report. n_nodes: of the tree. */
void conf_check(const struct conf *c, struct conf_reader *r, size_t n_nodes);

#endif
