/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_check.h: the part about moves: the site gateways of networks, the other sites, the journal.
 * Any thread.
 */
#include "conf/conf_check_private.h"

/* R6.4. Two addresses may have one MAC: a router of both families. */
static void check_routers(struct check *k, size_t index)
{
    const struct conf_network *n = &k->c->networks[index];
    char buf[IPADDR_STRLEN];

    for (size_t i = 0; i < n->n_routers; i++) {
        const struct ipaddr *a = &n->routers[i].address, *first;
        const struct conf_node *at = given(k, a);

        first = at ? conf_seen_add(&k->seen, CONF_SEEN_ROUTER, index, a, sizeof(*a), a) : NULL;
        if (first)
            fault(k, at,
                  "address: site gateway %s is there twice in this network (first on line %u), keep one",
                  ipaddr_format(a, buf), line_of(k, first));
    }
}

/* ---- sites */

static void check_site_name(struct check *k, const struct conf_site *s)
{
    const struct conf_node *at = given(k, s->name);
    const char *first =
        at ? conf_seen_add(&k->seen, CONF_SEEN_SITE, 0, s->name, strlen(s->name), s->name) : NULL;

    if (first)
        fault(k, at, "name: site %s is there twice (first on line %u), keep one", s->name, line_of(k, first));
    else if (at && given(k, k->c->site) && strcmp(s->name, k->c->site) == 0)
        fault(k, at, "name: %s is this gateway's own site (line %u), expected another one's", s->name,
              line_of(k, k->c->site));
}

static void check_site_vteps(struct check *k, const struct conf_site *s)
{
    char buf[IPADDR_STRLEN];

    for (size_t i = 0; i < s->n_vteps; i++) {
        const struct ipaddr *a = &s->vteps[i], *first;
        const struct conf_node *at = given(k, a);

        if (!at || !check_beside_own(k, at, "vteps", a))
            continue;
        first = conf_seen_add(&k->seen, CONF_SEEN_SITE_VTEP, 0, a, sizeof(*a), a);
        if (first)
            fault(k, at, "vteps: %s is listed twice (first on line %u), a gateway is at one site",
                  ipaddr_format(a, buf), line_of(k, first));
    }
}

/* ---- moves */

/* The journal is rewritten and the socket unlinked: one path would be the end of both. */
static void check_journal(struct check *k)
{
    const struct conf *c = k->c;
    const struct conf_node *at = given(k, c->moves.journal), *socket = given(k, c->api_socket);

    if (!at || bad(k, c->api_socket) || strcmp(c->moves.journal, c->api_socket) != 0)
        return;
    fault(k, socket && conf_mark_before(at->at, socket->at) ? socket : at,
          "%s is the path of moves.journal and of api.socket, each needs its own", c->moves.journal);
}

void check_moves(struct check *k)
{
    const struct conf *c = k->c;

    for (size_t i = 0; i < c->n_networks; i++)
        check_routers(k, i);
    for (size_t i = 0; i < c->n_sites; i++) {
        check_site_name(k, &c->sites[i]);
        check_site_vteps(k, &c->sites[i]);
    }
    check_journal(k);
}
