/* SPDX-License-Identifier: BSD-3-Clause
 *
 * show routes: what the EVPN RIB holds, received and our own, with all path attributes. The cursor of the
 * pages is the RIB's, as 16 hexadecimal digits, because a JSON number does not hold 64 bits. Control thread
 * only.
 */
#include "controlplane/cmd.h"

#include "controlplane/overlay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUTES_PAGE 500
#define ROUTES_WALK 50000 /* looked at for a page, which may stay empty: a filter may match few */
#define CURSOR_LEN  16
#define PATH_TEXT   2048

/* ---- communities */

static void add_extcom(cJSON *array, const struct bgp_extcom *c, size_t skip)
{
    char text[BGP_EXTCOM_TEXT];

    json_add_text(array, bgp_extcom_format(c, text) + skip);
}

/* R3.4: "vxlan", or the tunnel type as a number; null when the route does not say. */
static void route_encapsulation(const struct bgp_attrs *a, cJSON *row)
{
    const struct bgp_extcom *c = bgp_attrs_extcom(a, BGP_EXTCOM_ENCAPSULATION);

    if (!c) {
        cJSON_AddNullToObject(row, "encapsulation");
    } else if (bgp_attrs_is_vxlan(a) == 1) {
        json_text(row, "encapsulation", "vxlan");
    } else {
        char text[24];

        snprintf(text, sizeof(text), "tunnel type %u", bgp_extcom_tunnel(c));
        json_text(row, "encapsulation", text);
    }
}

/* Sequence null: the route has no MAC Mobility community, which counts as 0 (R4.2). */
static void route_mobility(const struct bgp_attrs *a, cJSON *row)
{
    const struct bgp_extcom *c = bgp_attrs_extcom(a, BGP_EXTCOM_MOBILITY);

    if (c) {
        json_u64(row, "sequence", bgp_extcom_sequence(c));
    } else {
        cJSON_AddNullToObject(row, "sequence");
    }
    json_bool(row, "sticky", c && bgp_extcom_is_sticky(c));
}

static void route_extcoms(const struct bgp_attrs *a, cJSON *row)
{
    cJSON *targets = json_array(row, "route_targets"), *others = NULL;

    for (unsigned i = 0; i < a->n_extcoms; i++) {
        switch (bgp_extcom_kind(&a->extcoms[i])) {
        case BGP_EXTCOM_RT:
            add_extcom(targets, &a->extcoms[i], strlen("RT:"));
            break;
        case BGP_EXTCOM_ENCAPSULATION:
        case BGP_EXTCOM_MOBILITY:
            break;
        default:
            if (!others)
                others = json_array(row, "ext_communities");
            add_extcom(others, &a->extcoms[i], 0);
        }
    }
    route_encapsulation(a, row);
    route_mobility(a, row);
}

static void route_communities(const struct bgp_attrs *a, cJSON *row)
{
    cJSON *array = a->n_communities ? json_array(row, "communities") : NULL;
    char text[48];

    for (unsigned i = 0; i < a->n_communities; i++) {
        snprintf(text, sizeof(text), "%u:%u", a->communities[i] >> 16, a->communities[i] & 0xffff);
        json_add_text(array, text);
    }
    array = a->n_large ? json_array(row, "large_communities") : NULL;
    for (unsigned i = 0; i < a->n_large; i++) {
        const uint32_t *p = a->large[i].part;

        snprintf(text, sizeof(text), "%u:%u:%u", p[0], p[1], p[2]);
        json_add_text(array, text);
    }
}

/* ---- the other attributes */

static const char *origin_text(uint8_t origin)
{
    return origin == BGP_ORIGIN_IGP ? "IGP" : origin == BGP_ORIGIN_EGP ? "EGP" : "incomplete";
}

static void route_path(const struct bgp_attrs *a, cJSON *row)
{
    char text[PATH_TEXT];

    if (bgp_attrs_has(a, BGP_ORIGIN))
        json_text(row, "bgp_origin", origin_text(a->origin));
    json_text(row, "as_path", bgp_as_path_format(&a->as_path, text, sizeof(text)));
    if (bgp_attrs_has(a, BGP_LOCAL_PREF))
        json_u64(row, "local_pref", a->local_pref);
    if (bgp_attrs_has(a, BGP_MED))
        json_u64(row, "med", a->med);
    if (bgp_attrs_has(a, BGP_ORIGINATOR_ID))
        json_id(row, "originator_id", a->originator_id);
    if (a->n_clusters) {
        cJSON *array = json_array(row, "cluster_list");

        for (unsigned i = 0; i < a->n_clusters; i++)
            json_add_text(array, bgp_id_format(a->clusters[i], text));
    }
}

static void route_rest(const struct bgp_attrs *a, cJSON *row)
{
    if (bgp_attrs_has(a, BGP_ATOMIC_AGGREGATE))
        json_bool(row, "atomic_aggregate", true);
    if (bgp_attrs_has(a, BGP_AGGREGATOR)) {
        cJSON *o = json_object(row, "aggregator");

        json_u64(o, "asn", a->aggregator_as);
        json_id(o, "id", a->aggregator_id);
    }
    if (bgp_attrs_has(a, BGP_PMSI_TUNNEL)) {
        struct ipaddr end = bgp_pmsi_endpoint(&a->pmsi);
        cJSON *o = json_object(row, "pmsi");

        json_u64(o, "tunnel_type", a->pmsi.type);
        json_u64(o, "flags", a->pmsi.flags);
        json_u64(o, "label", a->pmsi.label);
        json_address(o, "endpoint", &end);
    }
    if (a->n_unknown)
        json_u64(row, "unknown_attributes", a->n_unknown);
    if (a->cut)
        json_u64(row, "list_members_cut", a->cut);
}

/* ---- one route */

static void route_key(const struct evpn_nlri *n, cJSON *row)
{
    char text[EVPN_ESI_LEN > EVPN_RD_LEN ? EVPN_ESI_LEN : EVPN_RD_LEN];

    json_text(row, "rd", evpn_rd_format(&n->rd, text));
    json_u64(row, "ethernet_tag", n->etag);
    if (n->type == EVPN_MACIP) {
        json_mac(row, "mac", n->mac);
        json_address(row, "ip", &n->ip);
        if (!evpn_esi_is_zero(&n->esi))
            json_text(row, "esi", evpn_esi_format(&n->esi, text));
    } else {
        json_address(row, "originator", &n->ip);
    }
}

static void route_row(const struct gateway *g, const struct evpn_rib_route *r, const struct bgp_attrs *a,
                      cJSON *row)
{
    const struct gateway_network *net = r->net ? gateway_network(g, r->net) : NULL;
    struct bgp_session *peer = r->peer ? overlay_session(g->overlay, r->peer) : NULL;

    json_u64(row, "type", r->nlri.type);
    if (net) {
        json_text(row, "network", net->conf->name);
    } else {
        cJSON_AddNullToObject(row, "network");
    }
    json_bool(row, "own", r->own);
    json_bool(row, "best", r->best);
    json_bool(row, "stale", r->stale);
    if (r->wrong_label)
        json_text(row, "ignored", evpn_rib_ignored_name(EVPN_RIB_IGNORED_LABEL));
    if (peer)
        json_address(row, "peer", &bgp_session_config(peer)->address);
    route_key(&r->nlri, row);
    json_u64(row, "vni", r->nlri.type == EVPN_IMET ? a->pmsi.label : r->nlri.label);
    if (r->nlri.n_labels > 1)
        json_u64(row, "label2", r->nlri.label2);
    json_address(row, "next_hop", &r->vtep);
    route_extcoms(a, row);
    route_path(a, row);
    route_communities(a, row);
    route_rest(a, row);
}

/* ---- the command */

static int read_filter(const struct gateway *g, const struct api_args *args, struct evpn_rib_filter *f,
                       char err[API_ERR_LEN])
{
    const union api_value *type = api_arg(args, TYPE), *mac = api_arg(args, MAC);
    const struct gateway_network *net;
    struct bgp_session *peer;
    int rc = cmd_find_network(g, args, &net, err);

    if (rc == 0)
        rc = cmd_find_peer(g, args, &peer, err);
    if (rc != 0)
        return rc;
    if (type && type->number != EVPN_MACIP && type->number != EVPN_IMET) {
        snprintf(err, API_ERR_LEN, "type must be 2 (MAC/IP) or 3 (inclusive multicast): no others are held");
        return -EINVAL;
    }
    *f = (struct evpn_rib_filter){.type = type ? (uint8_t)type->number : 0,
                                  .net = net ? net->id : 0,
                                  .peer = peer ? overlay_rib_peer(g->overlay, peer) : 0,
                                  .by_mac = mac != NULL};
    if (mac)
        f->mac = mac->mac;
    return 0;
}

/* Halves of all ones would be one before the first slot. */
static int read_cursor(const struct api_args *args, uint64_t *cursor, char err[API_ERR_LEN])
{
    const union api_value *text = api_arg(args, CURSOR);

    *cursor = 0;
    if (!text)
        return 0;
    if (strlen(text->text) == CURSOR_LEN && strspn(text->text, "0123456789abcdef") == CURSOR_LEN)
        *cursor = strtoull(text->text, NULL, 16);
    if (*cursor == 0 || (uint32_t)*cursor == UINT32_MAX || *cursor >> 32 == UINT32_MAX) {
        snprintf(err, API_ERR_LEN, "cursor must be the \"next\" of an answer");
        return -EINVAL;
    }
    return 0;
}

int cmd_show_routes(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    struct evpn_rib_filter filter;
    struct evpn_rib_route route;
    struct bgp_attrs attrs;
    unsigned n = 0, walk = ROUTES_WALK;
    char text[CURSOR_LEN + 1];
    uint64_t cursor;
    cJSON *rows;
    int rc = cmd_need_bgp(g, err);

    if (rc == 0)
        rc = read_filter(g, args, &filter, err);
    if (rc == 0)
        rc = read_cursor(args, &cursor, err);
    if (rc != 0)
        return rc;
    rows = json_array(result, "routes");
    while (n < ROUTES_PAGE &&
           evpn_rib_next(overlay_rib(g->overlay), &filter, &cursor, &route, &attrs, &walk)) {
        route_row(g, &route, &attrs, json_row(rows));
        n++;
    }
    if (n == ROUTES_PAGE || walk == 0) {
        snprintf(text, sizeof(text), "%016" PRIx64, cursor);
        json_text(result, "next", text);
    }
    return 0;
}
