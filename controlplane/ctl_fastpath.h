/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl fastpath detach --gateway NAME: for a gateway that does not run, and so has no API to ask. One
 * thread.
 */
#ifndef CONTROLPLANE_CTL_FASTPATH_H
#define CONTROLPLANE_CTL_FASTPATH_H

#include <stddef.h>

/* dir NULL: the default. 0 or -errno with a sentence in err. */
int ctl_fastpath_remove(const char *dir, const char *gateway, char *err, size_t err_len);

#endif
