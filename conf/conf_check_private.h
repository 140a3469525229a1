/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of conf_check share: conf_check.c (underlay, ports, networks), conf_check_bgp.c and
 * conf_check_moves.c. Any thread.
 */
#ifndef CONF_CONF_CHECK_PRIVATE_H
#define CONF_CONF_CHECK_PRIVATE_H

#include "conf/conf_check.h"
#include "conf/conf_seen.h"

struct check {
    const struct conf *c;
    struct conf_reader *r;
    struct conf_seen seen;
    const struct ipaddr *own;            /* our VTEP; NULL: not known, so nothing is compared with it */
    bool networks_known;                 /* a name that is not among the networks' is certainly wrong */
    bool ports_known;                    /* the same for access ports */
    bool carried_known[CONF_MAX_ACCESS]; /* what this port carries is certain */
    size_t n_vteps, n_static_macs;
};

#define fault(k, node, ...) conf_report_add((k)->r->report, (node)->at, __VA_ARGS__)

/* The node of a valid field, or NULL. */
static inline const struct conf_node *given(const struct check *k, const void *field)
{
    return conf_marked(&k->r->marks, field);
}

/* The file gives the field, but not as a valid value: what it would be is not known. */
static inline bool bad(const struct check *k, const void *field)
{
    return conf_marked_bad(&k->r->marks, field);
}

static inline uint32_t line_of(const struct check *k, const void *field)
{
    const struct conf_node *n = given(k, field);

    return n ? n->at.line : 0;
}

static inline const char *family_name(const struct ipaddr *a)
{
    return a->family == 6 ? "IPv6" : "IPv4";
}

/* An address that belongs beside ours on the underlay: same family, not ourselves. Reports, and returns
 * false. */
bool check_beside_own(const struct check *k, const struct conf_node *n, const char *key,
                      const struct ipaddr *a);

/* The bgp section, and what the networks have for it. After the networks' own checks. */
void check_bgp(struct check *k);
/* Site gateways, sites and the moves section. */
void check_moves(struct check *k);

#endif
