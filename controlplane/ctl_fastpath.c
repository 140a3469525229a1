/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ctl_fastpath.h. One thread.
 */
#include "controlplane/ctl_fastpath.h"

#include "conf/conf.h"
#include "ebpf/fastpath.h"

#include <errno.h>
#include <stdio.h>

int ctl_fastpath_remove(const char *dir, const char *gateway, char *err, size_t err_len)
{
    char why[FASTPATH_ERR_LEN] = "";
    int rc = fastpath_remove(dir ? dir : CONF_FASTPATH_DIR, gateway, why, sizeof(why));

    if (rc == -EBUSY)
        snprintf(err, err_len, "%s; if it is running, ask it: without --gateway", why);
    else if (rc < 0)
        snprintf(err, err_len, "%s", why[0] ? why : strerror(-rc));
    return rc;
}
