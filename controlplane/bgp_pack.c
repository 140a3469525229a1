/* SPDX-License-Identifier: BSD-3-Clause
 *
 * UPDATE packer. The attributes behind the routes are encoded first, beside the message, so that what is left
 * for routes is known; the cursor's size is that limit until the end. Any thread.
 */
#include "controlplane/bgp_pack.h"

#include <errno.h>

/* Header of the message, of the attributes, and of the MP attribute up to its AFI and SAFI. */
static void begin(struct bgp_pack *p, uint8_t *msg, size_t max, uint8_t type, struct bgp_family f)
{
    p->n = 0;
    p->tail_len = 0;
    bgp_msg_begin(&p->out, msg, max, BGP_UPDATE);
    buf_put_u16(&p->out, 0); /* no withdrawn IPv4 routes */
    p->attrs_hole = buf_hole_u16(&p->out);
    buf_put_u8(&p->out, BGP_FLAG_OPTIONAL | BGP_FLAG_EXTENDED);
    buf_put_u8(&p->out, type);
    p->mp_hole = buf_hole_u16(&p->out);
    buf_put_u16(&p->out, f.afi);
    buf_put_u8(&p->out, f.safi);
}

/* Keeps the last `tail_len` bytes for the attributes. */
static int leave_room(struct bgp_pack *p)
{
    if (p->out.failed || p->out.size - p->out.len < p->tail_len + EVPN_NLRI_MAX)
        return -EMSGSIZE;
    p->out.size -= p->tail_len;
    return 0;
}

int bgp_pack_reach(struct bgp_pack *p, uint8_t *msg, size_t max, const struct bgp_attrs *a,
                   const struct bgp_rules *rules)
{
    struct buf_out tail;
    size_t n = a->next_hop.family == 4 ? 4 : 16;

    begin(p, msg, max, BGP_MP_REACH, (struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN});
    if (a->next_hop.family == 0)
        return -EINVAL;
    buf_put_u8(&p->out, (uint8_t)n);
    buf_put(&p->out, a->next_hop.b, n);
    buf_put_u8(&p->out, 0);
    buf_out_init(&tail, p->tail, sizeof(p->tail));
    bgp_attrs_encode(a, rules, &tail);
    if (tail.failed)
        return -EMSGSIZE;
    p->tail_len = tail.len;
    return leave_room(p);
}

int bgp_pack_unreach(struct bgp_pack *p, uint8_t *msg, size_t max)
{
    begin(p, msg, max, BGP_MP_UNREACH, (struct bgp_family){BGP_AFI_L2VPN, BGP_SAFI_EVPN});
    return leave_room(p);
}

bool bgp_pack_add(struct bgp_pack *p, const struct evpn_nlri *route)
{
    size_t len = p->out.len;

    evpn_encode(route, &p->out);
    if (p->out.failed) {
        buf_rollback(&p->out, len);
        return false;
    }
    p->n++;
    return true;
}

size_t bgp_pack_end(struct bgp_pack *p)
{
    int n;

    if (p->n == 0)
        return 0;
    buf_fill_u16(&p->out, p->mp_hole);
    p->out.size += p->tail_len;
    buf_put(&p->out, p->tail, p->tail_len);
    buf_fill_u16(&p->out, p->attrs_hole);
    n = bgp_msg_end(&p->out);
    return n < 0 ? 0 : (size_t)n;
}

int bgp_end_of_rib_encode(struct bgp_family f, uint8_t *msg, size_t size)
{
    struct bgp_pack p;

    begin(&p, msg, size, BGP_MP_UNREACH, f);
    buf_fill_u16(&p.out, p.mp_hole);
    buf_fill_u16(&p.out, p.attrs_hole);
    return bgp_msg_end(&p.out);
}
