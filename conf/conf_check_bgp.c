/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_check.h: the part about BGP EVPN. Any thread.
 */
#include "conf/conf_check_private.h"
#include "conf/conf_rt.h"

#define AS_TRANS 23456 /* RFC 6793 section 9: stands for longer ones in old fields */

/* ---- networks */

static void check_rds(struct check *k)
{
    const struct conf *c = k->c;
    char buf[CONF_RT_STRLEN];

    /* The automatic ones first: where one is taken, the mistake is at the RD that the file gives. */
    for (size_t i = 0; i < c->n_networks; i++) {
        const struct conf_network *n = &c->networks[i];

        if (n->rd_auto && c->bgp.router_id != 0 && !bad(k, &n->rd) && given(k, &n->vlan))
            conf_seen_add(&k->seen, CONF_SEEN_RD, 0, &n->rd, sizeof(n->rd), n);
    }
    for (size_t i = 0; i < c->n_networks; i++) {
        const struct conf_network *n = &c->networks[i], *first;

        if (n->rd_auto || !given(k, &n->rd))
            continue;
        first = conf_seen_add(&k->seen, CONF_SEEN_RD, 0, &n->rd, sizeof(n->rd), n);
        if (first && first->rd_auto)
            fault(k, given(k, &n->rd), "rd: %s is that of network %s by itself (auto), expected another one",
                  conf_rd_format(&n->rd, buf), first->name);
        else if (first)
            fault(k, given(k, &n->rd), "rd: %s is used twice (first on line %u), each network needs its own",
                  conf_rd_format(&n->rd, buf), line_of(k, &first->rd));
    }
}

static void check_targets(struct check *k, const char *key, const struct conf_rt *rt, size_t n, size_t scope)
{
    char buf[CONF_RT_STRLEN];

    for (size_t i = 0; i < n; i++) {
        const struct conf_node *at = given(k, &rt[i]);
        const struct conf_rt *first =
            at ? conf_seen_add(&k->seen, CONF_SEEN_RT, scope, &rt[i], sizeof(rt[i]), &rt[i]) : NULL;

        if (first)
            fault(k, at, "%s: %s is listed twice in this network (first on line %u), keep one", key,
                  conf_rt_format(&rt[i], buf), line_of(k, first));
    }
}

/* ---- the section */

static void check_asn(struct check *k, const uint32_t *asn)
{
    if (given(k, asn) && *asn == AS_TRANS)
        fault(k, given(k, asn), "asn: %u is reserved (AS_TRANS, RFC 6793), expected a real AS number",
              AS_TRANS);
}

static void check_section(struct check *k)
{
    const struct conf_bgp *b = &k->c->bgp;
    const struct conf_node *keepalive = given(k, &b->keepalive);

    check_asn(k, &b->asn);
    if (b->router_id == 0 && !bad(k, &b->router_id) && k->own && given(k, &b->on))
        fault(k, given(k, &b->on),
              "router_id is missing in the bgp section and the underlay's address is IPv6, expected "
              "router_id: a number in IPv4 form like 198.18.0.1, different for each gateway");
    if (!keepalive || bad(k, &b->hold_time))
        return;
    if (b->hold_time == 0)
        fault(k, keepalive,
              "keepalive: given with a hold_time of 0, which needs no keepalives, leave it out");
    else if (b->keepalive > b->hold_time / 3)
        fault(k, keepalive,
              "keepalive: %u is more than a third of the hold_time of %u (RFC 4271 section 4.4), expected "
              "at most %u",
              b->keepalive, b->hold_time, b->hold_time / 3);
}

/* ---- peers */

static void check_name(struct check *k, const struct conf_bgp_peer *p)
{
    const struct conf_node *at = given(k, p->name);
    const char *first =
        at ? conf_seen_add(&k->seen, CONF_SEEN_BGP_NAME, 0, p->name, strlen(p->name), p->name) : NULL;

    if (first)
        fault(k, at, "name: BGP peer %s is there twice (first on line %u), each needs its own name", p->name,
              line_of(k, first));
}

static void check_source(struct check *k, const struct conf_bgp_peer *p)
{
    const struct conf_node *source = given(k, &p->source), *address = given(k, &p->address);
    char buf[IPADDR_STRLEN];

    if (!address)
        return;
    if (source && p->source.family != p->address.family)
        fault(k, source, "source: %s is %s but the peer's address is %s, expected an %s address",
              ipaddr_format(&p->source, buf), family_name(&p->source), family_name(&p->address),
              family_name(&p->address));
    if (p->source.family == 0 && !bad(k, &p->source) && !bad(k, &k->c->bgp.source) && k->own)
        fault(k, address,
              "address: %s is %s but no address of this gateway is known that is, expected source: with "
              "one beside it, or in the bgp section",
              ipaddr_format(&p->address, buf), family_name(&p->address));
}

static void check_distance(struct check *k, const struct conf_bgp_peer *p)
{
    const uint32_t *asn = &k->c->bgp.asn;
    const struct conf_node *multihop = given(k, &p->multihop), *gtsm = given(k, &p->ttl_security);

    if (!multihop)
        return;
    if (p->asn == *asn && given(k, asn) && !bad(k, &p->asn))
        fault(k, multihop,
              "multihop: given for a peer of our own AS %u (iBGP), which may be any number of hops away "
              "without it, leave it out%s",
              *asn, given(k, &p->asn) ? "" : " or give the peer's asn");
    else if (gtsm && p->ttl_security != 0)
        fault(k, conf_mark_before(multihop->at, gtsm->at) ? gtsm : multihop,
              "multihop and ttl_security are both given in a BGP peer, keep one of them: ttl_security "
              "says how far away the peer may be, too");
}

static void check_address(struct check *k, const struct conf_bgp_peer *p)
{
    const struct conf_node *at = given(k, &p->address);
    const struct ipaddr *a = &p->address, *first;
    char buf[IPADDR_STRLEN];

    if (!at)
        return;
    first = conf_seen_add(&k->seen, CONF_SEEN_BGP_PEER, 0, a, sizeof(*a), a);
    if (first)
        fault(k, at, "address: BGP peer %s is there twice (first on line %u), keep one",
              ipaddr_format(a, buf), line_of(k, first));
    else if (conf_seen_find(&k->seen, CONF_SEEN_BGP_SOURCE, 0, a, sizeof(*a)))
        fault(k, at, "address: %s is this gateway's own address, expected another one's",
              ipaddr_format(a, buf));
}

/* Remembers an address of ours. */
static void add_source(struct check *k, const struct ipaddr *a)
{
    conf_seen_add(&k->seen, CONF_SEEN_BGP_SOURCE, 0, a, sizeof(*a), a);
}

void check_bgp(struct check *k)
{
    const struct conf_bgp *b = &k->c->bgp;

    check_rds(k);
    for (size_t i = 0; i < k->c->n_networks; i++) {
        const struct conf_network *n = &k->c->networks[i];

        check_targets(k, "import", n->rt_import, n->n_rt_import, 2 * i);
        check_targets(k, "export", n->rt_export, n->n_rt_export, 2 * i + 1);
    }
    if (!b->on)
        return;
    check_section(k);
    add_source(k, &k->c->underlay.address);
    add_source(k, &b->source);
    for (size_t i = 0; i < b->n_peers; i++)
        add_source(k, &b->peers[i].source);
    for (size_t i = 0; i < b->n_peers; i++) {
        const struct conf_bgp_peer *p = &b->peers[i];

        check_asn(k, &p->asn);
        check_name(k, p);
        check_address(k, p);
        check_source(k, p);
        check_distance(k, p);
    }
}
