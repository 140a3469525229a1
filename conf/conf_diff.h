/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is different between two configurations, key by key, and which of it a running gateway can take over:
 * what `causewayctl diff` prints and a reload goes by.
 *
 * Both are compared as conf_print() writes them, so a key that is printed is compared, and two files that
 * mean the same have no difference. Things in lists go by their names (networks, ports, sites) or addresses
 * (peers): their order says nothing. Pure; any thread.
 */
#ifndef CONF_CONF_DIFF_H
#define CONF_CONF_DIFF_H

#include "conf/conf.h"

enum conf_change_kind { CONF_ADDED, CONF_REMOVED, CONF_CHANGED };

struct conf_change {
    enum conf_change_kind kind;
    char *path;      /* "networks[web].limits.broadcast"; of a whole thing: "networks[web]" */
    char *from, *to; /* as the file would say it; NULL where there is none, and for whole things. Passwords
                        are masked */
    const char *restart; /* why only a restart can do it; NULL: a reload can */
};

struct conf_diff {
    struct conf_change *changes; /* in the order of the file: what is there before by the old one, new things
                                    by the new one */
    size_t n;
    size_t n_restart; /* of them need a restart */
};

/* sys_admin: the process has that right still (conf_needs_sys_admin()). 0 or -ENOMEM. *out is the caller's:
 * conf_diff_free(). */
int conf_diff(const struct conf *from, const struct conf *to, bool sys_admin, struct conf_diff *out);
void conf_diff_free(struct conf_diff *d);

#endif
