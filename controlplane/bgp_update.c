/* SPDX-License-Identifier: BSD-3-Clause
 *
 * UPDATE decoder. Tricky: RFC 7606 wants the worst error of all to decide, and treat-as-withdraw needs routes
 * that are known for sure; so every attribute is read even after a bad one, and the last word is spoken in
 * judge(). Any thread.
 */
#include "controlplane/bgp_update.h"

#include <errno.h>
#include <stdio.h>

/* One decoding. */
struct decoding {
    struct bgp_update *u;
    const struct bgp_rules *rules;
    struct bgp_error *err;
    uint64_t seen[4];     /* types met, wrong ones too */
    bool reachable;       /* some route is announced, of whatever family */
    const uint8_t *quote; /* the attribute of the first error that withdraws */
    size_t quote_len;
    uint8_t quote_subcode;
    const char *quote_why;
};

static int reset(struct decoding *d, uint8_t subcode, const struct bgp_raw_attr *quote, const char *why)
{
    const char *name = quote ? bgp_attr_name(quote->type) : NULL;

    bgp_error_set(d->err, BGP_ERR_UPDATE, subcode, quote ? quote->data : NULL, quote ? quote->data_len : 0,
                  "%s%s%s", name ? name : "", name ? ": " : "", why);
    if (quote && !name)
        bgp_error_set(d->err, BGP_ERR_UPDATE, subcode, quote->data, quote->data_len, "attribute %u: %s",
                      quote->type, why);
    d->u->verdict = BGP_SESSION_RESET;
    return -EPROTO;
}

/* Notes an error that is not fatal by itself. When the list is full the last place goes to what is worse. */
static void note(struct decoding *d, struct bgp_attr_error e, const struct bgp_raw_attr *quote)
{
    struct bgp_update *u = d->u;

    if (u->n_errors < BGP_UPDATE_ERRORS)
        u->errors[u->n_errors] = e;
    else if (e.verdict > u->verdict)
        u->errors[BGP_UPDATE_ERRORS - 1] = e;
    u->n_errors++;
    if (e.verdict == BGP_TREAT_AS_WITHDRAW && u->verdict != BGP_TREAT_AS_WITHDRAW) {
        d->quote = quote ? quote->data : NULL;
        d->quote_len = quote ? quote->data_len : 0;
        d->quote_subcode = e.subcode;
        d->quote_why = e.why;
    }
    if (e.verdict > u->verdict)
        u->verdict = (enum bgp_verdict)e.verdict;
}

static bool was_seen(struct decoding *d, uint8_t type)
{
    uint64_t bit = UINT64_C(1) << (type & 63);
    bool seen = d->seen[type >> 6] & bit;

    d->seen[type >> 6] |= bit;
    return seen;
}

/* IPv4 prefixes of the fields that RFC 4271 has: nobody asked for them, but they must be readable. */
static bool count_prefixes(struct buf_in *in, uint32_t *n)
{
    while (buf_left(in) > 0) {
        unsigned bits = buf_get_u8(in);

        if (bits > 32 || !buf_get(in, (bits + 7) / 8))
            return false;
        ++*n;
    }
    return true;
}

/* Walks all routes of a list once. */
static int check_routes(struct decoding *d, struct buf_in list, uint32_t *n, const struct bgp_raw_attr *raw)
{
    struct evpn_nlri route;
    const char *why;

    for (;;) {
        switch (evpn_next(&list, &route, &why)) {
        case EVPN_END:
            return 0;
        case EVPN_ROUTE:
            ++*n;
            break;
        case EVPN_UNKNOWN:
            d->u->n_unknown++;
            break;
        case EVPN_BAD:
            if (d->u->n_bad++ == 0)
                d->u->bad_why = why;
            break;
        case EVPN_BROKEN:
            return reset(d, BGP_UPDATE_OPTIONAL, raw, why);
        }
    }
}

/* RFC 4760 section 3; next hops of RFC 7432 section 9.2 and RFC 8365: 4 or 16 bytes. 32 is a global address
 * and a link-local one (RFC 2545), of which the first counts. */
static int get_reach(struct decoding *d, const struct bgp_raw_attr *raw)
{
    struct bgp_update *u = d->u;
    struct buf_in in = raw->value, next_hop;
    struct bgp_family f;
    size_t len;

    f.afi = buf_get_u16(&in);
    f.safi = buf_get_u8(&in);
    len = buf_get_u8(&in);
    if (!buf_get_sub(&in, len, &next_hop) || buf_left(&in) < 1)
        return reset(d, BGP_UPDATE_OPTIONAL, raw, "too short for its next hop");
    buf_get_u8(&in);
    d->reachable |= buf_left(&in) > 0;
    if (!bgp_family_is_evpn(f)) {
        u->n_other++;
        return 0;
    }
    if (len != 4 && len != 16 && len != 32)
        return reset(d, BGP_UPDATE_OPTIONAL, raw, "a next hop that is no address");
    u->attrs.next_hop = (struct ipaddr){.family = len == 4 ? 4 : 6};
    buf_get_copy(&next_hop, u->attrs.next_hop.b, len == 4 ? 4 : 16);
    u->has_reach = true;
    u->reach = in;
    return check_routes(d, in, &u->n_reach, raw);
}

static int get_unreach(struct decoding *d, const struct bgp_raw_attr *raw, bool alone)
{
    struct bgp_update *u = d->u;
    struct buf_in in = raw->value;
    struct bgp_family f;

    f.afi = buf_get_u16(&in);
    f.safi = buf_get_u8(&in);
    if (in.failed)
        return reset(d, BGP_UPDATE_OPTIONAL, raw, "shorter than three bytes");
    alone = alone && buf_left(&in) == 0;
    if (!bgp_family_is_evpn(f)) {
        u->n_other += !alone;
        u->other_end_of_rib = alone;
        return 0;
    }
    u->end_of_rib = alone;
    u->unreach = in;
    return check_routes(d, in, &u->n_unreach, raw);
}

static int get_attribute(struct decoding *d, const struct bgp_raw_attr *raw, bool alone)
{
    bool mp = raw->type == BGP_MP_REACH || raw->type == BGP_MP_UNREACH;
    struct bgp_attr_error e = {.type = raw->type,
                               .verdict = BGP_ATTRIBUTE_DISCARD,
                               .subcode = BGP_UPDATE_ATTR_LIST,
                               .why = "the attribute is there twice; the first counts"};

    if (was_seen(d, raw->type)) {
        if (mp)
            return reset(d, BGP_UPDATE_ATTR_LIST, NULL, "MP_REACH_NLRI or MP_UNREACH_NLRI twice");
        note(d, e, raw);
        return 0;
    }
    if (mp) {
        if ((raw->flags & (BGP_FLAG_OPTIONAL | BGP_FLAG_TRANSITIVE)) != BGP_FLAG_OPTIONAL)
            return reset(d, BGP_UPDATE_FLAGS, raw, "the attribute has wrong flags");
        return raw->type == BGP_MP_REACH ? get_reach(d, raw) : get_unreach(d, raw, alone);
    }
    switch (bgp_attr_decode(raw, d->rules, &d->u->attrs, &d->u->as4, &e)) {
    case BGP_FINE:
        break;
    case BGP_ATTRIBUTE_DISCARD:
    case BGP_TREAT_AS_WITHDRAW:
        note(d, e, raw);
        break;
    case BGP_SESSION_RESET:
        return reset(d, e.subcode, raw, e.why);
    }
    return 0;
}

/* RFC 7606 section 3 d, for the attributes that every announcement must have. LOCAL_PREF is required between
 * internal peers (RFC 4271 section 5). A wrong one is not a missing one: it was counted already. */
static void check_mandatory(struct decoding *d, bool ipv4)
{
    const struct {
        uint8_t type;
        bool wanted;
        const char *why;
    } list[] = {{BGP_ORIGIN, true, "the attribute is missing"},
                {BGP_AS_PATH, true, "the attribute is missing"},
                {BGP_NEXT_HOP, ipv4, "the attribute is missing"},
                {BGP_LOCAL_PREF, !d->rules->ebgp, "the attribute is missing"}};

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        struct bgp_attr_error e = {list[i].type, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_MISSING, list[i].why};

        if (list[i].wanted && !(d->seen[0] >> list[i].type & 1))
            note(d, e, NULL);
    }
}

/* RFC 4271 section 6.3, on the whole path: an AS4_PATH may have replaced the beginning. */
static void check_first_as(struct decoding *d)
{
    static const struct bgp_attr_error e = {BGP_AS_PATH, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_AS_PATH,
                                            "the path does not begin with the peer's AS"};
    const struct bgp_attrs *a = &d->u->attrs;

    if (d->rules->ebgp && d->rules->check_first_as && bgp_attrs_has(a, BGP_AS_PATH) &&
        bgp_as_path_first(&a->as_path) != d->rules->peer_as)
        note(d, e, NULL);
}

/* RFC 7606 section 5.2: treat-as-withdraw without a route that is announced would be guessing. */
static int judge(struct decoding *d)
{
    if (d->u->verdict != BGP_TREAT_AS_WITHDRAW || d->reachable)
        return 0;
    bgp_error_set(d->err, BGP_ERR_UPDATE, d->quote_subcode, d->quote, d->quote_len,
                  "nothing announced, and: %s", d->quote_why);
    d->u->verdict = BGP_SESSION_RESET;
    return -EPROTO;
}

/* All attributes; `bare` is true when the IPv4 fields are empty. */
static int get_attributes(struct decoding *d, struct buf_in *attrs, bool bare)
{
    size_t total = buf_left(attrs);
    struct bgp_raw_attr raw;
    const char *why;
    int rc = 0;

    while (rc == 0 && bgp_raw_attr_next(attrs, &raw, &why))
        rc = get_attribute(d, &raw, bare && raw.data_len == total);
    if (rc == 0 && why) {
        /* RFC 7606 section 4. */
        struct bgp_attr_error e = {0, BGP_TREAT_AS_WITHDRAW, BGP_UPDATE_ATTR_LIST, why};

        note(d, e, NULL);
    }
    return rc;
}

static void init(struct bgp_update *u)
{
    memset(u, 0, offsetof(struct bgp_update, attrs));
    bgp_attrs_init(&u->attrs);
    u->as4.has_path = u->as4.has_aggregator = false;
    buf_in_init(&u->reach, NULL, 0);
    buf_in_init(&u->unreach, NULL, 0);
}

int bgp_update_decode(const uint8_t *body, size_t len, const struct bgp_rules *rules, struct bgp_update *out,
                      struct bgp_error *err)
{
    struct decoding d = {.u = out, .rules = rules, .err = err};
    struct buf_in in, withdrawn, attrs;
    uint32_t n_withdrawn = 0, n_prefixes = 0;
    int rc;

    init(out);
    buf_in_init(&in, body, len);
    buf_get_sub(&in, buf_get_u16(&in), &withdrawn);
    buf_get_sub(&in, buf_get_u16(&in), &attrs);
    if (in.failed)
        return reset(&d, BGP_UPDATE_ATTR_LIST, NULL, "the lengths pass the end of the message");
    out->other_end_of_rib = len == 4;
    if (!count_prefixes(&withdrawn, &n_withdrawn) || !count_prefixes(&in, &n_prefixes))
        return reset(&d, BGP_UPDATE_NETWORK, NULL, "an IPv4 prefix that cannot be read");
    out->n_other = n_withdrawn + n_prefixes;
    d.reachable = n_prefixes > 0;
    rc = get_attributes(&d, &attrs, out->n_other == 0);
    if (rc)
        return rc;
    bgp_attrs_merge_as4(&out->attrs, &out->as4);
    if (d.reachable) {
        check_mandatory(&d, n_prefixes > 0);
        check_first_as(&d);
    }
    return judge(&d);
}

bool bgp_update_next(struct buf_in *list, struct evpn_nlri *out)
{
    const char *why;

    for (;;) {
        switch (evpn_next(list, out, &why)) {
        case EVPN_ROUTE:
            return true;
        case EVPN_END:
        case EVPN_BROKEN:
            return false;
        case EVPN_UNKNOWN:
        case EVPN_BAD:
            break;
        }
    }
}

const char *bgp_attr_error_format(const struct bgp_attr_error *e, char buf[BGP_ERROR_TEXT])
{
    const char *name = bgp_attr_name(e->type);
    const char *verdict = bgp_verdict_name((enum bgp_verdict)e->verdict);

    if (name)
        snprintf(buf, BGP_ERROR_TEXT, "%s: %s: %s", name, verdict, e->why);
    else if (e->type)
        snprintf(buf, BGP_ERROR_TEXT, "attribute %u: %s: %s", e->type, verdict, e->why);
    else
        snprintf(buf, BGP_ERROR_TEXT, "attributes: %s: %s", verdict, e->why);
    return buf;
}
