/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sites by name, as an operator writes them after --to: the configuration's `sites`, our own, or a VTEP's
 * address. Control thread only.
 */
#ifndef CONTROLPLANE_SITE_H
#define CONTROLPLANE_SITE_H

#include "conf/conf.h"

struct site {
    const char *name; /* "": a VTEP of no configured site */
    bool own;         /* this gateway's; then vteps is ours alone */
    const struct ipaddr *vteps;
    size_t n_vteps;
    struct ipaddr one; /* what vteps points to when text was an address */
};

/* The site that text names. A VTEP's address gives that VTEP alone. 0; -ENOENT with a sentence in err that
 * lists what there is. out must not be copied: it points into itself. */
int site_find(const struct conf *conf, const char *text, struct site *out, char *err, size_t err_len);
/* The site of a VTEP, ours included; "": of no configured one. */
const char *site_name(const struct conf *conf, const struct ipaddr *vtep);

#endif
